// What a worker does while Redis is away, and what it tells Redis after it.
//   - it goes on alone at once, for a while, without money and windows
//   - ends of calls and pauses reach Redis when it is back
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitScope, RateDimension, RateLimiter } from '../../../adapters/ports.ts';
import { codeOf } from '../../../contracts/errors.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  aWindow,
  charges,
  held,
  untilGo,
} from './limiter-world.ts';
import { openOutageWorld, type OutageWorld } from './outage-world.ts';

describe('limits while Redis is away', () => {
  let outage: OutageWorld;
  beforeAll(async () => {
    outage = await openOutageWorld();
  });
  afterEach(() => outage.reset());
  afterAll(() => outage.close());

  const scopes: readonly LimitScope[] = [aScopeOf([aRate()])];

  async function untilAlone(limiter: RateLimiter): Promise<void> {
    await outage.proxy.setFault({ kind: 'down' });
    const probe = aReserve(anAccount(), [aScopeOf([aRate({ limit: 1e6, burst: 1e3, perMs: 1 })])]);
    const answer = await untilGo(limiter, { ...probe, horizonMs: 0 });
    expect(answer?.grant).toBeLessThan(0);
  }

  test('nobody waits for a Redis that is known to be away, and few commands are sent', async () => {
    const limiter = await outage.worker('alone');
    await outage.proxy.setFault({ kind: 'latency', delayMs: 5_000 });
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
    const limiter = await outage.worker('alone', { graceMs: 500 });
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
    await outage.proxy.setFault({ kind: 'down' });
    const limiter = await outage.worker('new', { meetsRedis: false });

    const error = await untilGo(limiter, aReserve(anAccount(), scopes)).catch(codeOf);

    expect(error).toBe('LIMITER_UNAVAILABLE');
  });

  test('the end of a shared call reaches Redis when it is back, and its place is free', async () => {
    const limiter = await outage.worker('alone');
    const account = anAccount();
    const bounded = [aScopeOf([aRate({ burst: 10 })], { maxConcurrent: 1 })];
    await outage.direct.fill(account, bounded);
    const request = aReserve(account, bounded);
    const answer = await limiter.reserve(request);
    await untilAlone(limiter);

    expect(await limiter.extend(held(request, answer))).toBe(true);
    expect(await limiter.settle(held(request, answer), { kind: 'not_sent' })).toBe(true);
    await outage.proxy.setFault({ kind: 'none' });

    const other = await outage.direct.limiter();
    await until(
      async () => (await other.peek(account, 'model-1', bounded)).scopes[0]?.concurrent === 0,
    );
    expect(await limiter.settle(held(request, answer), { kind: 'not_sent' })).toBe(false);
  });

  test('a 429 of a call that was let in alone holds the worker back at once, and all others when Redis is back', async () => {
    const limiter = await outage.worker('alone');
    await untilAlone(limiter);
    const account = anAccount();
    const plenty = [aScopeOf([aRate({ limit: 1e6, burst: 1e4, perMs: 1_000 })])];
    const request = aReserve(account, plenty);
    const answer = await untilGo(limiter, request);
    if (answer === undefined) throw new Error('no go');

    await limiter.settle(held(request, answer), { kind: 'rate_limited', retryAfterMs: 20_000 });

    expect(await limiter.reserve(aReserve(account, plenty))).toMatchObject({ reason: 'paused' });
    await outage.proxy.setFault({ kind: 'none' });
    const other = await outage.direct.limiter();
    await until(async () => (await other.peek(account, 'model-1', plenty)).pausedForMs > 10_000);
  });

  test('a pause is asked for once a second, not by every call', async () => {
    const limiter = await outage.worker('alone');
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

  test('tells when it is alone, and when it shares again', async () => {
    const told: boolean[] = [];
    const limiter = await outage.worker('alone', {
      onDegraded: (isDegraded) => told.push(isDegraded),
    });

    await untilAlone(limiter);
    await outage.proxy.setFault({ kind: 'none' });
    await until(() => Promise.resolve(told.at(-1) === false));

    expect(told).toEqual([true, false]);
  });
});

async function until(isSo: () => Promise<boolean>): Promise<void> {
  const endMs = Date.now() + 10_000;
  while (!(await isSo())) {
    if (Date.now() > endMs) throw new Error('not within 10 s');
    await sleep(20);
  }
}
