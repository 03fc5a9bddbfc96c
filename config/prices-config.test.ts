// A file of prices.
//   - dollars become whole micro-dollars, exactly, whatever binary fractions make of them
//   - every problem is told with its line and key
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError, type Problem } from '../contracts/errors.ts';
import { loadPrices } from './prices-config.ts';

const path = join(mkdtempSync(join(tmpdir(), 'ado-prices-')), 'prices.yaml');

function load(text: string) {
  writeFileSync(path, text);
  return loadPrices(path, { INPUT: '3' });
}

/** Line and words of each problem. */
function problemsOf(text: string): readonly string[] {
  try {
    load(text);
  } catch (error) {
    expect(error).toMatchObject({ code: 'FILE_INVALID' });
    const problems: readonly Problem[] = error instanceof AppError ? error.problems : [];
    return problems.map((problem) => `${problem.path.replace(`${path}:`, '')} ${problem.message}`);
  }
  throw new Error('the file was taken');
}

test('a price is read with all that it may say', () => {
  const prices = load(`
prices:
  - provider: anthropic
    model: claude-sonnet-5
    from: 2026-12-01
    input: 3
    cacheRead: 0.3
    cacheWrite5m: 3.75
    cacheWrite1h: 6.00
    output: 15
    longInputs:
      - { aboveInputTokens: 200000, input: 6, output: 22.5 }
    source: contract of November
  - { provider: openai-compatible, model: "*", tier: batch, from: "2026-12-01T08:00:00Z", input: 0, output: 0, source: own }
`);

  expect(prices).toEqual([
    {
      provider: 'anthropic',
      model: 'claude-sonnet-5',
      serviceTier: 'standard',
      effectiveFrom: '2026-12-01T00:00:00.000Z',
      rates: {
        input: 3_000_000,
        cacheRead: 300_000,
        cacheWrite5m: 3_750_000,
        cacheWrite1h: 6_000_000,
        output: 15_000_000,
      },
      contextTiers: [
        { aboveInputTokens: 200_000, rates: { input: 6_000_000, output: 22_500_000 } },
      ],
      source: 'contract of November',
    },
    {
      provider: 'openai-compatible',
      model: '*',
      serviceTier: 'batch',
      effectiveFrom: '2026-12-01T08:00:00Z',
      rates: { input: 0, output: 0 },
      contextTiers: [],
      source: 'own',
    },
  ]);
});

test.each([
  ['0.000001', 1],
  ['0.075', 75_000],
  ['1.005', 1_005_000],
  ['0.1', 100_000],
  ['1.1', 1_100_000],
  ['299.999999', 299_999_999],
])('%s dollars are %d micro-dollars', (text, microUsd) => {
  const line = `{ provider: openai, model: m, from: 2026-12-01, input: ${text}, source: s }`;

  expect(load(`prices: [${line}]`)[0]?.rates).toEqual({ input: microUsd });
});

test('every problem is told, with its line and key', () => {
  const problems = problemsOf(`prices:
  - provider: antropic
    model: m
    from: 2026-02-30
    input: 0.0000001
    source: s
  - provider: openai
    model: m
    from: 2026-12-01
    inputs: 3
    output: -1
    source: s
  - provider: openai
    model: m
    from: 2026-12-01
    tier: default
    source: s
`);

  expect(problems).toEqual([
    expect.stringMatching(/^2 prices\.0\.provider: unknown provider "antropic"; known are/),
    expect.stringMatching(/^4 prices\.0\.from: a date such as 2026-12-01/),
    '5 prices.0.input: at most six digits behind the point',
    '11 prices.1.output: a price is 0 (free of charge) or more',
    '10 unknown key "prices.1.inputs"; did you mean "input"?',
    expect.stringMatching(/^16 prices\.2\.tier: the usual tier is called `standard`/),
    expect.stringMatching(/^13 prices\.2: no price in it/),
  ]);
});

test('a price without any rate, and two for the same, are refused', () => {
  const line = '{ provider: openai, model: m, from: 2026-12-01, source: s';

  expect(problemsOf(`prices:\n  - ${line} }\n`)).toEqual([
    expect.stringContaining('no price in it; write some of input, cacheRead'),
  ]);
  const twice = `prices:\n  - ${line}, input: 1 }\n  - ${line.replace('01,', '01T00:00:00Z,')}, input: 2 }\n`;
  expect(problemsOf(twice)).toEqual([
    '3 prices.1.model: the file has another price for this model, tier and moment',
  ]);
});

test('a file that is not there is named', () => {
  expect(() => loadPrices('/nowhere/prices.yaml', {})).toThrow('/nowhere/prices.yaml');
});
