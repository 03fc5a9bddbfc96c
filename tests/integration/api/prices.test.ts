/** What a caller may rely on when prices are set and asked for. */
import type { PricedModel, PriceOverride, RecordedOverride } from '../../../adapters/ports.ts';
import { keys, startApi, type TestApi } from './api-world.ts';

const now = Date.parse('2026-11-21T12:00:00Z');

let api: TestApi;
let set: PriceOverride[];
let rows: RecordedOverride[];
let asked: PricedModel[];
beforeEach(async () => {
  [set, rows, asked] = [[], [], []];
  api = await startApi({
    clock: { now: () => now },
    priceStore: {
      record: async (_actor, overrides) => {
        set.push(...overrides);
        return { recorded: overrides.length, unchanged: 0 };
      },
      list: async () => rows,
    },
    prices: {
      priceOf: async (_tenantId, model) => {
        asked.push(model);
        const rates = { input: 1, output: 2 };
        return { id: 'override 7', rates, contextTiers: [], divisor: 2, ceiling: { reasoning: 3 } };
      },
    },
  });
});
afterEach(() => api.stop());

const aPrice = (changes: object = {}) => ({
  provider: 'anthropic',
  model: 'claude-sonnet-5',
  effectiveFrom: '2026-12-01T00:00:00Z',
  rates: { input: 3_000_000 },
  source: 'contract',
  ...changes,
});

function aRow(id: number, from: string, changes: Partial<RecordedOverride> = {}): RecordedOverride {
  return {
    id,
    provider: 'anthropic',
    model: 'a',
    serviceTier: 'standard',
    effectiveFrom: new Date(from),
    rates: { input: id },
    contextTiers: [],
    source: 's',
    ...changes,
  };
}

test('prices are set as they were sent, the usual tier left out', async () => {
  const contextTiers = [{ aboveInputTokens: 200_000, rates: { input: 6_000_000 } }];

  const answer = await api.call('setPrices', { body: { prices: [aPrice({ contextTiers })] } });

  expect(answer).toEqual({ recorded: 1, unchanged: 0 });
  expect(set).toEqual([
    {
      ...aPrice({ contextTiers }),
      serviceTier: 'standard',
      effectiveFrom: new Date('2026-12-01T00:00:00Z'),
    },
  ]);
});

test.each([
  [[], 'prices'],
  [[aPrice({ provider: 'antropic' })], 'prices.0.provider'],
  [[aPrice({ rates: {} })], 'prices.0.rates'],
  [[aPrice({ rates: { input: 0.5 } })], 'prices.0.rates.input'],
  [[aPrice({ serviceTier: 'default' })], 'prices.0.serviceTier'],
  [[aPrice(), aPrice({ effectiveFrom: '2026-12-01T00:00:00.000Z' })], 'prices.1.model'],
])('prices that are not right are refused, all of them: %j', async (prices, path) => {
  const problem = await api.refuse('setPrices', { body: { prices } });

  expect(problem).toMatchObject({ code: 'INVALID_REQUEST', problems: [{ path }] });
  expect(set).toEqual([]);
});

test('only an admin sets prices, a viewer sees them', async () => {
  const refused = await api.refuse('setPrices', { key: keys.viewer, body: { prices: [aPrice()] } });

  expect(refused.code).toBe('SCOPE_MISSING');
  expect((await api.call('listPrices', { key: keys.viewer })).items).toEqual([]);
});

test('a list says of each price whether it counts', async () => {
  rows = [
    aRow(6, '2027-01-01T00:00:00Z'),
    aRow(5, '2027-01-01T00:00:00Z'),
    aRow(4, '2026-11-01T00:00:00Z'),
    aRow(3, '2026-11-01T00:00:00Z'),
    aRow(2, '2026-10-01T00:00:00Z'),
    aRow(1, '2026-10-01T00:00:00Z', { model: '*' }),
  ];

  const { items } = await api.call('listPrices');

  expect(items.map(({ id, state }) => [id, state])).toEqual([
    [4, 'counts'],
    [1, 'counts'],
    [6, 'later'],
    [5, 'replaced'],
    [3, 'replaced'],
    [2, 'replaced'],
  ]);
});

test('what a model costs now is told with where it comes from, also for names with a slash', async () => {
  const params = { provider: 'openai-compatible', model: encodeURIComponent('meta/llama-4') };

  const price = await api.call('getPrice', { params, query: { serviceTier: 'batch' } });

  expect(price).toEqual({
    provider: 'openai-compatible',
    model: 'meta/llama-4',
    serviceTier: 'batch',
    at: '2026-11-21T12:00:00.000Z',
    priceId: 'override 7',
    rates: { input: 1, output: 2 },
    contextTiers: [],
    divisor: 2,
    ceiling: { reasoning: 3 },
  });
  expect(asked).toMatchObject([{ model: 'meta/llama-4', serviceTier: 'batch', at: new Date(now) }]);
});

test('a provider that there is not is refused with the one that was meant', async () => {
  const problem = await api.refuse('getPrice', { params: { provider: 'antropic', model: 'm' } });

  expect(problem.detail).toContain('did you mean "anthropic"?');
});
