/**
 * The RateLimiter port on Redis. The scripts of limiter/ decide, each in one call; this file packs their arguments and
 * reads their answers.
 */
import type { Redis } from 'ioredis';
import type {
  HeldReservation,
  LimitPriority,
  LimitScope,
  LimitState,
  RateLimiter,
  RefuseReason,
  LimitAnswer,
  LimitRequest,
} from '../ports.ts';
import { assertLimits, assertReachable } from './limiter/assert-limits.ts';
import { gateKey, leasesKey, recordKey, stateKey } from './limiter/keys.ts';
import { doublesOf, pack, packReserve, packSettle } from './limiter/packed-numbers.ts';
import { loadListScript, loadScript } from './script.ts';

/** What a rate limiter is made of. */
export interface RateLimiterOptions {
  /** Made by `createLimiterRedis`. */
  readonly redis: Redis;
  /** Life of a concurrency lease without `extend`. Default 15 s, as heartbeats come every 5 s. */
  readonly leaseMs?: number;
  /** How long a breaker stays open at first. Default 15 s; doubled by each failed probe. */
  readonly breakerOpenMs?: number;
  /** How long a breaker stays open at most. Default 5 min. */
  readonly breakerOpenMaxMs?: number;
}

/** Share of a burst that is left to others, and the place in the line; see `LimitPriority`. */
const priorities = {
  interactive: { headroom: 0, lane: 0 },
  normal: { headroom: 0, lane: 1 },
  batch: { headroom: 0.3, lane: 2 },
} as const satisfies Record<LimitPriority, { headroom: number; lane: number }>;

/** A release of a lease is an event that nobody tells: so often it is worth to look. */
const concurrencyLookMs = 250;

/** A rate limiter shared by all processes on one Redis. */
export function createRateLimiter(options: RateLimiterOptions): RateLimiter {
  const { redis, leaseMs = 15_000, breakerOpenMs = 15_000, breakerOpenMaxMs = 300_000 } = options;
  const reserveScript = loadListScript(redis, 'limiter/reserve.lua');
  const settleScript = loadScript(redis, 'limiter/settle.lua');
  const extendScript = loadScript(redis, 'limiter/extend.lua');
  const syncScript = loadScript(redis, 'limiter/sync.lua');
  const pauseScript = loadScript(redis, 'limiter/pause.lua');
  const peekScript = loadListScript(redis, 'limiter/peek.lua');

  const checked = new WeakSet<readonly LimitScope[]>();
  /** Redis' clock minus ours, in ms, as the last answer told. Only ends of days need it. */
  let clockOffsetMs = 0;
  const redisNowMs = (): number => Date.now() + clockOffsetMs;

  async function ask(
    request: LimitRequest,
    ...seeds: readonly Buffer[]
  ): Promise<readonly number[]> {
    const { scopes, estimate, priority, horizonMs } = request;
    const head = { leaseMs, horizonMs, ...priorities[priority] };
    const numbers = packReserve(head, { scopes, charges: estimate, nowMs: redisNowMs() });
    const answer = await reserveScript(keysOf(request), [numbers, ...seeds]);
    const [first = 0, redisTimeUs = first] = answer;
    clockOffsetMs = redisTimeUs / 1_000 - Date.now();
    return answer;
  }

  /** What PostgreSQL knows of every window, for scopes that Redis does not know. */
  async function seedsOf({ scopes }: LimitRequest): Promise<Buffer> {
    const windows = scopes
      .flatMap(({ dimensions }) => dimensions)
      .filter((dimension) => dimension.kind === 'window');
    const used = windows.map((dimension) => {
      const [, b] = doublesOf(dimension, redisNowMs());
      // A day has at most 25 hours; an hour of the day before only makes the seed larger.
      const sinceMs =
        dimension.period === 'day' ? b / 1_000 - 25 * 3_600_000 : redisNowMs() - dimension.period;
      return dimension.usedSince(sinceMs);
    });
    return pack(await Promise.all(used));
  }

  async function reserve(request: LimitRequest): Promise<LimitAnswer> {
    if (!checked.has(request.scopes)) {
      assertLimits(request.scopes);
      checked.add(request.scopes);
    }
    assertReachable(request.scopes, request.estimate);
    let answer = await ask(request);
    // Each of the two is mended by one more call: a day that ended just now, and a scope that Redis lost.
    if (answer[0] === codes.dayEnded) answer = await ask(request);
    if (answer[0] === codes.cold) answer = await ask(request, await seedsOf(request));
    const [grant] = answer;
    if (answer.length === 1 && grant !== undefined) {
      return { kind: 'go', grant, redisTimeUs: grant };
    }
    return toAnswer(answer, request.scopes);
  }

  return {
    reserve,
    async settle(held, outcome) {
      const head = { grant: held.grant, openMs: breakerOpenMs, longestOpenMs: breakerOpenMaxMs };
      const numbers = packSettle(head, { scopes: held.scopes, outcome });
      return (await settleScript(keysOf(held), [numbers])) === 1;
    },
    async extend({ account, id, scopes, grant }) {
      const keys = [recordKey(account, id), ...leasesKeysOf(account, scopes)];
      return (await extendScript(keys, [pack([grant, leaseMs * 1_000])])) === 1;
    },
    async sync(account, { scope, dimension: name, remaining, resetInMs = 0 }) {
      const index = scope.dimensions.findIndex((dimension) => dimension.name === name);
      const dimension = scope.dimensions[index];
      if (dimension === undefined) return;
      const numbers = [
        scope.dimensions.length,
        index + 1,
        ...doublesOf(dimension, redisNowMs()),
        remaining,
        resetInMs * 1_000,
      ];
      await syncScript([stateKey(account, scope)], [pack(numbers)]);
    },
    async pause(account, model, forMs) {
      await pauseScript([gateKey(account, model)], [Math.ceil(forMs * 1_000)]);
    },
    async peek(account, model, scopes) {
      const numbers = scopes.flatMap(({ dimensions }) => [
        dimensions.length,
        ...dimensions.flatMap((dimension) => doublesOf(dimension, redisNowMs())),
      ]);
      const keys = [
        gateKey(account, model),
        ...scopes.map((scope) => stateKey(account, scope)),
        ...scopes.map((scope) => leasesKey(account, scope)),
      ];
      return toState(await peekScript(keys, [pack([scopes.length, ...numbers])]), scopes);
    },
  };
}

