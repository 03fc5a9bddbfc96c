// The limits of a provider's account, kept by two workers at work, while Redis goes, forgets, is late and loses answers,
// and workers die. The provider counts for itself: whatever it refuses was asked too early.
//   F25  Redis emptied three times
//   F26  Redis killed three times, and empty when it is back
//   F27  Redis away for a minute
//   F28  Redis half a second late; answers of its scripts lost with their connections
//   F29  the holder of leases dies
//   –    the provider halves a quota for a minute
import { setTimeout as delay } from 'node:timers/promises';
import { Redis } from 'ioredis';
import type { Emulator } from '../../cli/emulator/emulator.ts';
import type { CallLine } from '../../cli/emulator/call-log.ts';
import type { Ado } from '../support/ado-platform.ts';
import { until } from '../support/ado-platform.ts';
import { startFaultProxy, throughPort } from '../support/faultproxy.ts';
import type { FaultProxy } from '../support/faultproxy.ts';
import { makeRepositories } from '../support/repositories.ts';
import { keyOf, openProvider, vendors, workOf } from './emulated-provider.ts';
import type { EmulatedProvider } from './emulated-provider.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';
import { compareBooks, exactBooks, faultsOf } from './provider-books.ts';

/** Four calls a second: as many as two tasks could make, so that ten are always waiting. */
const perMinute = 240;
const burst = 12;
/**
 * Calls need up to a second from the limiter to the provider on a busy machine, for the money is held between. Less than
 * a burst: a bucket that began full after a fault would be seen.
 */
const provided = { requests: { perMinute, burst: burst + 4 } };
const limits = [{ charge: 'requests', limit: perMinute, per: 'minute', burst }];

const names = ['flushed', 'killed', 'away', 'late', 'losing', 'halved'] as const;

let world: FaultWorld;
let proxy: FaultProxy;
let provider: EmulatedProvider;
let ado: Ado;
/** What is to be closed, last first. */
const open: (() => Promise<unknown>)[] = [];
beforeAll(async () => {
  world = await openFaultWorld();
  open.push(() => world.stop());
  proxy = await startFaultProxy(Number(new URL(world.redis.url).port));
  open.push(() => proxy.close());
  provider = await openProvider(workOf(1), [
    ...names.map((name) => ({ name, limits })),
    { name: 'leased', limits, maxConcurrent: 4 },
  ]);
  open.push(() => provider.emulator.close());
  ado = await world.startAdo({
    redisUrl: throughPort(world.redis.url, proxy.port),
    workers: [{}, {}],
    env: provider.env,
  });
  open.push(() => ado.stop());
}, 180_000);
afterAll(async () => {
  for (const close of open.toReversed()) await close();
});

/** What became of the work on one account. */
interface Outcome {
  readonly violations: number;
  readonly calls: number;
  readonly notSucceeded: readonly string[];
  /** The answers that came, in their order. */
  readonly delivered: readonly CallLine[];
}

/** Runs ten tasks of so many calls each on an account, and lets something happen to them while they are at the limit. */
async function underLoad(
  name: (typeof names)[number] | 'leased',
  { turns, happening }: { readonly turns: number; readonly happening: () => Promise<void> },
): Promise<Outcome & { readonly books: Awaited<ReturnType<typeof compareBooks>> }> {
  const accounts = Object.fromEntries(names.map((one) => [keyOf(one), provided]));
  const leased = { ...provided, concurrency: 4 };
  const faults = [{ when: { key: keyOf('leased') }, firstTokenMs: 1_500 }, { firstTokenMs: 50 }];
  const script = workOf(turns, { accounts: { ...accounts, [keyOf('leased')]: leased }, faults });
  provider.emulator.useScript(script);
  // What a call may cost at most is held for it, so the budget is a little above what is spent.
  const { id } = await ado.submitBatch({
    prompt: 'Work',
    agent: 'builtin',
    model: `${name}:${vendors.anthropic.model}`,
    parallel: 10,
    maxCostMicroUsd: 10 * turns * 3_600 + 400_000,
    items: makeRepositories(10).map((repository) => ({ repository })),
  });
  // The burst is used up by then.
  await until('the limit', async () => (await provider.lines(name)).length >= burst + 8, 60_000);
  await happening();
  await ado.ended(id, 150_000);

  const items = await ado.listItems(id);
  const lines = await provider.lines(name);
  const taskIds = items.map((item) => item.id);
  return {
    violations: lines.filter(({ outcome }) => outcome === 'refused').length,
    calls: lines.length,
    notSucceeded: items
      .filter(({ outcome }) => outcome !== 'succeeded')
      .map(({ status, error }) => `${status}: ${error ?? ''}`),
    delivered: lines.filter(({ outcome }) => outcome === 'delivered'),
    books: await compareBooks(world, lines, taskIds),
  };
}

