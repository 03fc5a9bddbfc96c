// Three workers and a Redis that goes, comes back, forgets, is slow, and loses answers.
//   - all together never take more than the limit, over no window, counted when the answers arrive
//   - they go on meanwhile, and at full speed after it
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitScope, RateLimiter } from '../../../adapters/ports.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  held,
  largestExcess,
  untilGo,
  type Admission,
} from './limiter-world.ts';
import { openOutageWorld, type OutageWorld } from './outage-world.ts';

const workers = 3;
const perSecond = 150;
// Two seconds of the rate, used up before each outage: what is let in twice is not lost in it.
const burst = 300;

describe('three workers and an outage', () => {
  let outage: OutageWorld;
  beforeAll(async () => {
    outage = await openOutageWorld();
  });
  afterEach(() => outage.reset());
  afterAll(() => outage.close());

  const rate = aRate({ limit: perSecond, perMs: 1_000, burst });
  const scopes: readonly LimitScope[] = [
    aScopeOf([rate]),
    aScopeOf([rate], { name: 'model:model-1' }),
  ];

  /** Callers of all workers, who ask every admission for twice, while `happening` happens. */
  async function admittedWhile(happening: () => Promise<unknown>) {
    const all = await outage.workers(workers);
    const account = anAccount();
    await outage.direct.fill(account, scopes);
    const admissions: Admission[] = [];
    let [alone, isOver, changed] = [0, false, 0];
    async function work(limiter: RateLimiter): Promise<void> {
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
        await outage.proxy.setFault({ kind: 'down' });
        await sleep(2_000);
        await outage.proxy.setFault({ kind: 'none' });
      },
      { alone: 60 },
    ],
    [
      'gone, and empty when it is back',
      async () => {
        await outage.proxy.setFault({ kind: 'down' });
        await sleep(1_500);
        await outage.direct.raw.flushall();
        await outage.proxy.setFault({ kind: 'none' });
      },
      { alone: 40 },
    ],
    [
      'emptied three times, once while it is gone',
      async () => {
        await outage.direct.raw.flushall();
        await sleep(500);
        await outage.proxy.setFault({ kind: 'down' });
        await sleep(800);
        await outage.direct.raw.flushall();
        await outage.proxy.setFault({ kind: 'none' });
        await sleep(200);
        await outage.direct.raw.flushall();
      },
      { alone: 1 },
    ],
    [
      'half a second late',
      async () => {
        await outage.proxy.setFault({ kind: 'latency', delayMs: 500 });
        await sleep(2_000);
        // Cut, as the proxy would let what comes later overtake what is late.
        await outage.proxy.setFault({ kind: 'down' });
        await outage.proxy.setFault({ kind: 'none' });
      },
      { alone: 40 },
    ],
    [
      'gone twice in a row',
      async () => {
        for (let turn = 0; turn < 2; turn += 1) {
          await outage.proxy.setFault({ kind: 'down' });
          await sleep(1_000);
          await outage.proxy.setFault({ kind: 'none' });
          await sleep(400);
        }
      },
      { alone: 20 },
    ],
    [
      'losing every 20th answer with its connection',
      async () => {
        await outage.proxy.setFault({
          kind: 'lose-answer',
          holding: Buffer.from('*1\r\n:'),
          every: 20,
        });
        await sleep(2_000);
        await outage.proxy.setFault({ kind: 'none' });
      },
      { alone: 0 },
    ],
  ])('a Redis that is %s admits no more than the limit', async (what, happening, least) => {
    const { changed, ...figures } = await admittedWhile(happening);

    process.stderr.write(
      `Redis ${what}: ${JSON.stringify({ ...figures, lost: outage.proxy.lost() })}\n`,
    );
    expect(figures.excess).toBeLessThanOrEqual(burst + 1e-6);
    expect(figures.alone).toBeGreaterThanOrEqual(least.alone);
    expect(figures.after).toBeGreaterThan(0.6);
    expect(changed).toBe(0);
  });

  test('calls whose answers were lost are not let in together with those that find a full bucket', async () => {
    const all = await outage.workers(workers);
    const account = anAccount();
    const slow = [aScopeOf([aRate({ limit: 30, perMs: 1_000, burst: 60 })])];
    await outage.direct.fill(account, slow);
    const calls = (each: number) =>
      all.flatMap((limiter) =>
        Array.from({ length: each }, () => ({ limiter, request: aReserve(account, slow) })),
      );
    const ask = (asked: ReturnType<typeof calls>) =>
      Promise.all(asked.map(({ limiter, request }) => limiter.reserve(request)));
    const lost = calls(15);
    await outage.proxy.setFault({ kind: 'lose-answer', holding: Buffer.from('*1\r\n:'), every: 1 });
    expect((await ask(lost)).every(({ kind }) => kind === 'refuse')).toBe(true);
    await outage.proxy.setFault({ kind: 'none' });
    // The bucket is full again, and those who wait have paid.
    await sleep(2_000);

    const answers = await ask([...lost, ...calls(30)]);

    const went = answers.filter(({ kind }) => kind === 'go');
    const admissions = went.map(({ redisTimeUs }) => ({ atUs: redisTimeUs, cost: 1 }));
    expect(went.length).toBeGreaterThanOrEqual(60);
    expect(largestExcess(admissions, 30 / 1e6)).toBeLessThanOrEqual(60 + 1e-6);
  });
});
