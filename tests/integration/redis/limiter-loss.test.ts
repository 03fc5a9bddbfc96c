// What a lost, emptied or slow Redis does to the limits.
//   - emptied or without its scripts, it never lets more through than the limit
//   - gone or slow, it is LIMITER_UNAVAILABLE within its 100 ms, and works again by itself
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiterRedis } from '../../../adapters/redis/client.ts';
import { createLiveWorkers } from '../../../adapters/redis/live-workers.ts';
import { createRateLimiter } from '../../../adapters/redis/rate-limiter.ts';
import { startTestRedis, type TestRedis } from '../../support/services/redis.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  held,
  largestExcess,
  openLimiterWorld,
  untilGo,
  type Admission,
  type LimiterWorld,
} from './limiter-world.ts';

const silent = { warn: () => undefined, info: () => undefined };

describe('limits over losses', () => {
  let redis: TestRedis;
  let world: LimiterWorld;
  beforeAll(async () => {
    redis = await startTestRedis();
    world = openLimiterWorld(redis.url);
  });
  afterAll(async () => {
    world.close();
    await redis.stop();
  });

  /** 40 callers for some seconds, while something happens every second. */
  async function runWhile(happening: () => Promise<unknown>): Promise<readonly Admission[]> {
    const limiter = await world.limiter();
    const account = anAccount();
    const scopes = [aScopeOf([aRate({ limit: 100, perMs: 1_000, burst: 50 })])];
    await world.fill(account, scopes);
    const admissions: Admission[] = [];
    const endMs = Date.now() + 4_500;
    const over = (): boolean => Date.now() >= endMs;
    async function work(): Promise<void> {
      while (!over()) {
        const request = aReserve(account, scopes, { horizonMs: 2_000 });
        const answer = await untilGo(limiter, request, over);
        if (answer === undefined) return;
        admissions.push({ atUs: answer.grant, cost: 1 });
        await limiter.settle(held(request, answer), { kind: 'unknown' });
      }
    }
    const workers = Array.from({ length: 40 }, work);
    for (let time = 0; time < 3; time += 1) {
      await sleep(1_000);
      await happening();
    }
    await Promise.all(workers);
    return admissions;
  }

  test('emptied three times, Redis admits no more than the limit', async () => {
    const admissions = await runWhile(() => world.raw.flushall());

    const excess = largestExcess(admissions, 100 / 1e6);
    process.stderr.write(`three times emptied: ${admissions.length} admitted, excess ${excess}\n`);
    expect(excess).toBeLessThanOrEqual(50 + 1e-6);
    expect(admissions.length).toBeGreaterThan(250);
  });

  test('a Redis that forgets its scripts is told them again, and the limit holds', async () => {
    const admissions = await runWhile(() => world.raw.script('FLUSH'));

    expect(largestExcess(admissions, 100 / 1e6)).toBeLessThanOrEqual(50 + 1e-6);
    expect(admissions.length).toBeGreaterThan(400);
  });

  test('a Redis that is slow or gone is LIMITER_UNAVAILABLE soon, and answers again after it', async () => {
    const client = createLimiterRedis(redis.url, silent);
    await new Promise((resolve) => client.once('ready', resolve));
    const limiter = createRateLimiter({ redis: client });
    const account = anAccount();
    const scopes = [aScopeOf([aRate({ burst: 10 })])];
    await world.fill(account, scopes);
    const request = aReserve(account, scopes);

    await world.raw.call('CLIENT', 'PAUSE', '700', 'ALL');
    const began = performance.now();
    await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'LIMITER_UNAVAILABLE' });
    const tookMs = performance.now() - began;
    client.disconnect(true);
    await expect(limiter.reserve(request)).rejects.toMatchObject({ code: 'LIMITER_UNAVAILABLE' });
    await new Promise((resolve) => client.once('ready', resolve));

    // The reply was lost, but not the call: it goes, and is charged once.
    expect((await untilGo(limiter, request))?.kind).toBe('go');
    const { scopes: states } = await limiter.peek(account, 'model-1', scopes);
    expect(Math.round(states[0]?.dimensions[0]?.remaining ?? 0)).toBe(9);
    expect(tookMs).toBeLessThan(600);
    client.disconnect();
  });

  test('workers that beat are counted, those that went silent are not', async () => {
    const worker = (workerId: string, lifeMs: number) =>
      createLiveWorkers({ redis: world.raw, workerId, lifeMs });
    const [one, other] = [worker('one', 30_000), worker('other', 300)];
    expect(one.count()).toBe(1);

    expect([await one.beat(), await other.beat(), await one.beat()]).toEqual([1, 2, 2]);
    await sleep(350);

    expect(await one.beat()).toBe(1);
    expect(one.count()).toBe(1);
  });
});
