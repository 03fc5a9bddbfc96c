// Three workers and a Redis that goes, comes back, forgets, is slow, and loses answers.
//   - all together never take more than the limit, over no window, counted when the answers arrive
//   - they go on meanwhile, and at full speed after it
//   - what happened meanwhile reaches Redis: ends of calls, pauses
// Times are a fifth of the product's and less, which the watch's own tests keep to.
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimiterMetrics, LimitScope, RateDimension } from '../../../adapters/ports.ts';
import { createLimiterRedis } from '../../../adapters/redis/client.ts';
import {
  createResilientLimiter,
  type ResilientLimiter,
} from '../../../adapters/redis/resilient-limiter.ts';
import { codeOf } from '../../../contracts/errors.ts';
import { startFaultProxy, throughPort, type FaultProxy } from '../../support/faultproxy.ts';
import { startTestRedis, type TestRedis } from '../../support/services/redis.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  aWindow,
  charges,
  held,
  largestExcess,
  openLimiterWorld,
  untilGo,
  type Admission,
  type LimiterWorld,
} from './limiter-world.ts';

const silent = { warn: () => undefined, info: () => undefined };
const clock = { now: () => Date.now() };
const workers = 3;
const perSecond = 150;
const burst = 30;
const times = { lookMs: 100, doubtMs: 300, quietMs: 650, beatMs: 500, graceMs: 60_000 };

interface Worker extends ResilientLimiter {
  /** Commands that were given to the connection. */
  readonly commands: () => number;
}

