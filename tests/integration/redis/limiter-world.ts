/** What tests of the limiter share: limits with telling defaults, limiters of several processes, buckets that are full. */
import { oneRequest } from '../../../activities/estimate-call.ts';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type {
  Charges,
  HeldReservation,
  MeteredDimension,
  LimitScope,
  RateDimension,
  RateLimiter,
  LimitAnswer,
  LimitRequest,
  WindowDimension,
} from '../../../adapters/ports.ts';
import { createRedis } from '../../../adapters/redis/client.ts';
import { stateKey } from '../../../adapters/redis/limiter/keys.ts';
import { pack } from '../../../adapters/redis/limiter/packed-numbers.ts';
import {
  createRateLimiter,
  type RateLimiterOptions,
} from '../../../adapters/redis/rate-limiter.ts';

const silent = { warn: () => undefined, info: () => undefined };

/** Connections of one test file or process. */
export interface LimiterWorld {
  /** A limiter with a connection of its own, as another process would have it. */
  limiter(options?: Omit<RateLimiterOptions, 'redis'>): Promise<RateLimiter>;
  /** Makes the buckets of scopes full, which otherwise begin empty. Not for windows. */
  fill(account: string, scopes: readonly LimitScope[]): Promise<void>;
  /** All that Redis holds of an account, byte for byte. */
  dump(account: string): Promise<Record<string, string>>;
  readonly raw: Redis;
  close(): void;
}

/** Opens connections to a Redis; close them in afterAll. */
export function openLimiterWorld(url: string): LimiterWorld {
  const raw = new Redis(url);
  const open = [raw];
  return {
    raw,
    async limiter(options = {}) {
      // Settings of the product but for the 100 ms that a call may take: a loaded machine stalls for longer.
      const redis = createRedis(url, silent);
      open.push(redis);
      if (redis.status !== 'ready') await new Promise((resolve) => redis.once('ready', resolve));
      return createRateLimiter({ redis, ...options });
    },
    async fill(account, scopes) {
      for (const scope of scopes) {
        const [times, renewed] = [scope.dimensions.map(() => 0), 0];
        await raw.set(stateKey(account, scope), pack([...times, renewed]));
      }
    },
    async dump(account) {
      const keys = await raw.keys(`rl2:{${account}}:*`);
      const values = await Promise.all(keys.sort().map(async (key) => raw.dumpBuffer(key)));
      return Object.fromEntries(
        keys.map((key, index) => [key, String(values[index]?.toString('hex'))]),
      );
    },
    close() {
      for (const redis of open) redis.disconnect();
    },
  };
}

/** An account that no other test knows. */
export function anAccount(): string {
  return randomUUID();
}

/** A rate of requests: by default one an hour, after the given burst. */
export function aRate(rate: Partial<RateDimension> = {}): RateDimension {
  return {
    kind: 'rate',
    name: 'requests',
    charge: 'requests',
    limit: 1,
    perMs: 3_600_000,
    burst: 10,
    ...rate,
  };
}

/** A window of requests that PostgreSQL knows nothing of. */
export function aWindow(window: Partial<WindowDimension> = {}): WindowDimension {
  return {
    kind: 'window',
    name: 'requests-a-day',
    charge: 'requests',
    limit: 10,
    period: 'day',
    timeZone: 'UTC',
    usedSince: () => Promise.resolve(0),
    ...window,
  };
}

/** The scope of the account. */
export function aScopeOf(
  dimensions: readonly MeteredDimension[],
  scope: Partial<LimitScope> = {},
): LimitScope {
  return { name: 'account', dimensions, ...scope };
}

/** One request, and no tokens unless told. */
export function charges(some: Partial<Charges> = {}): Charges {
  return {
    ...oneRequest,
    ...some,
  };
}

/** A request of a new activity that takes no place in the line. */
export function aReserve(
  account: string,
  scopes: readonly LimitScope[],
  request: Partial<LimitRequest> = {},
): LimitRequest {
  return {
    account,
    model: 'model-1',
    id: randomUUID(),
    scopes,
    estimate: charges(),
    priority: 'normal',
    horizonMs: 0,
    ...request,
  };
}

/** The reservation of a `go`; throws when the answer is another. */
export function held(request: LimitRequest, answer: LimitAnswer): HeldReservation {
  if (answer.kind !== 'go') throw new Error(`expected go, got ${JSON.stringify(answer)}`);
  const { account, model, id, scopes } = request;
  return { account, model, id, scopes, grant: answer.grant };
}

/** Asks, and waits as it is told, until it may go or `giveUp` says so. */
export async function untilGo(
  limiter: RateLimiter,
  request: LimitRequest,
  giveUp: () => boolean = () => false,
): Promise<Extract<LimitAnswer, { kind: 'go' }> | undefined> {
  while (!giveUp()) {
    const answer = await limiter.reserve(request);
    if (answer.kind === 'go') return answer;
    await sleep(Math.min(answer.waitMs + Math.random() * 2, 5_000));
  }
  return undefined;
}

/** One call that went out: when, by Redis' clock, and what it cost. */
export interface Admission {
  readonly atUs: number;
  readonly cost: number;
}

/**
 * The most that admissions were above a bucket's bound, over every window: max of sum(cost) − rate × window, which a
 * bucket keeps at or below its burst. One pass: a bucket without bottom, whose depth is the largest such sum.
 */
export function largestExcess(admissions: readonly Admission[], unitsPerUs: number): number {
  const sorted = [...admissions].sort((one, other) => one.atUs - other.atUs);
  let [depth, lastUs, largest] = [0, sorted[0]?.atUs ?? 0, 0];
  for (const { atUs, cost } of sorted) {
    depth = Math.max(0, depth - (atUs - lastUs) * unitsPerUs) + cost;
    largest = Math.max(largest, depth);
    lastUs = atUs;
  }
  return largest;
}
