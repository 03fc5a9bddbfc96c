// The limiter takes everything a call costs, in all scopes, once, or nothing.
//   - never more calls at once, or in a bucket, or in a window, than the limit
//   - who is refused changes nothing, who repeats is not charged again, who settles late or twice neither
//   - what Redis does not know begins empty, and windows with what PostgreSQL knows
import { setTimeout as sleep } from 'node:timers/promises';
import type { LimitScope, RateLimiter, LimitRequest } from '../../../adapters/ports.ts';
import { createRedis } from '../../../adapters/redis/client.ts';
import { createRateLimiter } from '../../../adapters/redis/rate-limiter.ts';
import { testService } from '../../support/environment.ts';
import {
  anAccount,
  aRate,
  aReserve,
  aScopeOf,
  aWindow,
  charges,
  held,
  openLimiterWorld,
  untilGo,
  type LimiterWorld,
} from './limiter-world.ts';

describe('the rate limiter', () => {
  let world: LimiterWorld;
  let limiter: RateLimiter;
  let account: string;
  beforeAll(async () => {
    world = openLimiterWorld(testService('redisUrl'));
    limiter = await world.limiter();
  });
  beforeEach(() => {
    account = anAccount();
  });
  afterAll(() => world.close());

  /** Whole units that are left in the first dimension of the first scope. */
  async function left(scopes: readonly LimitScope[]): Promise<number> {
    const { scopes: states } = await limiter.peek(account, 'model-1', scopes);
    return Math.floor((states[0]?.dimensions[0]?.remaining ?? Number.NaN) + 0.01);
  }

  async function take(scopes: readonly LimitScope[], request: Partial<LimitRequest> = {}) {
    const asked = aReserve(account, scopes, request);
    return held(asked, await limiter.reserve(asked));
  }

  test('with a limit of 5, of 20 callers at once 5 are admitted', async () => {
    const scopes = [aScopeOf([aRate({ burst: 5 })])];
    await world.fill(account, scopes);
    const limiters = await Promise.all([world.limiter(), world.limiter(), world.limiter()]);

    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, caller) =>
        (limiters[caller % 3] ?? limiter).reserve(aReserve(account, scopes)),
      ),
    );

    expect(answers.filter(({ kind }) => kind === 'go')).toHaveLength(5);
  });

  test('with 5 at once, of 20 callers 5 are admitted, and the next when one ends', async () => {
    const scopes = [aScopeOf([], { maxConcurrent: 5 })];
    const requests = Array.from({ length: 20 }, () => aReserve(account, scopes));

    const answers = await Promise.all(requests.map((request) => limiter.reserve(request)));

    const going = requests.filter((_, index) => answers[index]?.kind === 'go');
    expect(going).toHaveLength(5);
    const [first] = going;
    const answer = answers.find(({ kind }) => kind === 'go');
    if (first === undefined || answer === undefined) throw new Error('nobody goes');
    await limiter.settle(held(first, answer), { kind: 'unknown' });
    const next = [
      await limiter.reserve(aReserve(account, scopes)),
      await limiter.reserve(aReserve(account, scopes)),
    ];
    expect(next.map(({ kind }) => kind)).toEqual(['go', 'refuse']);
  });

  test('calls that are refused leave the state as it was, byte for byte', async () => {
    const full = [aScopeOf([aRate({ burst: 1 })]), aScopeOf([aRate()], { name: 'tenant:t' })];
    const crowded = [aScopeOf([aRate()], { name: 'other', maxConcurrent: 1 })];
    await world.fill(account, [...full, ...crowded]);
    await take(full);
    await take(crowded);
    const before = await world.dump(account);

    for (let call = 0; call < 200; call += 1) {
      const scopes = call % 2 === 0 ? full : crowded;
      const answer = await limiter.reserve(aReserve(account, scopes));
      expect(answer).toMatchObject({
        kind: 'refuse',
        reason: call % 2 === 0 ? 'limit' : 'concurrency',
      });
    }

    expect(await world.dump(account)).toEqual(before);
  });

  test('a reserve that is repeated, by whatever worker, gets the same grant and is not charged', async () => {
    const scopes = [aScopeOf([aRate({ burst: 5 })], { maxConcurrent: 1 })];
    await world.fill(account, scopes);
    const request = aReserve(account, scopes);
    const other = await world.limiter();

    const first = await limiter.reserve(request);
    const again = [await limiter.reserve(request), await other.reserve(request)];

    expect(again.map((answer) => held(request, answer).grant)).toEqual([
      held(request, first).grant,
      held(request, first).grant,
    ]);
    expect(await left(scopes)).toBe(4);
  });

  test('a success is charged what it cost: less is given back, more is debt', async () => {
    const tokens = aRate({ name: 'input', charge: 'uncached_input', burst: 1_000 });
    const scopes = [aScopeOf([tokens])];
    await world.fill(account, scopes);
    const estimate = charges({ uncached_input: 400 });

    const cheap = await take(scopes, { estimate });
    await limiter.settle(cheap, { kind: 'success', actual: charges({ uncached_input: 100 }) });
    const afterCheap = await left(scopes);
    const dear = await take(scopes, { estimate });
    await limiter.settle(dear, { kind: 'success', actual: charges({ uncached_input: 1_500 }) });

    expect(afterCheap).toBe(900);
    expect(await left(scopes)).toBe(-600);
  });

  test.each([
    ['rate_limited', 0, 0],
    ['overloaded', 9, 1_000],
    ['failed', 9, 1_000],
    ['rejected', 9, 1_000],
    ['not_sent', 10, 1_000],
    ['unknown', 9, 600],
  ] as const)(
    'after %s, %i requests and %i tokens are left',
    async (kind, requests, tokensLeft) => {
      const tokens = aRate({ name: 'input', charge: 'uncached_input', burst: 1_000 });
      const scopes = [aScopeOf([aRate()]), aScopeOf([tokens], { name: 'model:m' })];
      await world.fill(account, scopes);

      await limiter.settle(await take(scopes, { estimate: charges({ uncached_input: 400 }) }), {
        kind,
      });

      // Looked at through another model, as this one may have been slowed down.
      const { scopes: states } = await limiter.peek(account, 'model-2', scopes);
      const whole = states.map(({ dimensions }) =>
        Math.round(dimensions[0]?.remaining ?? Number.NaN),
      );
      expect(whole).toEqual([requests, tokensLeft]);
    },
  );

  test('a settle that comes twice or late changes nothing, also when the id was granted anew', async () => {
    const scopes = [aScopeOf([aRate({ burst: 10 })])];
    await world.fill(account, scopes);
    const request = aReserve(account, scopes);
    const first = held(request, await limiter.reserve(request));
    expect(await limiter.settle(first, { kind: 'unknown' })).toBe(true);
    const second = held(request, await limiter.reserve(request));

    const late = await limiter.settle(first, { kind: 'not_sent' });

    expect(late).toBe(false);
    expect(await left(scopes)).toBe(8);
    expect(await limiter.settle(second, { kind: 'not_sent' })).toBe(true);
    expect(await limiter.settle(second, { kind: 'not_sent' })).toBe(false);
    expect(await left(scopes)).toBe(9);
  });

  test('the lease of a dead holder ends, one that is extended does not', async () => {
    const short = await world.limiter({ leaseMs: 600 });
    const scopes = [aScopeOf([], { maxConcurrent: 2 })];
    const [dead, alive] = [aReserve(account, scopes), aReserve(account, scopes)];
    await short.reserve(dead);
    const living = held(alive, await short.reserve(alive));

    for (let beat = 0; beat < 6; beat += 1) {
      await sleep(150);
      expect(await short.extend(living)).toBe(true);
    }

    const answers = [
      await short.reserve(aReserve(account, scopes)),
      await short.reserve(aReserve(account, scopes)),
    ];
    expect(answers.map(({ kind }) => kind)).toEqual(['go', 'refuse']);
  });

  test('who must wait gets places in the order of asking, and goes at that time', async () => {
    const rate = aRate({ limit: 20, perMs: 1_000, burst: 1 });
    const scopes = [aScopeOf([rate])];
    await world.fill(account, scopes);
    await take(scopes);
    const requests = Array.from({ length: 5 }, () =>
      aReserve(account, scopes, { horizonMs: 5_000 }),
    );
    const places: number[] = [];
    for (const request of requests) {
      const answer = await limiter.reserve(request);
      expect(answer.kind).toBe('slot');
      places.push(answer.redisTimeUs / 1_000 + (answer.kind === 'slot' ? answer.waitMs : 0));
    }

    const grants = await Promise.all(requests.map((request) => untilGo(limiter, request)));

    const gaps = places.slice(1).map((place, index) => place - (places[index] ?? 0));
    for (const gap of gaps) expect(gap).toBeCloseTo(50, 0);
    const went = grants.map((grant) => grant?.redisTimeUs ?? 0);
    expect(went).toEqual([...went].sort((one, other) => one - other));
  });

  test('a wait beyond the horizon is refused with its length', async () => {
    const scopes = [aScopeOf([aRate({ limit: 1, perMs: 60_000, burst: 1 })])];
    await world.fill(account, scopes);
    await take(scopes);

    const answer = await limiter.reserve(aReserve(account, scopes, { horizonMs: 30_000 }));

    expect(answer).toMatchObject({
      kind: 'refuse',
      reason: 'limit',
      scope: 'account',
      dimension: 'requests',
    });
    expect(answer.kind === 'refuse' ? answer.waitMs / 60_000 : 0).toBeCloseTo(1, 1);
  });

  test('a scope that Redis does not know begins empty, and fills', async () => {
    const scopes = [aScopeOf([aRate({ limit: 10, perMs: 1_000, burst: 10 })])];

    const first = await limiter.reserve(aReserve(account, scopes));
    await sleep(300);
    const second = await limiter.reserve(aReserve(account, scopes));

    expect(first.kind).toBe('refuse');
    expect(second.kind).toBe('go');
    expect(await left(scopes)).toBeLessThan(8);
  });

  test('a window that Redis does not know begins with what PostgreSQL knows, and ends at midnight', async () => {
    const asked: number[] = [];
    const usedSince = (sinceMs: number) => {
      asked.push(sinceMs);
      return Promise.resolve(8);
    };
    const scopes = [aScopeOf([aWindow({ limit: 10, usedSince })])];

    const answers = [];
    for (let call = 0; call < 3; call += 1)
      answers.push(await limiter.reserve(aReserve(account, scopes)));

    expect(answers.map(({ kind }) => kind)).toEqual(['go', 'go', 'refuse']);
    const refused = answers[2];
    const midnight = Math.ceil(Date.now() / 86_400_000) * 86_400_000;
    expect(refused).toMatchObject({ reason: 'window' });
    expect(refused?.kind === 'refuse' ? refused.waitMs : 0).toBeGreaterThan(
      midnight - Date.now() - 2_000,
    );
    expect(asked).toHaveLength(1);
  });

  test('a window of milliseconds opens again at its end', async () => {
    const scopes = [aScopeOf([aWindow({ name: 'five-hours', limit: 2, period: 700 })])];
    const answers = [];
    for (let call = 0; call < 3; call += 1)
      answers.push(await limiter.reserve(aReserve(account, scopes)));
    expect(answers.map(({ kind }) => kind)).toEqual(['go', 'go', 'refuse']);

    await sleep(answers[2]?.kind === 'refuse' ? answers[2].waitMs + 5 : 0);

    expect((await limiter.reserve(aReserve(account, scopes))).kind).toBe('go');
  });

  test('a settle after the end of its window leaves the next one alone', async () => {
    const scopes = [aScopeOf([aWindow({ limit: 3, period: 300 })])];
    const early = await take(scopes);
    await sleep(350);
    await take(scopes);

    await limiter.settle(early, { kind: 'not_sent' });

    expect(await left(scopes)).toBe(2);
  });

  test('a call that costs more than the burst is an error, not a wait; a limit of 0 too', async () => {
    const scopes = [aScopeOf([aRate({ charge: 'uncached_input', name: 'input', burst: 100 })])];

    const tooMuch = limiter.reserve(
      aReserve(account, scopes, { estimate: charges({ uncached_input: 101 }) }),
    );
    const zero = limiter.reserve(aReserve(account, [aScopeOf([aRate({ limit: 0 })])]));

    await expect(tooMuch).rejects.toMatchObject({ code: 'LIMIT_UNREACHABLE' });
    await expect(zero).rejects.toMatchObject({ code: 'LIMIT_INVALID' });
  });

  test('a call larger than the share of its tenant goes, and the tenant pays for it with waiting', async () => {
    const tokens = aRate({ name: 'input', charge: 'uncached_input', burst: 1_000 });
    const share = aScopeOf([{ ...tokens, burst: 100 }], { name: 'tenant:t', share: true });
    const scopes = [aScopeOf([tokens]), share];
    await world.fill(account, scopes);
    const estimate = charges({ uncached_input: 150 });

    await take(scopes, { estimate });
    await take(scopes, { estimate });
    const third = await limiter.reserve(aReserve(account, scopes, { estimate }));

    // The second borrows what others leave, more than 80 % of the account; for the third there is less.
    expect(third).toMatchObject({ kind: 'refuse', reason: 'limit' });
    expect(await left(scopes)).toBe(700);
  });

  test('batch calls leave the last 30 % of a bucket to others', async () => {
    const scopes = [aScopeOf([aRate({ burst: 10 })])];
    await world.fill(account, scopes);
    const went = { batch: 0, interactive: 0 };

    for (const priority of ['batch', 'interactive'] as const) {
      while ((await limiter.reserve(aReserve(account, scopes, { priority }))).kind === 'go')
        went[priority] += 1;
    }

    // The eighth is asked for while a little more than 3 of 10 are left.
    expect(went).toEqual({ batch: 8, interactive: 2 });
  });

  test('headers only ever take away', async () => {
    const scope = aScopeOf([aRate({ burst: 10 })]);
    await world.fill(account, [scope]);

    await limiter.sync(account, { scope, dimension: 'requests', remaining: 4 });
    const less = await left([scope]);
    await limiter.sync(account, { scope, dimension: 'requests', remaining: 9 });

    expect(less).toBe(4);
    expect(await left([scope])).toBe(4);
  });

  test('all keys of an account are in one slot of a cluster', async () => {
    const scopes = [
      aScopeOf([aRate()], { maxConcurrent: 3 }),
      aScopeOf([aRate()], { name: 'model:m' }),
    ];
    await world.fill(account, scopes);
    await limiter.settle(await take(scopes), { kind: 'overloaded' });
    await limiter.pause(account, 'model-2', 1_000);
    await take(scopes);

    const keys = await world.raw.keys(`*${account}*`);

    expect(keys.length).toBeGreaterThan(4);
    expect(keys.every((key) => key.startsWith(`rl2:{${account}}:`))).toBe(true);
  });

  test('what a scope in use holds outlives the longest window, however often it is used', async () => {
    const scopes = [aScopeOf([aRate()], { maxConcurrent: 3 })];
    await world.fill(account, scopes);
    await take(scopes);
    await take(scopes);

    const keys = await world.raw.keys(`rl2:{${account}}:*`);
    const lasting = keys.filter((key) => !key.includes(':res:'));
    const livesMs = await Promise.all(lasting.map((key) => world.raw.pttl(key)));

    expect(livesMs).toHaveLength(2);
    for (const lifeMs of livesMs) expect(lifeMs).toBeGreaterThan(7 * 86_400_000);
  });

  test('calls of one turn of the event loop leave in one write', async () => {
    const redis = createRedis(testService('redisUrl'), { warn: () => 0, info: () => 0 });
    await new Promise((resolve) => redis.once('ready', resolve));
    const own = createRateLimiter({ redis });
    const scopes = [aScopeOf([aRate()])];
    await world.fill(account, scopes);

    const asked = [own.reserve(aReserve(account, scopes)), own.reserve(aReserve(account, scopes))];
    const { writableCorked, writableLength } = redis.stream;
    const answers = await Promise.all(asked);

    expect({ writableCorked, waits: writableLength > 0 }).toEqual({
      writableCorked: 1,
      waits: true,
    });
    expect(redis.stream.writableCorked).toBe(0);
    expect(answers.map(({ kind }) => kind)).toEqual(['go', 'go']);
    redis.disconnect();
  });
});
