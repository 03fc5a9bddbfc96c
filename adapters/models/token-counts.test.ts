import { toTokenCounts } from './token-counts.ts';

const none = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  reasoningTokens: 0,
};

test('each token is of one kind', () => {
  const counts = toTokenCounts({
    inputTokens: 100,
    cacheReadTokens: 30,
    cacheWriteTokens: 20,
    cacheWriteHourTokens: 5,
    outputTokens: 50,
    reasoningTokens: 40,
  });

  expect(counts).toEqual({
    input: 50,
    cacheRead: 30,
    cacheWrite5m: 15,
    cacheWrite1h: 5,
    output: 10,
    reasoning: 40,
  });
});

test('what contradicts itself makes no count negative', () => {
  const counts = toTokenCounts({ ...none, cacheReadTokens: 7, reasoningTokens: 3 });

  expect(counts).toMatchObject({ input: 0, cacheRead: 7, output: 0, reasoning: 3 });
});
