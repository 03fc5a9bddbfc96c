/** What a caller may rely on when asking what was spent, and where that leads. */
import type { Period, UsageFilter } from '../../../adapters/ports.ts';
import { createMemoryUsageStore } from '../../support/fakes/memory-usage-store.ts';
import { keys, startApi, type TestApi } from './api-world.ts';

const now = Date.parse('2026-11-21T12:00:00Z');
const dayMs = 86_400_000;
const budgets = {
  maxDailyCostMicroUsd: 50_000_000,
  maxTenantCostMicroUsd: undefined,
  timeZone: 'Europe/Berlin',
};

let api: TestApi;
let asked: UsageFilter[];
/** Spent in a span of time: a micro-dollar each second since the first call. */
let firstCall: Date | undefined;
beforeEach(async () => {
  asked = [];
  firstCall = new Date(now - 100 * dayMs);
  const spent = ({ from, to }: Period) =>
    Math.max(0, to.getTime() - Math.max(from.getTime(), firstCall?.getTime() ?? now)) / 1_000;
  const empty = createMemoryUsageStore();
  api = await startApi({
    clock: { now: () => now },
    budgets,
    usage: createMemoryUsageStore({
      sumUsage: (actor, filter) => {
        asked.push(filter);
        return empty.sumUsage(actor, filter);
      },
      sumCosts: async (_actor, periods) => periods.map(spent),
      findFirstCall: async () => firstCall,
    }),
    ledger: {
      listBudgets: async (_tenantId, specs) =>
        specs.map(({ kind, limitMicroUsd }) => ({
          id: kind === 'day' ? 'day:2026-11-21@Europe/Berlin' : kind,
          limitMicroUsd,
          reservedMicroUsd: 3,
          spentMicroUsd: 41_000_000,
          unknownMicroUsd: 4,
          level: 'warn' as const,
        })),
    },
  });
});
afterEach(() => api.stop());

test('usage is that of this month by provider, where the days of budgets begin, unless asked otherwise', async () => {
  const usage = await api.call('getUsage');

  expect(usage).toMatchObject({
    by: 'provider',
    from: '2026-10-31T23:00:00.000Z',
    to: '2026-11-21T12:00:00.000Z',
    timeZone: 'Europe/Berlin',
    items: [],
    total: { calls: 0, costMicroUsd: 0, open: { unknownMicroUsd: 0 } },
  });
});

test('period, place and grouping are what was asked for', async () => {
  const query = {
    by: 'day',
    from: '2026-11-01T00:00:00Z',
    to: '2026-11-02T00:00:00Z',
    timeZone: 'Asia/Tokyo',
    limit: '7',
  };

  const usage = await api.call('getUsage', { query });

  expect(usage).toMatchObject({ by: 'day', timeZone: 'Asia/Tokyo' });
  expect(asked).toEqual([
    {
      by: 'day',
      from: new Date('2026-11-01T00:00:00Z'),
      to: new Date('2026-11-02T00:00:00Z'),
      timeZone: 'Asia/Tokyo',
      limit: 7,
      cursor: undefined,
    },
  ]);
});

test.each([
  [{ by: 'color' }, 'by'],
  [{ from: 'yesterday' }, 'from'],
  [{ timeZone: 'Mars/Olympus' }, 'timeZone'],
  [{ from: '2026-11-02T00:00:00Z', to: '2026-11-01T00:00:00Z' }, 'from'],
])('a question that has no answer is refused: %j', async (query, path) => {
  const problem = await api.refuse('getUsage', { query });

  expect(problem).toMatchObject({ code: 'INVALID_REQUEST', problems: [{ path }] });
});

test('a viewer may see what was spent, nobody may without a key', async () => {
  await api.call('getUsage', { key: keys.viewer });

  expect((await api.refuse('getUsage', { key: undefined })).code).toBe('KEY_MISSING');
  expect((await api.refuse('getForecast', { key: undefined })).code).toBe('KEY_MISSING');
  expect((await api.refuse('listPurchases', { key: undefined })).code).toBe('KEY_MISSING');
});

test('a forecast is what is gone and the pace of seven days until the end', async () => {
  const forecast = await api.call('getForecast');

  const aDay = 86_400;
  expect(forecast).toEqual({
    at: '2026-11-21T12:00:00.000Z',
    timeZone: 'Europe/Berlin',
    pace: { from: '2026-11-14T12:00:00.000Z', microUsdPerDay: aDay },
    day: {
      from: '2026-11-20T23:00:00.000Z',
      to: '2026-11-21T23:00:00.000Z',
      spentMicroUsd: 13 * 3_600,
      forecastMicroUsd: aDay,
    },
    month: {
      from: '2026-10-31T23:00:00.000Z',
      to: '2026-11-30T23:00:00.000Z',
      spentMicroUsd: 20.5 * aDay + 3_600,
      forecastMicroUsd: 30 * aDay,
    },
    budgets: [
      {
        kind: 'day',
        limitMicroUsd: 50_000_000,
        spentMicroUsd: 41_000_000,
        heldMicroUsd: 3,
        unknownMicroUsd: 4,
        level: 'warn',
      },
    ],
  });
});

test('the pace of who began lately is that of the days since then, and at least of one', async () => {
  firstCall = new Date(now - 2 * dayMs);
  expect((await api.call('getForecast')).pace).toEqual({
    from: '2026-11-19T12:00:00.000Z',
    microUsdPerDay: 86_400,
  });

  firstCall = new Date(now - 3_600_000);
  expect((await api.call('getForecast')).pace).toEqual({
    from: '2026-11-20T12:00:00.000Z',
    microUsdPerDay: 3_600,
  });

  firstCall = undefined;
  expect((await api.call('getForecast')).month).toMatchObject({
    spentMicroUsd: 0,
    forecastMicroUsd: 0,
  });
});

test('a bound of the whole tenant is told where there is one', async () => {
  const bounded = await startApi({
    budgets: { ...budgets, maxTenantCostMicroUsd: 900 },
    ledger: {
      listBudgets: async (_tenantId, specs) =>
        specs.map(({ kind, limitMicroUsd }) => ({
          id: kind,
          limitMicroUsd,
          reservedMicroUsd: 0,
          spentMicroUsd: 0,
          unknownMicroUsd: 0,
          level: 'ok' as const,
        })),
    },
  });

  const forecast = await bounded.call('getForecast');
  await bounded.stop();

  expect(forecast.budgets.map(({ kind, limitMicroUsd }) => [kind, limitMicroUsd])).toEqual([
    ['day', 50_000_000],
    ['tenant', 900],
  ]);
});

test('purchases are asked for by state and task', async () => {
  const seen: unknown[] = [];
  const listing = await startApi({
    usage: createMemoryUsageStore({
      listPurchases: async (_actor, filter) => {
        seen.push(filter);
        return { items: [], nextCursor: null };
      },
    }),
  });
  const taskId = 'task-0197f3a0-0000-7000-8000-000000000000';

  await listing.call('listPurchases', { query: { state: 'unknown', taskId } });
  const problem = await listing.refuse('listPurchases', { query: { state: 'gone' } });
  await listing.stop();

  expect(seen).toEqual([{ state: 'unknown', taskId, limit: 50, cursor: undefined }]);
  expect(problem.code).toBe('INVALID_REQUEST');
});

test('the key in use is told from what spending people are asked, and where days begin', async () => {
  expect(await api.call('whoAmI')).toMatchObject({
    confirmAboveCostMicroUsd: 1_000_000,
    timeZone: 'Europe/Berlin',
  });
});
