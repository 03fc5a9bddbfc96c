/**
 * What does a reservation cost? Reserve and settle of three scopes with three dimensions each, beside the nearest that
 * others can do: rate-limiter-flexible consumes from nine limiters and gives back to them, which is not one decision;
 * bottleneck runs a job against one reservoir.
 */
import Bottleneck from 'bottleneck';
import { Redis } from 'ioredis';
import { RateLimiterRedis } from 'rate-limiter-flexible';
import type { LimitScope, RateDimension } from '../adapters/ports.ts';
import { createRedis } from '../adapters/redis/client.ts';
import { createRateLimiter } from '../adapters/redis/rate-limiter.ts';
import { startTestRedis } from '../tests/support/services/redis.ts';
import {
  atLeast,
  atMost,
  round,
  told,
  type Answer,
  type Bench,
  type Question,
} from './support/question.ts';
import { median, percentile } from './support/statistics.ts';

const inFlight = 100;
const silent = { warn: () => undefined, info: () => undefined };

/** One of those that are compared. */
interface Contender {
  readonly name: string;
  /** Takes and gives back once. */
  readonly pair: () => Promise<unknown>;
  /** Pairs of one round at 100 in flight, and one at a time. */
  readonly pairs: { readonly crowded: number; readonly alone: number };
  readonly close: () => unknown;
}

/** Figures of one round. */
interface Round {
  readonly pairsPerSecond: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
  /** Time of Redis in a pair, in µs, as `INFO commandstats` counts it. */
  readonly redisUs: number;
}

/** The question. */
export const limiter: Question = {
  name: 'limiter',
  title: 'The limiter',
  ask: async ({ rounds, say }: Bench): Promise<Answer> => {
    const redis = await startTestRedis();
    const raw = new Redis(redis.url);
    const contenders = [await ado(redis.url), nineLimiters(redis.url), reservoir(redis.url)];
    try {
      const measured = new Map(contenders.map(({ name }) => [name, [] as Round[]]));
      for (const { pair } of contenders) for (let call = 0; call < 500; call += 1) await pair();
      for (let turn = 0; turn < rounds; turn += 1) {
        for (const contender of contenders) {
          measured.get(contender.name)?.push(await measure(contender, raw));
        }
        say(`round ${turn + 1} of ${rounds}`);
      }
      return toAnswer(measured, await emptyScriptUs(raw));
    } finally {
      for (const { close } of contenders) await close();
      raw.disconnect();
      await redis.stop();
    }
  },
};

async function measure({ pair, pairs }: Contender, raw: Redis): Promise<Round> {
  await raw.config('RESETSTAT');
  let left = pairs.crowded;
  const began = performance.now();
  await Promise.all(
    Array.from({ length: inFlight }, async () => {
      while (left > 0) {
        left -= 1;
        await pair();
      }
    }),
  );
  const tookMs = performance.now() - began;
  const redisUs = (await usedByRedis(raw)) / pairs.crowded;
  const timesMs: number[] = [];
  for (let call = 0; call < pairs.alone; call += 1) {
    const asked = performance.now();
    await pair();
    timesMs.push(performance.now() - asked);
  }
  return {
    pairsPerSecond: (pairs.crowded / tookMs) * 1_000,
    p50Ms: percentile(timesMs, 0.5),
    p99Ms: percentile(timesMs, 0.99),
    redisUs,
  };
}

/** µs that Redis spent in scripts since the last reset; what scripts call counts within them. */
async function usedByRedis(raw: Redis): Promise<number> {
  const stats = await raw.info('commandstats');
  return [...stats.matchAll(/cmdstat_(?:evalsha|eval|hmget|multi|exec):calls=\d+,usec=(\d+)/g)]
    .map(([, usec]) => Number(usec))
    .reduce((sum, usec) => sum + usec, 0);
}

/** What a script costs that does nothing: how fast the machine is at the moment. */
async function emptyScriptUs(raw: Redis): Promise<number> {
  const calls = 20_000;
  await raw.config('RESETSTAT');
  for (let left = calls; left > 0; left -= inFlight) {
    await Promise.all(Array.from({ length: inFlight }, () => raw.eval('return 1', 0)));
  }
  return (await usedByRedis(raw)) / calls;
}

