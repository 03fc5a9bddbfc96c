// Limits as a vendor enforces them:
//   - over any span a bucket lets in at most its burst and what flows back
//   - a refused call takes nothing; the wait it is told is exact
//   - output is taken once produced, and may leave a debt
//   - a changed limit keeps the share that is left
import fc from 'fast-check';
import { AccountLimits } from './account-limits.ts';
import type { Costs } from './account-limits.ts';
import type { Limits } from './script.ts';

const oneRequest: Costs = { requests: 1, inputTokens: 0, tokens: 0 };
const startMs = 1_800_000_000_000;

function limitsOf(limits: Limits): AccountLimits {
  const created = new AccountLimits();
  created.use({ limits, accounts: {} });
  return created;
}

/** Lets a call in if it may come; answers whether it might. */
function tryCall(limits: AccountLimits, nowMs: number, costs: Costs = oneRequest): boolean {
  if (limits.findRefusal('key', costs, nowMs) !== undefined) return false;
  limits.enter('key', costs, nowMs);
  return true;
}

it('over any span a bucket lets in no more than its burst and what flowed back', () => {
  let admitted = 0;
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 6_000 }),
      fc.integer({ min: 1, max: 50 }),
      fc.array(
        fc.record({ afterMs: fc.nat({ max: 400 }), cost: fc.integer({ min: 1, max: 12 }) }),
        {
          minLength: 20,
          maxLength: 100,
        },
      ),
      (perMinute, burst, calls) => {
        const limits = limitsOf({ inputTokens: { perMinute, burst } });
        const taken: { atMs: number; cost: number }[] = [];
        let nowMs = startMs;
        for (const { afterMs, cost } of calls) {
          nowMs += afterMs;
          const costs = { ...oneRequest, inputTokens: cost };
          if (tryCall(limits, nowMs, costs)) taken.push({ atMs: nowMs, cost });
        }
        taken.forEach((first, from) => {
          let sum = 0;
          for (const { atMs, cost } of taken.slice(from)) {
            sum += cost;
            const allowed = burst + ((atMs - first.atMs) * perMinute) / 60_000;
            expect(sum).toBeLessThanOrEqual(allowed + 1e-3);
          }
        });
        admitted += taken.length;
      },
    ),
    { numRuns: 200, seed: 4 },
  );
  process.stdout.write(`buckets: ${admitted} calls let in over 200 runs, none beyond the burst\n`);
});

it('the wait that a refused call is told is exact, and refusals change nothing', () => {
  const limits = limitsOf({ requests: { perMinute: 60, burst: 1 } });
  expect(tryCall(limits, startMs)).toBe(true);

  for (let at = 0; at < 900; at += 100) expect(tryCall(limits, startMs + at)).toBe(false);
  const refusal = limits.findRefusal('key', oneRequest, startMs + 900);

  expect(refusal).toMatchObject({ dimension: 'requests', limit: 60 });
  expect(refusal?.retryAfterMs).toBeCloseTo(100, 3);
  expect(tryCall(limits, startMs + 1_000)).toBe(true);
});

it('a call that one dimension refuses takes nothing in the others', () => {
  const limits = limitsOf({ requests: { perMinute: 10 }, inputTokens: { perMinute: 100 } });

  const refused = { ...oneRequest, inputTokens: 101 };

  expect(limits.findRefusal('key', refused, startMs)?.dimensions).toEqual(['inputTokens']);
  expect(limits.gaugesOf('key', startMs).requests?.remaining).toBe(10);
});

it('output leaves a debt that refuses calls until it has flowed back', () => {
  const limits = limitsOf({ outputTokens: { perMinute: 60 } });
  expect(tryCall(limits, startMs)).toBe(true);
  limits.leave('key', 90, startMs);

  expect(limits.gaugesOf('key', startMs).outputTokens).toMatchObject({
    remaining: 0,
    untilFullMs: 90_000,
  });
  expect(tryCall(limits, startMs + 30_500)).toBe(false);
  expect(tryCall(limits, startMs + 31_000)).toBe(true);
});

it('concurrency is given back when a call leaves', () => {
  const limits = limitsOf({ concurrency: 1 });

  expect(tryCall(limits, startMs)).toBe(true);
  expect(limits.findRefusal('key', oneRequest, startMs)?.dimension).toBe('concurrency');
  limits.leave('key', 0, startMs);
  expect(tryCall(limits, startMs)).toBe(true);
});

it('a halved quota keeps the share that is left; null takes it away', () => {
  const limits = limitsOf({ requests: { perMinute: 100 } });
  for (let call = 0; call < 60; call += 1) tryCall(limits, startMs);

  limits.change({ requests: { perMinute: 50 } });
  const halved = limits.gaugesOf('key', startMs).requests;
  limits.change({ requests: null });

  expect(halved).toMatchObject({ limit: 50, remaining: 20 });
  expect(limits.gaugesOf('key', startMs)).toEqual({});
});

it('every key is an account of its own, with the limits that name it or the usual ones', () => {
  const limits = new AccountLimits();
  limits.use({
    limits: { requests: { perMinute: 5 } },
    accounts: { big: { requests: { perMinute: 500 } } },
  });
  limits.enter('small', oneRequest, startMs);

  limits.change({ requests: { perMinute: 7 } }, 'small');

  expect(limits.gaugesOf('small', startMs).requests?.limit).toBe(7);
  expect(limits.gaugesOf('other', startMs).requests).toMatchObject({ limit: 5, remaining: 5 });
  expect(limits.gaugesOf('big', startMs).requests?.limit).toBe(500);
});
