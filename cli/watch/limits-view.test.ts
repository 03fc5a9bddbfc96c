import type { LimitGauge } from '../../contracts/providers.schema.ts';
import { createPaint } from '../terminal.ts';
import { drawLimits } from './limits-view.ts';

const paint = createPaint(false);
const at = '2026-01-01T00:00:00Z';

function aGauge(change: Partial<LimitGauge> = {}): LimitGauge {
  return {
    scope: 'account',
    name: 'requests a minute',
    charge: 'requests',
    limit: 60,
    capacity: 10,
    used: 5,
    freeInMs: 0,
    ...change,
  };
}

function rowOf(gauge: LimitGauge): string {
  const account = { name: 'work', provider: 'openai', limits: [gauge], models: [] };
  return drawLimits({ at, accounts: [account], waiting: [] }, paint)[1] ?? '';
}

test.each<[string, Partial<LimitGauge>, string]>([
  ['a limit with room', {}, '60 requests a minute  ██████░░░░░░  5 of 10  now'],
  [
    'a limit in debt',
    { used: 13, freeInMs: 3_100 },
    '60 requests a minute  ████████████  13 of 10  in 3.1s',
  ],
  ['a window that is used up', { used: 10 }, '████████████  10 of 10  when it is free'],
  ['a limit that nobody used', { used: undefined }, '60 requests a minute  not used yet'],
  ['a limit that was refilled a moment ago', { used: -0.2 }, '░░░░░░░░░░░░  0 of 10  now'],
  [
    "a model's limit",
    { scope: 'model', model: 'opus', name: 'total a day of the model' },
    '60 total a day of the model opus  ',
  ],
  ["a tenant's share", { scope: 'tenant' }, '60 requests a minute, your share  '],
  [
    'a limit of money',
    { charge: 'micro_usd', name: 'micro usd a day', limit: 5e7, capacity: 5e7, used: 1e7 },
    '$50.00 micro usd a day  ██░░░░░░░░░░  $10.00 of $50.00  now',
  ],
])('%s', (_, gauge, expected) => {
  expect(rowOf(aGauge(gauge))).toContain(expected);
});

test('an account without limits has a row, and what waits is told with the time that is left', () => {
  const lines = drawLimits(
    {
      at,
      accounts: [{ name: 'local', provider: 'openai-compatible', limits: [], models: [] }],
      waiting: [
        {
          reason: 'window',
          detail: 'work: \u001b[2Jtotal',
          tasks: 1,
          until: '2026-01-01T01:00:00Z',
        },
        { reason: 'provider', detail: '', tasks: 2, until: '2025-12-31T00:00:00Z' },
      ],
    },
    paint,
  );

  expect(lines[1]).toMatch(/^local +no limits +now$/);
  expect(lines.slice(-2)).toEqual(['1 task waits for work: total, 1h00m more', '2 tasks wait']);
});
