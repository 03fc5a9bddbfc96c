import type { LimitScope, RateDimension } from '../adapters/ports.ts';
import {
  actualCharges,
  capCharges,
  createCallEstimates,
  expectedCharges,
} from './estimate-call.ts';

const usage = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  reasoningTokens: 0,
};

test('what is expected follows what answers used, model by model', () => {
  const estimates = createCallEstimates();
  expect(estimates.expect('a:x', 1_000)).toEqual({
    inputTokens: 300,
    mostInputTokens: 390,
    outputTokens: 1_000,
  });

  for (let answer = 0; answer < 30; answer += 1)
    estimates.learn('a:x', 1_000, { ...usage, inputTokens: 500, outputTokens: 100 + answer });

  const learned = estimates.expect('a:x', 2_000);
  expect(learned.inputTokens).toBe(1_000);
  expect(learned.mostInputTokens).toBe(1_300);
  // 95 of 100 answers are no longer than this.
  expect(learned.outputTokens).toBe(128);
  expect(estimates.expect('a:y', 1_000).inputTokens).toBe(300);
});

test('what may be spent is never counted with fewer tokens than the first guess', () => {
  const estimates = createCallEstimates();
  estimates.learn('a:x', 1_000, { ...usage, inputTokens: 100, outputTokens: 10 });

  expect(estimates.expect('a:x', 1_000)).toMatchObject({ inputTokens: 100, mostInputTokens: 390 });
});

test('tokens from the cache are no uncached input, neither expected nor found', () => {
  const expected = { inputTokens: 900, mostInputTokens: 1_200, outputTokens: 300 };
  const call = { cachedTokens: 400, maxOutputTokens: 200, costMicroUsd: 7 };

  expect(expectedCharges(expected, call)).toEqual({
    requests: 1,
    input: 900,
    uncached_input: 500,
    output_actual: 200,
    max_tokens: 200,
    total: 1_100,
    micro_usd: 7,
  });
  expect(
    actualCharges({ ...usage, inputTokens: 1_000, cacheReadTokens: 600, outputTokens: 90 }, call),
  ).toMatchObject({ input: 1_000, uncached_input: 400, output_actual: 90, total: 1_090 });
});

test.each([
  ['a guess of the output is cut to what the limit holds', 'output_actual', 5_000, 1_000, 1_000],
  ['input that may be less is cut too', 'input', 1_400, 1_000, 1_000],
  ['input that surely is more stays, to be refused', 'input', 1_500, 1_000, 1_500],
] as const)('%s', (_, charge, cost, burst, capped) => {
  const dimension: RateDimension = {
    kind: 'rate',
    name: 'x a minute',
    charge,
    limit: burst,
    perMs: 60_000,
    burst,
  };
  const scopes: LimitScope[] = [{ name: 'account', dimensions: [dimension] }];
  const none = expectedCharges(
    { inputTokens: 0, mostInputTokens: 0, outputTokens: 0 },
    { cachedTokens: 0, maxOutputTokens: 0, costMicroUsd: 0 },
  );

  expect(capCharges(scopes, { ...none, [charge]: cost })[charge]).toBe(capped);
});