/** Nothing was asked too early, nothing failed, and the books are exact. */
function expectUnharmed({
  violations,
  notSucceeded,
  books,
}: Awaited<ReturnType<typeof underLoad>>) {
  expect({ violations, notSucceeded }).toEqual({ violations: 0, notSucceeded: [] });
  expect(faultsOf(books)).toEqual(exactBooks);
}

/** Longest time without an answer between two moments, in seconds. */
function longestGap(delivered: readonly CallLine[], fromMs: number, toMs: number): number {
  const times = delivered.map(({ at }) => Date.parse(at)).filter((at) => at > fromMs && at < toMs);
  const marks = [fromMs, ...times, toMs].sort((one, other) => one - other);
  const gaps = marks.slice(1).map((mark, index) => mark - (marks[index] ?? mark));
  return Math.max(...gaps) / 1_000;
}

async function flush(): Promise<void> {
  const redis = new Redis(world.redis.url);
  await redis.flushall();
  redis.disconnect();
}

test('F25: Redis is emptied three times, and nobody is let in twice', async () => {
  let hits = 0;
  const outcome = await underLoad('flushed', {
    turns: 14,
    happening: async () => {
      for (; hits < 3; hits += 1) {
        await flush();
        await delay(5_000);
      }
    },
  });

  const { violations, calls, books } = outcome;
  report('F25', { of: 'Redis emptied', count: hits, atLeast: 3 }, { violations, calls, ...books });
  expectUnharmed(outcome);
}, 180_000);

test('F26: Redis is killed three times and comes back empty, and work goes on', async () => {
  let hits = 0;
  const resumedAfter: number[] = [];
  const outcome = await underLoad('killed', {
    turns: 16,
    happening: async () => {
      for (; hits < 3; hits += 1) {
        await world.redis.kill9();
        await delay(1_500);
        await world.redis.restart();
        await flush();
        const before = await delivered('killed');
        resumedAfter.push(
          await until('work goes on', async () => (await delivered('killed')) > before, 20_000),
        );
        await delay(3_000);
      }
    },
  });

  const { violations, calls, books } = outcome;
  const slowest = Math.max(...resumedAfter) / 1_000;
  report(
    'F26',
    { of: 'Redis killed', count: hits, atLeast: 3 },
    { violations, calls, 'went on after (s, slowest)': slowest, ...books },
  );
  expectUnharmed(outcome);
  expect(slowest).toBeLessThanOrEqual(5);
}, 180_000);

async function delivered(name: string): Promise<number> {
  const lines = await provider.lines(name);
  return lines.filter(({ outcome }) => outcome === 'delivered').length;
}

test('F27: Redis is away for a minute; work goes on, at a safe share', async () => {
  let [goneMs, backMs] = [0, 0];
  const outcome = await underLoad('away', {
    turns: 30,
    happening: async () => {
      goneMs = Date.now();
      await proxy.setFault({ kind: 'down' });
      await delay(60_000);
      await proxy.setFault({ kind: 'none' });
      backMs = Date.now();
    },
  });

  const { violations, calls, books } = outcome;
  const meanwhile = outcome.delivered.filter(({ at }) => {
    const atMs = Date.parse(at);
    return atMs > goneMs && atMs < backMs;
  }).length;
  report(
    'F27',
    { of: 'Redis away for 60 s', count: 1, atLeast: 1 },
    {
      violations,
      calls,
      'answers meanwhile': meanwhile,
      'longest standstill (s)': longestGap(outcome.delivered, goneMs, backMs),
      ...books,
    },
  );
  expectUnharmed(outcome);
  // Eight tenths of 240 are for those who are alone.
  expect(meanwhile).toBeGreaterThan(120);
}, 240_000);

