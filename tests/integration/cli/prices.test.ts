// `ado prices` against a server:
//   - a file is read as a whole before anything is sent, and sent as whole micro-dollars
//   - what counts is told in dollars for a million tokens, what is not known as such
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ModelPrice, SetPrice } from '../../../contracts/price.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { page } from '../../support/fake-http.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
});

afterEach(() => api.stop());

const file = (text: string): void => writeFileSync(join(place.cwd, 'prices.yaml'), text);

test('sets the prices of a file', async () => {
  file(`prices:
  - { provider: anthropic, model: claude-sonnet-5, from: 2026-12-01, input: 3, cacheRead: 0.3, output: 15, source: contract }
`);
  api.answers.setPrices = () => ({ recorded: 1, unchanged: 0 });

  const { code, stdout } = await runAdo(place, ['prices', 'set', 'prices.yaml']);

  expect([code, stdout]).toEqual([0, '1 price set, 0 counted already.\n']);
  expect(api.seen[0]?.body).toEqual({
    prices: [
      {
        provider: 'anthropic',
        model: 'claude-sonnet-5',
        serviceTier: 'standard',
        effectiveFrom: '2026-12-01T00:00:00.000Z',
        rates: { input: 3_000_000, cacheRead: 300_000, output: 15_000_000 },
        contextTiers: [],
        source: 'contract',
      },
    ],
  });
});

test('a file with mistakes is refused as a whole, each with its line', async () => {
  file(`prices:
  - { provider: anthropic, model: a, from: 2026-12-01, input: 3, source: s }
  - { provider: anthropic, model: b, from: soon, ouput: 3, source: s }
`);

  const { code, stderr } = await runAdo(place, ['prices', 'set', 'prices.yaml']);

  expect(code).toBe(2);
  expect(stderr).toMatch(/prices\.yaml:3.*prices\.1\.from/);
  expect(stderr).toContain('did you mean "output"?');
  expect(api.seen).toEqual([]);
});

test('lists what was set, with rates for long inputs beneath', async () => {
  const price: SetPrice = {
    ...{ id: 7, provider: 'anthropic', model: 'claude-sonnet-5', serviceTier: 'standard' },
    effectiveFrom: '2026-11-01T00:00:00.000Z',
    rates: { input: 3_000_000, cacheRead: 75_000, output: 15_000_000 },
    contextTiers: [{ aboveInputTokens: 200_000, rates: { input: 6_000_000 } }],
    ...{ source: 'contract', state: 'counts' },
  };
  api.answers.listPrices = ({ query }) => page([price], { ...query, limit: 50 });

  const { stdout } = await runAdo(place, ['prices', 'list']);
  const json = await runAdo(place, ['prices', 'list', '-o', 'json']);

  expect(stdout).toMatch(
    /counts +anthropic:claude-sonnet-5 +standard +2026-11-01 +\$3\.00 +\$0\.0750 +– +– +\$15\.00 +– +contract\n +above 200,000 tokens in +\$6\.00/,
  );
  expect(JSON.parse(json.stdout)).toEqual({ items: [price] });
});

test('says that none is set', async () => {
  api.answers.listPrices = () => ({ items: [], nextCursor: null });

  const { stdout, stderr } = await runAdo(place, ['prices', 'list']);

  expect([stdout, stderr.trim()]).toEqual([
    '',
    'No prices are set; those that ship with ado count.',
  ]);
});

test('says what one model costs now, and what is not known of it', async () => {
  const price: ModelPrice = {
    ...{ provider: 'openai', model: 'gpt-5', serviceTier: 'standard' },
    ...{ at: '2026-11-21T12:00:00.000Z', priceId: 'genai-prices 0.1.8 openai/gpt-5' },
    rates: { input: 1_250_000, cacheRead: 125_000, output: 10_000_000, reasoning: 10_000_000 },
    contextTiers: [],
    divisor: 1,
    ceiling: { cacheWrite5m: 300_000_000, cacheWrite1h: 300_000_000 },
  };
  api.answers.getPrice = ({ params }) => ({ ...price, ...params });

  const { stdout } = await runAdo(place, ['prices', 'list', '--model', 'openai:gpt-5']);
  const unknown = { ...price, priceId: 'unknown', rates: {} };
  api.answers.getPrice = () => unknown;
  const other = await runAdo(place, ['prices', 'list', '--model', 'openai:gpt-99']);

  expect(stdout).toContain('genai-prices 0.1.8 openai/gpt-5');
  expect(stdout).toMatch(/\$1\.25 +\$0\.1250 +– +– +\$10\.00 +\$10\.00/);
  expect(stdout).toMatch(/not known, counted at +– +– +\$300\.00 +\$300\.00/);
  expect(other.stdout).toContain('unknown: set one with ado prices set FILE');
});

test('a model without its provider is refused', async () => {
  const { code, stderr } = await runAdo(place, ['prices', 'list', '--model', 'gpt-5']);

  expect(code).toBe(2);
  expect(stderr).toContain('such as anthropic:claude-sonnet-5');
});
