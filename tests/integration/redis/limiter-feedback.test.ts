// What the limiter learns from how calls end, for all workers at once.
//   - the breaker opens on overloads and failures, and lets one probe of the whole fleet through
//   - a 429 holds everybody back, slows down, and speeds up again
import { setTimeout as sleep } from 'node:timers/promises';
import type { CallOutcome, LimitScope, RateLimiter } from '../../../adapters/ports.ts';
import { testService } from '../../support/environment.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  charges,
  held,
  openLimiterWorld,
  untilGo,
  type LimiterWorld,
} from './limiter-world.ts';

const success: CallOutcome = { kind: 'success', actual: charges() };

describe('feedback', () => {
  let world: LimiterWorld;
  let account: string;
  beforeAll(() => {
    world = openLimiterWorld(testService('redisUrl'));
  });
  beforeEach(() => {
    account = anAccount();
  });
  afterAll(() => world.close());

  const plenty = [aScopeOf([aRate({ limit: 1e6, perMs: 1_000, burst: 1e6 })])];

  async function callsEnding(limiter: RateLimiter, outcomes: readonly CallOutcome[]) {
    const requests = outcomes.map(() => aReserve(account, plenty));
    const answers = [];
    for (const request of requests) answers.push(held(request, await limiter.reserve(request)));
    for (const [index, reservation] of answers.entries()) {
      await limiter.settle(reservation, outcomes[index] ?? success);
    }
  }

  async function breakerOf(limiter: RateLimiter): Promise<string> {
    return (await limiter.peek(account, 'model-1', plenty)).breaker;
  }

  describe('the breaker', () => {
    const overloaded: CallOutcome = { kind: 'overloaded' };
    const failed: CallOutcome = { kind: 'failed' };
    test.each<[string, CallOutcome[]]>([
      ['open', [overloaded, overloaded, overloaded]],
      ['open', Array.from({ length: 3 }, () => ({ kind: 'overloaded', keepsCharges: true }))],
      ['closed', [overloaded, overloaded, success, overloaded]],
      [
        'open',
        [failed, failed, failed, failed, failed, success, success, success, success, success],
      ],
      [
        'closed',
        [failed, failed, failed, failed, success, success, success, success, success, success],
      ],
      ['closed', Array.from({ length: 12 }, () => ({ kind: 'rejected' }))],
      ['closed', Array.from({ length: 12 }, () => ({ kind: 'unknown' }))],
    ])('is %s after the outcomes of case %#', async (state, outcomes) => {
      await world.fill(account, plenty);
      const limiter = await world.limiter();

      await callsEnding(limiter, outcomes);

      expect(await breakerOf(limiter)).toBe(state);
    });

    test('half open, lets one probe of eight workers through, and its success closes it', async () => {
      await world.fill(account, plenty);
      const workers = await Promise.all(
        Array.from({ length: 8 }, () => world.limiter({ breakerOpenMs: 400 })),
      );
      const [first] = workers;
      if (first === undefined) throw new Error('no worker');
      await callsEnding(first, [overloaded, overloaded, overloaded]);
      const refused = await first.reserve(aReserve(account, plenty));
      expect(refused).toMatchObject({ kind: 'refuse', reason: 'breaker' });
      await sleep(refused.kind === 'refuse' ? refused.waitMs + 5 : 0);

      const requests = workers.map(() => aReserve(account, plenty));
      const answers = await Promise.all(
        workers.map((worker, index) =>
          worker.reserve(requests[index] ?? aReserve(account, plenty)),
        ),
      );

      const probe = answers.findIndex(({ kind }) => kind === 'go');
      expect(answers.filter(({ kind }) => kind === 'go')).toHaveLength(1);
      const [request, answer] = [requests[probe], answers[probe]];
      if (request === undefined || answer === undefined) throw new Error('no probe');
      await first.settle(held(request, answer), success);
      expect(await breakerOf(first)).toBe('closed');
      expect(Object.keys(await world.dump(account)).filter((key) => key.includes('gate'))).toEqual(
        [],
      );
      expect((await first.reserve(aReserve(account, plenty))).kind).toBe('go');
    });

    test('stays open twice as long after a probe that failed', async () => {
      await world.fill(account, plenty);
      const limiter = await world.limiter({ breakerOpenMs: 300 });
      await callsEnding(limiter, [overloaded, overloaded, overloaded]);
      const probe = aReserve(account, plenty);
      const answer = await untilGo(limiter, probe);
      if (answer === undefined) throw new Error('no probe');

      await limiter.settle(held(probe, answer), overloaded);

      const refused = await limiter.reserve(aReserve(account, plenty));
      const waitMs = refused.kind === 'refuse' ? refused.waitMs : 0;
      expect(waitMs).toBeGreaterThan(300);
      expect(waitMs).toBeLessThanOrEqual(600);
    });
  });

  test('a 429 of one worker holds all back until the provider asked to come again; a shorter pause changes nothing', async () => {
    await world.fill(account, plenty);
    const [one, other] = [await world.limiter(), await world.limiter()];
    await callsEnding(one, [{ kind: 'rate_limited', retryAfterMs: 2_000 }]);

    await other.pause(account, 'model-1', 100);

    const refused = await other.reserve(aReserve(account, plenty));
    expect(refused).toMatchObject({ kind: 'refuse', reason: 'paused' });
    expect(refused.kind === 'refuse' ? refused.waitMs : 0).toBeGreaterThan(1_000);
    const elsewhere = aReserve(account, [aScopeOf([aRate()], { name: 'model:2' })], {
      model: 'model-2',
    });
    await world.fill(account, elsewhere.scopes);
    expect((await other.reserve(elsewhere)).kind).toBe('go');
  });

  test('with its quota halved for 20 s, a provider says 429 at most 7 times, and 8 s later all of it is used again', async () => {
    const perSecond = 40;
    const halvedMs = { from: 3_000, to: 23_000 };
    const endMs = halvedMs.to + 8_000 + 3_000;
    const scopes: LimitScope[] = [aScopeOf([aRate({ limit: perSecond, perMs: 1_000, burst: 10 })])];
    const limiter = await world.limiter();
    const began = performance.now();
    const elapsed = (): number => performance.now() - began;
    const isHalved = (): boolean => elapsed() > halvedMs.from && elapsed() < halvedMs.to;
    // The provider: a bucket that holds 750 ms of its rate, which is halved for a while; ours holds 250 ms.
    const provider = { tokens: perSecond / 2, atMs: 0, refused: 0, served: [] as number[] };
    function callProvider(): CallOutcome {
      const rate = (isHalved() ? perSecond / 2 : perSecond) / 1_000;
      const nowMs = elapsed();
      provider.tokens = Math.min(750 * rate, provider.tokens + (nowMs - provider.atMs) * rate);
      provider.atMs = nowMs;
      if (provider.tokens < 1) {
        provider.refused += 1;
        return { kind: 'rate_limited', retryAfterMs: (1 - provider.tokens) / rate };
      }
      provider.tokens -= 1;
      provider.served.push(nowMs);
      return success;
    }

    async function work(): Promise<void> {
      while (elapsed() < endMs) {
        const request = aReserve(account, scopes, { horizonMs: 60_000 });
        const answer = await untilGo(limiter, request, () => elapsed() >= endMs);
        if (answer === undefined) return;
        const outcome = callProvider();
        // A refusal is quick; the work takes longer.
        await sleep(outcome.kind === 'success' ? 20 : 2);
        await limiter.settle(held(request, answer), outcome);
      }
    }
    await Promise.all(Array.from({ length: 20 }, work));

    const { speed } = await limiter.peek(account, 'model-1', scopes);
    const servedIn = (fromMs: number, toMs: number): number =>
      provider.served.filter((at) => at >= fromMs && at < toMs).length /
      (((toMs - fromMs) / 1_000) * perSecond);
    const figures = {
      refused: provider.refused,
      usedBefore: servedIn(1_000, halvedMs.from),
      usedOfHalf: 2 * servedIn(halvedMs.from, halvedMs.to),
      usedAfter8s: servedIn(halvedMs.to + 8_000, endMs),
    };
    process.stderr.write(`quota halved for 20 s: ${JSON.stringify(figures)}\n`);
    expect(figures.refused).toBeGreaterThan(0);
    expect(figures.refused).toBeLessThanOrEqual(10);
    expect(figures.usedAfter8s).toBeGreaterThan(0.85);
    expect(speed).toBe(1);
  });
});