/** Keys after the record, of the account and model that an array of scopes was last used for: mostly the same. */
const knownKeys = new WeakMap<
  readonly LimitScope[],
  { readonly account: string; readonly model: string; readonly keys: readonly string[] }
>();

function keysOf({ account, model, id, scopes }: Omit<HeldReservation, 'grant'>): string[] {
  let known = knownKeys.get(scopes);
  if (known?.account !== account || known.model !== model) {
    const keys = [
      gateKey(account, model),
      ...scopes.map((scope) => stateKey(account, scope)),
      ...leasesKeysOf(account, scopes),
    ];
    known = { account, model, keys };
    knownKeys.set(scopes, known);
  }
  return [recordKey(account, id), ...known.keys];
}

/** Leases of the scopes that bound them. */
function leasesKeysOf(account: string, scopes: readonly LimitScope[]): string[] {
  const bounded = scopes.filter(({ maxConcurrent }) => maxConcurrent !== undefined);
  return bounded.map((scope) => leasesKey(account, scope));
}

/** First number of reserve.lua's answer, unless it is the grant of a new go. */
const codes = { go: 0, slot: 1, cold: 7, dayEnded: 8 } as const;
const reasons: Readonly<Record<number, RefuseReason>> = {
  2: 'limit',
  3: 'window',
  4: 'concurrency',
  5: 'paused',
  6: 'breaker',
};

function toAnswer(answer: readonly number[], scopes: readonly LimitScope[]): LimitAnswer {
  const [code = -1, redisTimeUs = 0, timeUs = 0, scopeNumber = 0, dimensionNumber = 0] = answer;
  if (code === codes.go) return { kind: 'go', grant: timeUs, redisTimeUs };
  const scope = scopes[scopeNumber - 1];
  const dimension = scope?.dimensions[dimensionNumber - 1];
  const waitMs = (timeUs - redisTimeUs) / 1_000;
  if (code === codes.slot && scope !== undefined && dimension !== undefined) {
    return { kind: 'slot', waitMs, scope: scope.name, dimension: dimension.name, redisTimeUs };
  }
  // A day that ends between two calls, twice: ask again at once.
  const reason = reasons[code] ?? 'window';
  return {
    kind: 'refuse',
    reason,
    waitMs: reason === 'concurrency' ? concurrencyLookMs : waitMs,
    scope: scope?.name,
    dimension: dimension?.name,
    redisTimeUs,
  };
}

function toState(answer: readonly number[], scopes: readonly LimitScope[]): LimitState {
  const numbers = answer.values();
  const next = (): number => numbers.next().value ?? 0;
  const [pauseUs, speed, breaker] = [next(), next(), next()];
  return {
    pausedForMs: pauseUs / 1_000,
    speed: speed / 1_000,
    breaker: breaker === 0 ? 'closed' : breaker === 1 ? 'open' : 'half_open',
    scopes: scopes.map(({ name, dimensions }) => {
      const [known, concurrent] = [next() === 1, next()];
      return {
        name,
        concurrent,
        dimensions: dimensions.map((dimension) => {
          const [remaining, lineUs] = [next() / 1_000, next()];
          return {
            name: dimension.name,
            remaining: known ? remaining : undefined,
            lineMs: lineUs / 1_000,
          };
        }),
      };
    }),
  };
}