async function ado(url: string): Promise<Contender> {
  const redis = createRedis(url, silent);
  await new Promise((resolve) => redis.once('ready', resolve));
  const rateLimiter = createRateLimiter({ redis });
  const rate = (name: string, charge: RateDimension['charge']): RateDimension => ({
    kind: 'rate',
    name,
    charge,
    limit: 1e9,
    perMs: 1_000,
    burst: 1e8,
  });
  const dimensions = [
    rate('requests', 'requests'),
    rate('input', 'uncached_input'),
    rate('output', 'output_actual'),
  ];
  const scopes: readonly LimitScope[] = [
    { name: 'account', dimensions, maxConcurrent: 1_000 },
    { name: 'model:model-1', dimensions },
    { name: 'tenant:tenant-1', dimensions, share: true },
  ];
  const estimate = {
    requests: 1,
    input: 2_000,
    uncached_input: 1_000,
    output_actual: 500,
    max_tokens: 4_000,
    total: 2_500,
    micro_usd: 0,
  };
  const actual = { ...estimate, uncached_input: 900, output_actual: 600 };
  let calls = 0;
  return {
    name: 'ado',
    pairs: { crowded: 20_000, alone: 3_000 },
    async pair() {
      calls += 1;
      // As long as the effect id of a model call: how Redis keeps a set depends on the length of its members.
      const id = calls.toString(16).padStart(64, '0');
      const request = { account: 'bench', model: 'model-1', id, scopes };
      const answer = await rateLimiter.reserve({
        ...request,
        estimate,
        priority: 'normal',
        horizonMs: 1_000,
      });
      // The scopes begin empty: the first calls have to wait.
      if (answer.kind !== 'go') return;
      await rateLimiter.settle({ ...request, grant: answer.grant }, { kind: 'success', actual });
    },
    close: () => redis.disconnect(),
  };
}

function nineLimiters(url: string): Contender {
  const redis = new Redis(url);
  const limiters = Array.from(
    { length: 9 },
    (_, index) =>
      new RateLimiterRedis({
        storeClient: redis,
        keyPrefix: `nine-${index}`,
        points: 1e9,
        duration: 60,
      }),
  );
  return {
    name: 'rate-limiter-flexible',
    pairs: { crowded: 3_000, alone: 500 },
    async pair() {
      await Promise.all(limiters.map((each) => each.consume('bench', 1_000)));
      await Promise.all(limiters.map((each) => each.reward('bench', 100)));
    },
    close: () => redis.disconnect(),
  };
}

function reservoir(url: string): Contender {
  const { hostname, port } = new URL(url);
  const bottleneck = new Bottleneck({
    id: 'bench',
    datastore: 'ioredis',
    clearDatastore: true,
    clientOptions: { host: hostname, port: Number(port) },
    Redis,
    maxConcurrent: 1_000,
    reservoir: 1e9,
  });
  return {
    name: 'bottleneck',
    pairs: { crowded: 500, alone: 100 },
    pair: () => bottleneck.schedule(() => Promise.resolve()),
    close: () => bottleneck.disconnect(false),
  };
}

function toAnswer(measured: ReadonlyMap<string, readonly Round[]>, emptyUs: number): Answer {
  const of = (name: string, figure: keyof Round): number =>
    median((measured.get(name) ?? []).map((turn) => turn[figure]));
  const others = ['rate-limiter-flexible', 'bottleneck'];
  return {
    figures: [
      atLeast('pairs a second of one process', of('ado', 'pairsPerSecond'), {
        limit: 15_000,
        unit: '',
      }),
      atMost('one at a time, p50', of('ado', 'p50Ms'), { limit: 0.25, unit: ' ms' }),
      atMost('one at a time, p99', of('ado', 'p99Ms'), { limit: 0.7, unit: ' ms' }),
      atMost('time of Redis in a pair', of('ado', 'redisUs'), { limit: 35, unit: ' µs' }),
      told('time of Redis in a script that does nothing', `${round(emptyUs)} µs`),
      ...others.map((name) =>
        told(
          name,
          `${round(of(name, 'pairsPerSecond'))} pairs/s, p50 ${round(of(name, 'p50Ms'))} ms, ` +
            `p99 ${round(of(name, 'p99Ms'))} ms, Redis ${round(of(name, 'redisUs'))} µs`,
        ),
      ),
    ],
    notes: [
      'ado: reserve and settle of 3 scopes × 3 dimensions and a lease, settled with other costs than reserved.',
      'rate-limiter-flexible: 9 limiters, consume and reward of each; bottleneck: a job against one reservoir.',
      `Pairs a second and time of Redis with ${inFlight} in flight.`,
    ],
  };
}
