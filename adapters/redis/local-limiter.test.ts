// What workers take while Redis is away.
//   - together never more than 80 % of the limit, from nothing
//   - for a minute; no money, and nothing of windows
import type { Charges, MeteredDimension, LimitScope, LimitRequest } from '../ports.ts';
import { createLocalLimiter } from './local-limiter.ts';

const costs: Charges = {
  requests: 1,
  input: 0,
  uncached_input: 0,
  output_actual: 0,
  max_tokens: 0,
  total: 0,
  micro_usd: 5,
};
const perMinute: MeteredDimension = {
  kind: 'rate',
  name: 'requests',
  charge: 'requests',
  limit: 600,
  perMs: 60_000,
  burst: 60,
};
let calls = 0;

function aRequest(
  dimensions: readonly MeteredDimension[],
  scope: Partial<LimitScope> = {},
): LimitRequest {
  calls += 1;
  return {
    account: 'account-1',
    model: 'model-1',
    id: `call-${calls}`,
    scopes: [{ name: 'account', dimensions, ...scope }],
    estimate: costs,
    priority: 'normal',
    horizonMs: 0,
  };
}

function aWorld(workers: number) {
  let nowMs = 1_000_000;
  const clock = { now: () => nowMs };
  return {
    limiters: Array.from({ length: workers }, () =>
      createLocalLimiter({ clock, liveWorkers: () => workers }),
    ),
    pass: (ms: number) => {
      nowMs += ms;
    },
  };
}

describe('the local limiter', () => {
  test.each([1, 4, 7])(
    'lets %i workers take between 75 and 80 % of the limit in a minute',
    (workers) => {
      const { limiters, pass } = aWorld(workers);
      let went = 0;

      for (let passedMs = 0; passedMs < 60_000; passedMs += 50) {
        for (const limiter of limiters) {
          if (limiter.reserve(aRequest([perMinute])).kind === 'go') went += 1;
        }
        pass(50);
      }

      expect(went).toBeGreaterThan(600 * 0.75);
      expect(went).toBeLessThanOrEqual(600 * 0.8);
    },
  );

  test('begins empty, and says when', () => {
    const { limiters, pass } = aWorld(4);
    const [limiter] = limiters;
    const answer = limiter?.reserve(aRequest([perMinute]));
    expect(answer).toMatchObject({ kind: 'refuse', reason: 'limit', dimension: 'requests' });
    const waitMs = answer?.kind === 'refuse' ? answer.waitMs : 0;
    // One of 600 a minute takes 100 ms, of a fourth of 80 % five times as long.
    expect(waitMs).toBeCloseTo(500);

    pass(waitMs);

    expect(limiter?.reserve(aRequest([perMinute])).kind).toBe('go');
  });

  test('a repeated call gets its grant again, and is not charged', () => {
    const { limiters, pass } = aWorld(1);
    const [limiter] = limiters;
    limiter?.reserve(aRequest([perMinute]));
    pass(125);
    const request = aRequest([perMinute]);

    const answers = [limiter?.reserve(request), limiter?.reserve(request)];

    expect(answers[0]).toMatchObject({ kind: 'go' });
    expect(answers[1]).toEqual(answers[0]);
  });

  test('leaves no more calls at once than its part', () => {
    const { limiters } = aWorld(2);
    const [limiter] = limiters;
    const requests = Array.from({ length: 6 }, () => aRequest([], { maxConcurrent: 10 }));

    const kinds = requests.map((request) => limiter?.reserve(request).kind);
    limiter?.settle(requests[0]?.id ?? '');

    expect(kinds).toEqual(['go', 'go', 'go', 'go', 'refuse', 'refuse']);
    expect(limiter?.reserve(aRequest([], { maxConcurrent: 10 })).kind).toBe('go');
  });

  test('shuts after a minute, and opens for the next outage', () => {
    const { limiters, pass } = aWorld(1);
    const [limiter] = limiters;
    limiter?.reserve(aRequest([perMinute]));
    pass(60_001);

    expect(() => limiter?.reserve(aRequest([perMinute]))).toThrow(
      'longer than a worker may go on alone',
    );
    const touched = limiter?.end();

    expect(touched).toMatchObject([{ account: 'account-1', scopes: [{ name: 'account' }] }]);
    expect(limiter?.reserve(aRequest([perMinute])).kind).toBe('refuse');
  });

  test.each<[string, MeteredDimension]>([
    ['no money is spent', { ...perMinute, charge: 'micro_usd', limit: 1e9, burst: 1e9 }],
    [
      'nobody knows what is left of a window',
      {
        kind: 'window',
        name: 'a-day',
        charge: 'requests',
        limit: 1_000,
        period: 'day',
        timeZone: 'UTC',
        usedSince: () => Promise.resolve(0),
      },
    ],
  ])('is shut where %s', (reason, dimension) => {
    const { limiters } = aWorld(1);

    expect(() => limiters[0]?.reserve(aRequest([dimension]))).toThrow(reason);
  });
});