// 15 s of each. What stands for an answer that comes twice is a call that is made again after its answer was lost.
test('F28: Redis is half a second late, and work goes on', async () => {
  const outcome = await underLoad('late', {
    turns: 14,
    happening: async () => {
      await proxy.setFault({ kind: 'latency', delayMs: 500 });
      await delay(15_000);
      // Cut, as the proxy would let what comes later overtake what is late.
      await proxy.setFault({ kind: 'down' });
      await proxy.setFault({ kind: 'none' });
    },
  });

  const { violations, calls, books } = outcome;
  report(
    'F28',
    { of: 'Redis late for 15 s', count: 1, atLeast: 1 },
    { violations, calls, ...books },
  );
  expectUnharmed(outcome);
}, 180_000);

test('F28: answers of the limiter are lost with their connections, and nothing counts twice', async () => {
  const before = proxy.lost();
  const outcome = await underLoad('losing', {
    turns: 14,
    happening: async () => {
      const holding = Buffer.from('*1\r\n:');
      await proxy.setFault({ kind: 'lose-answer', holding, every: 8 });
      await delay(15_000);
      await proxy.setFault({ kind: 'none' });
    },
  });

  const { violations, calls, books } = outcome;
  const hits = proxy.lost() - before;
  report('F28', { of: 'answers lost', count: hits, atLeast: 5 }, { violations, calls, ...books });
  expectUnharmed(outcome);
}, 180_000);

test('F29: a worker dies with its leases; they come back, and never are there more', async () => {
  const inFlight = async (): Promise<number> => (await provider.emulator.counts()).inFlight;
  let takenUpAfter = 0;
  const outcome = await underLoad('leased', {
    turns: 8,
    happening: async () => {
      await until('four calls at once', async () => (await inFlight()) === 4, 30_000);
      await ado.workers[0]?.kill9();
      takenUpAfter = await until(
        'four calls at once',
        async () => (await inFlight()) === 4,
        60_000,
      );
    },
  });

  const { violations, calls, books } = outcome;
  report(
    'F29',
    { of: 'workers killed', count: 1, atLeast: 1 },
    { violations, calls, 'all leases in use again after (s)': takenUpAfter / 1_000, ...books },
  );
  expectUnharmed(outcome);
  expect(takenUpAfter).toBeLessThanOrEqual(30_000);
}, 180_000);

test('a quota that is halved for a minute costs ten 429s at most, and is used in full again within 8 s', async () => {
  const change = (requests: { perMinute: number; burst: number }): void => {
    (provider.emulator satisfies Emulator).changeLimits({ requests }, keyOf('halved'));
  };
  let restoredMs = 0;
  const outcome = await underLoad('halved', {
    turns: 30,
    happening: async () => {
      change({ perMinute: perMinute / 2, burst: (burst + 4) / 2 });
      await delay(60_000);
      change(provided.requests);
      restoredMs = Date.now();
    },
  });

  // From 8 s on, as long as there is work for all tasks.
  const after = outcome.delivered.filter(({ at }) => {
    const sinceMs = Date.parse(at) - restoredMs;
    return sinceMs > 8_000 && sinceMs < 16_000;
  }).length;
  const used = after / ((perMinute / 60) * 8);
  const { violations, calls, books } = outcome;
  report(
    'quota halved',
    { of: 'quota halved for 60 s', count: 1, atLeast: 1 },
    { '429s': violations, calls, 'used from 8 s to 16 s after': used, ...books },
  );
  expect(outcome.notSucceeded).toEqual([]);
  expect(violations).toBeLessThanOrEqual(10);
  expect(used).toBeGreaterThan(0.9);
  expect(faultsOf(books)).toEqual(exactBooks);
}, 240_000);
