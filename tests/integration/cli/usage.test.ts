// `ado usage` against a server:
//   - the period is days of the server's budget, and is asked for as moments
//   - nothing that was spent is shown as nothing; programs get whole micro-dollars
//   - money whose answer was lost is told, and can be listed
import { parse } from 'csv-parse/sync';
import type { Forecast, Purchase, Usage, UsageRow } from '../../../contracts/usage.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { page } from '../../support/fake-http.ts';
import { makePlace, readLines, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;
let rows: UsageRow[];
let open: Usage['total']['open'];

beforeEach(async () => {
  rows = [];
  open = { heldMicroUsd: 0, unknownMicroUsd: 0, unknownCalls: 0 };
  api = new FakeApi();
  api.answers.getUsage = ({ query }) => ({
    ...{ by: query['by'], timeZone: query['timeZone'], from: query['from'] },
    to: query['to'] ?? '2026-11-21T12:00:00.000Z',
    total: { ...aRow(null), calls: 12, costMicroUsd: 1_500_001, open },
    ...page(rows, query),
  });
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

function aRow(key: string | null, changes: Partial<UsageRow> = {}): UsageRow {
  return {
    key,
    calls: 6,
    inputTokens: 1_234_567,
    cacheReadTokens: 1_000,
    cacheWriteTokens: 10,
    cacheWriteHourTokens: 1,
    outputTokens: 4_321,
    reasoningTokens: 5,
    costMicroUsd: 1,
    ...changes,
  };
}

const queries = () =>
  api.seen.filter(({ route }) => route === 'getUsage').map(({ query }) => query);

test('shows this month by provider, with what is a millionth of a dollar', async () => {
  rows = [aRow('anthropic', { costMicroUsd: 1_500_000 }), aRow('openai')];

  const { code, stdout, stderr } = await runAdo(place, ['usage']);

  expect(code).toBe(0);
  const [heading, ...lines] = stdout.trimEnd().split('\n');
  expect(heading).toMatch(
    /^PROVIDER +CALLS +INPUT +CACHE READ +CACHE WRITE +OUTPUT +REASONING +COST$/,
  );
  expect(lines).toEqual([
    expect.stringMatching(/^anthropic +6 +1,234,567 +1,000 +10 +4,321 +5 +\$1\.50$/),
    expect.stringMatching(/^openai +6 .* \$0\.000001$/),
    expect.stringMatching(/^total +12 .* \$1\.50$/),
  ]);
  const month = new Date().toISOString().slice(0, 8);
  expect(stderr).toContain(`${month}01 to 2026-11-21 (UTC)`);
  expect(queries()).toEqual([
    { by: 'provider', timeZone: 'UTC', from: `${month}01T00:00:00.000Z`, limit: '50' },
  ]);
});

test('tasks have their repository, and rows without a key a word', async () => {
  const id = 'task-0197f3a0-0000-7000-8000-00007b1d90aa';
  rows = [aRow(id, { label: '/srv/repositories/app' }), aRow(null)];

  const { stdout } = await runAdo(place, ['usage', '--by', 'task', '--period', 'today']);

  expect(stdout).toMatch(/^TASK +REPOSITORY /);
  expect(stdout).toMatch(/7b1d90aa +repositories\/app +6/);
  expect(stdout).toContain('(none)');
});

test('all pages are of one period, and the limit is kept', async () => {
  rows = Array.from({ length: 700 }, (_, n) => aRow(`a-${String(n)}`));

  const { stdout } = await runAdo(place, [
    ...['usage', '--by', 'account', '--limit', '600', '-o', 'jsonl'],
    ...['--period', '2026-11-01..2026-11-02'],
  ]);

  expect(readLines(stdout)).toHaveLength(600);
  expect(queries()).toEqual([
    expect.objectContaining({ limit: '500', to: '2026-11-03T00:00:00.000Z' }),
    expect.objectContaining({ limit: '100', to: '2026-11-03T00:00:00.000Z', cursor: '500' }),
  ]);
});

test('CSV has micro-dollars as integers, and dollars', async () => {
  open = { heldMicroUsd: 3, unknownMicroUsd: 100, unknownCalls: 1 };
  rows = [aRow('2026-11-20', { open, costMicroUsd: 1_000_001 })];

  const { stdout } = await runAdo(place, ['usage', '--by', 'day', '-o', 'csv']);

  expect(parse(stdout, { columns: true })).toEqual([
    {
      day: '2026-11-20',
      label: '',
      calls: '6',
      inputTokens: '1234567',
      cacheReadTokens: '1000',
      cacheWriteTokens: '10',
      cacheWriteHourTokens: '1',
      outputTokens: '4321',
      reasoningTokens: '5',
      costMicroUsd: '1000001',
      costUsd: '1.000001',
      heldMicroUsd: '3',
      unknownMicroUsd: '100',
      unknownCalls: '1',
    },
  ]);
});

test('JSON is what the server answers', async () => {
  rows = [aRow('team')];

  const { stdout } = await runAdo(place, ['usage', '--by', 'account', '-o', 'json']);

  expect(JSON.parse(stdout)).toMatchObject({
    by: 'account',
    items: [{ key: 'team' }],
    total: { calls: 12, costMicroUsd: 1_500_001 },
  });
});

test('money without an answer is told, and calls whose answer was lost are listed', async () => {
  open = { heldMicroUsd: 20, unknownMicroUsd: 2_000_000, unknownCalls: 1 };
  rows = [aRow('2026-11-20', { open })];
  const lost: Purchase = {
    callId: 'call-9',
    taskId: 'task-0197f3a0-0000-7000-8000-00007b1d90aa',
    repository: '/srv/repositories/app',
    state: 'unknown',
    amountMicroUsd: 2_000_000,
    account: 'team',
    reservedAt: new Date(Date.now() - 300_000).toISOString(),
  };
  api.answers.listPurchases = ({ query }) =>
    query['state'] === 'unknown' ? page([lost], query) : page([], query);

  const told = await runAdo(place, ['usage', '--by', 'day']);
  const listed = await runAdo(place, ['usage', '--lost']);
  const exported = await runAdo(place, ['usage', '--lost', '-o', 'csv']);

  expect(told.stdout).toMatch(/HELD +LOST\n.*\$0\.000020 +\$2\.00\n/);
  expect(told.stderr).toContain(
    'No answer is known of 1 call; $2.00 counts as gone: ado usage --lost',
  );
  expect(listed.stdout).toMatch(/7b1d90aa +repositories\/app +team +\$2\.00 +5m ago +call-9/);
  expect(exported.stdout).toContain('/srv/repositories/app,team,2000000,2.000000,');
});

test('a forecast says what is gone, where it leads, and what bounds it', async () => {
  const forecast: Forecast = {
    at: '2026-11-21T12:00:00.000Z',
    timeZone: 'UTC',
    pace: { from: '2026-11-14T12:00:00.000Z', microUsdPerDay: 4_000_000 },
    day: {
      from: '2026-11-21T00:00:00.000Z',
      to: '2026-11-22T00:00:00.000Z',
      spentMicroUsd: 41_000_000,
      forecastMicroUsd: 43_000_000,
    },
    month: {
      from: '2026-11-01T00:00:00.000Z',
      to: '2026-12-01T00:00:00.000Z',
      spentMicroUsd: 60_000_000,
      forecastMicroUsd: 98_000_000,
    },
    budgets: [
      {
        kind: 'day',
        limitMicroUsd: 50_000_000,
        spentMicroUsd: 41_000_000,
        heldMicroUsd: 1_000_000,
        unknownMicroUsd: 500_000,
        level: 'warn',
      },
    ],
  };
  api.answers.getForecast = () => forecast;

  const { stdout } = await runAdo(place, ['usage', '--forecast']);
  const csv = await runAdo(place, ['usage', '--forecast', '-o', 'csv']);

  expect(stdout).toContain('$41.00 so far, about $43.00 at its end');
  expect(stdout).toContain('$60.00 so far, about $98.00 at its end');
  expect(stdout).toContain('$4.00 a day, since 2026-11-14');
  expect(stdout).toMatch(/today +\$50\.00 +\$41\.00 +\$1\.00 +\$0\.5000 +83 % +warn/);
  expect(parse(csv.stdout, { columns: true })).toMatchObject([
    { period: 'today', spentMicroUsd: '41000000' },
    { period: 'this month', forecastUsd: '98.000000' },
  ]);
});

test.each([
  [['--period', 'yesterday'], 'write today, 7d, 30d, this-month, or days such as'],
  [['--by', 'colour'], 'is not known here'],
  [['--forecast', '--by', 'day'], 'cannot be used with'],
])('what cannot be asked is refused before anything is sent: %j', async (words, message) => {
  const { code, stderr } = await runAdo(place, ['usage', ...words]);

  expect(code).toBe(2);
  expect(stderr).toContain(message);
  expect(api.seen).toEqual([]);
});

test('a month without a call says so', async () => {
  api.answers.getUsage = ({ query }) => ({
    ...{ by: query['by'], timeZone: 'UTC', from: query['from'], to: new Date().toISOString() },
    total: { ...aRow(null), calls: 0, costMicroUsd: 0, open },
    ...{ items: [], nextCursor: null },
  });

  const { code, stdout, stderr } = await runAdo(place, ['usage']);

  expect([code, stdout]).toEqual([0, '']);
  expect(stderr).toContain('No calls.');
});