describe('limits while Redis is away', () => {
  let redis: TestRedis;
  let world: LimiterWorld;
  let proxy: FaultProxy;
  const open: { close(): void }[] = [];
  beforeAll(async () => {
    redis = await startTestRedis();
    world = openLimiterWorld(redis.url);
    proxy = await startFaultProxy(Number(new URL(redis.url).port));
  });
  afterEach(async () => {
    for (const each of open.splice(0)) each.close();
    await proxy.setFault({ kind: 'none' });
    await world.raw.flushall();
  });
  afterAll(async () => {
    world.close();
    await proxy.close();
    await redis.stop();
  });

  async function aWorker(
    workerId: string,
    options: { metrics?: LimiterMetrics; graceMs?: number } = {},
  ): Promise<Worker> {
    const { metrics, graceMs = times.graceMs } = options;
    const client = createLimiterRedis(throughPort(redis.url, proxy.port), silent);
    await new Promise((resolve) => client.once('ready', resolve));
    let commands = 0;
    const send = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(client, {
      evalsha: (...args: unknown[]) => {
        commands += 1;
        return send(...args);
      },
    });
    const limiter = createResilientLimiter({
      redis: client,
      clock,
      workerId,
      times: { ...times, graceMs },
      ...(metrics === undefined ? {} : { metrics }),
    });
    await limiter.start();
    open.push({
      close() {
        limiter.close();
        client.disconnect();
      },
    });
    return { ...limiter, commands: () => commands };
  }

  async function theWorkers(): Promise<readonly Worker[]> {
    const all = await Promise.all(Array.from({ length: workers }, (_, n) => aWorker(`w${n}`)));
    // Each has counted all others once it has beaten after them.
    await sleep(2 * times.beatMs);
    return all;
  }

  const rate = aRate({ limit: perSecond, perMs: 1_000, burst });
  const scopes: readonly LimitScope[] = [
    aScopeOf([rate]),
    aScopeOf([rate], { name: 'model:model-1' }),
  ];

  /** Callers of all workers, who ask every admission for twice, while `happening` happens. */
  async function admittedWhile(happening: () => Promise<unknown>) {
    const all = await theWorkers();
    const account = anAccount();
    await world.fill(account, scopes);
    const admissions: Admission[] = [];
    let [alone, isOver, changed] = [0, false, 0];
    async function work(limiter: Worker): Promise<void> {
      while (!isOver) {
        const request = aReserve(account, scopes, { horizonMs: 1_000 });
        const answer = await untilGo(limiter, request, () => isOver);
        if (answer === undefined) return;
        // When it was let in, not when it was charged: an answer that was lost comes later than its charge.
        admissions.push({ atUs: answer.redisTimeUs, cost: 1 });
        if (answer.grant < 0) alone += 1;
        const again = await limiter.reserve(request);
        if (again.kind === 'go' && again.grant !== answer.grant) changed += 1;
        await limiter.settle(held(request, answer), { kind: 'unknown' });
      }
    }
    const callers = all.flatMap((limiter) => Array.from({ length: 12 }, () => work(limiter)));
    await sleep(600);
    await happening();
    const backMs = Date.now();
    await sleep(2_500);
    isOver = true;
    await Promise.all(callers);
    const after = admissions.filter(({ atUs }) => atUs / 1_000 > backMs + 1_000).length;
    return {
      admitted: admissions.length,
      alone,
      changed,
      after: after / (1.5 * perSecond),
      excess: largestExcess(admissions, perSecond / 1e6),
    };
  }

  test.each<[string, () => Promise<unknown>, { readonly alone: number }]>([
    [
      'gone for 2 s',
      async () => {
        await proxy.setFault({ kind: 'down' });
        await sleep(2_000);
        await proxy.setFault({ kind: 'none' });
      },
      { alone: 60 },
    ],
    [
      'gone, and empty when it is back',
      async () => {
        await proxy.setFault({ kind: 'down' });
        await sleep(1_500);
        await world.raw.flushall();
        await proxy.setFault({ kind: 'none' });
      },
      { alone: 40 },
    ],
    [
      'emptied three times, once while it is gone',
      async () => {
        await world.raw.flushall();
        await sleep(500);
        await proxy.setFault({ kind: 'down' });
        await sleep(800);
        await world.raw.flushall();
        await proxy.setFault({ kind: 'none' });
        await sleep(200);
        await world.raw.flushall();
      },
      { alone: 1 },
    ],
    [
      'half a second late',
      async () => {
        await proxy.setFault({ kind: 'latency', delayMs: 500 });
        await sleep(2_000);
        await proxy.setFault({ kind: 'none' });
      },
      { alone: 40 },
    ],
    [
      'gone twice in a row',
      async () => {
        for (let turn = 0; turn < 2; turn += 1) {
          await proxy.setFault({ kind: 'down' });
          await sleep(1_000);
          await proxy.setFault({ kind: 'none' });
          await sleep(400);
        }
      },
      { alone: 20 },
    ],
    [
      'losing every 20th answer with its connection',
      async () => {
        await proxy.setFault({ kind: 'lose-answer', holding: Buffer.from('*5\r\n:'), every: 20 });
        await sleep(2_000);
        await proxy.setFault({ kind: 'none' });
      },
      { alone: 0 },
    ],
  ])('a Redis that is %s admits no more than the limit', async (what, happening, least) => {
    const { changed, ...figures } = await admittedWhile(happening);

    process.stderr.write(`Redis ${what}: ${JSON.stringify({ ...figures, lost: proxy.lost() })}\n`);
    expect(figures.excess).toBeLessThanOrEqual(burst + 1e-6);
    expect(figures.alone).toBeGreaterThanOrEqual(least.alone);
    expect(figures.after).toBeGreaterThan(0.6);
    expect(changed).toBe(0);
  });

  async function untilAlone(limiter: ResilientLimiter): Promise<void> {
    await proxy.setFault({ kind: 'down' });
    const probe = aReserve(anAccount(), [aScopeOf([aRate({ limit: 1e6, burst: 1e3, perMs: 1 })])]);
    const answer = await untilGo(limiter, { ...probe, horizonMs: 0 });
    expect(answer?.grant).toBeLessThan(0);
  }

  test('nobody waits for a Redis that is known to be away, and few commands are sent', async () => {
    const limiter = await aWorker('alone');
    await proxy.setFault({ kind: 'latency', delayMs: 5_000 });
    const plenty = [aScopeOf([aRate({ limit: 1e6, burst: 1e4, perMs: 1_000 })])];
    await untilGo(limiter, aReserve(anAccount(), plenty));
    const before = limiter.commands();
    const account = anAccount();
    const timesMs: number[] = [];

    for (let call = 0; call < 300; call += 1) {
      const began = performance.now();
      await limiter.reserve(aReserve(account, plenty));
      timesMs.push(performance.now() - began);
      await sleep(1);
    }

    timesMs.sort((one, other) => one - other);
    expect(timesMs[Math.floor(timesMs.length * 0.95)]).toBeLessThan(20);
    expect(limiter.commands() - before).toBeLessThan(15);
  });

  test('money and windows are closed, and after the time of grace everything is', async () => {
    const limiter = await aWorker('alone', { graceMs: 500 });
    await untilAlone(limiter);
    const money: RateDimension = aRate({ charge: 'micro_usd', limit: 1e9, burst: 1e9 });

    for (const dimension of [money, aWindow()]) {
      const request = aReserve(anAccount(), [aScopeOf([dimension])], {
        estimate: charges({ micro_usd: 5 }),
      });
      await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'LIMITER_UNAVAILABLE' });
    }
    await sleep(600);

    const refused = limiter.reserve(aReserve(anAccount(), scopes));
    await expect(refused).rejects.toMatchObject({
      code: 'LIMITER_UNAVAILABLE',
      retryAfterMs: 5_000,
    });
  });

  test('a worker that has never met Redis does not go on alone', async () => {
    await proxy.setFault({ kind: 'down' });
    const client = createLimiterRedis(throughPort(redis.url, proxy.port), silent);
    const limiter = createResilientLimiter({ redis: client, clock, workerId: 'new', times });
    open.push({
      close() {
        limiter.close();
        client.disconnect();
      },
    });
    await limiter.start();

    const error = await untilGo(limiter, aReserve(anAccount(), scopes)).catch(codeOf);

    expect(error).toBe('LIMITER_UNAVAILABLE');
  });

  test('the end of a shared call reaches Redis when it is back, and its place is free', async () => {
    const limiter = await aWorker('alone');
    const account = anAccount();
    const bounded = [aScopeOf([aRate({ burst: 10 })], { maxConcurrent: 1 })];
    await world.fill(account, bounded);
    const request = aReserve(account, bounded);
    const answer = await limiter.reserve(request);
    await untilAlone(limiter);

    expect(await limiter.extend(held(request, answer))).toBe(true);
    expect(await limiter.settle(held(request, answer), { kind: 'not_sent' })).toBe(true);
    await proxy.setFault({ kind: 'none' });

    await until(async () => (await lookAt(account, bounded)) === 0);
    expect(await limiter.settle(held(request, answer), { kind: 'not_sent' })).toBe(false);
  });

  async function lookAt(account: string, looked: readonly LimitScope[]) {
    const { scopes: states } = await (await world.limiter()).peek(account, 'model-1', looked);
    return states[0]?.concurrent;
  }

  test('a 429 of a call that was let in alone holds the worker back at once, and all others when Redis is back', async () => {
    const limiter = await aWorker('alone');
    await untilAlone(limiter);
    const account = anAccount();
    const plenty = [aScopeOf([aRate({ limit: 1e6, burst: 1e4, perMs: 1_000 })])];
    const request = aReserve(account, plenty);
    const answer = await untilGo(limiter, request);
    if (answer === undefined) throw new Error('no go');

    await limiter.settle(held(request, answer), { kind: 'rate_limited', retryAfterMs: 20_000 });

    expect(await limiter.reserve(aReserve(account, plenty))).toMatchObject({ reason: 'paused' });
    await proxy.setFault({ kind: 'none' });
    const other = await world.limiter();
    await until(async () => (await other.peek(account, 'model-1', plenty)).pausedForMs > 10_000);
  });

  test('a pause is asked for once a second, not by every call', async () => {
    const limiter = await aWorker('alone');
    const account = anAccount();
    await limiter.pause(account, 'model-1', 30_000);
    const before = limiter.commands();

    const answers = [];
    for (let call = 0; call < 200; call += 1) {
      answers.push(await limiter.reserve(aReserve(account, scopes)));
    }

    expect(answers.every((answer) => answer.kind === 'refuse' && answer.reason === 'paused')).toBe(
      true,
    );
    expect(limiter.commands() - before).toBeLessThan(8);
  });

  test('tells what it decides, and that it is alone', async () => {
    const told: unknown[][] = [];
    const limiter = await aWorker('alone', {
      metrics: {
        decision: (...decision) => told.push(['decision', ...decision]),
        degraded: (isDegraded) => told.push(['degraded', isDegraded]),
        waited: (waitMs) => told.push(['waited', waitMs > 0]),
        scriptSeconds: (script, seconds) => told.push([script, seconds > 0 && seconds < 1]),
      },
    });
    const account = anAccount();
    const one = [aScopeOf([aRate({ burst: 1 })])];
    await world.fill(account, one);

    await limiter.reserve(aReserve(account, one));
    await limiter.reserve(aReserve(account, one, { horizonMs: 1e9 }));
    await untilAlone(limiter);
    await proxy.setFault({ kind: 'none' });
    await until(() =>
      Promise.resolve(told.some(([what, is]) => what === 'degraded' && is === false)),
    );

    expect(told.slice(0, 5)).toEqual([
      ['reserve', true],
      ['decision', 'none', 'none', 'go'],
      ['reserve', true],
      ['decision', 'account', 'requests', 'slot'],
      ['waited', true],
    ]);
    expect(told).toContainEqual(['degraded', true]);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error('not within 10 s');
    await sleep(20);
  }
}
