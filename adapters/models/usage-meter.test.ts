import { createUsageMeter, tokensOf } from './usage-meter.ts';

function measured(provider: Parameters<typeof createUsageMeter>[0], events: readonly object[]) {
  const meter = createUsageMeter(provider);
  for (const event of events) meter.read(event);
  const usage = meter.soFar();
  return usage === undefined ? undefined : tokensOf(usage);
}

const none = {
  inputTokens: 0,
  outputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  reasoningTokens: 0,
};

test('before anything is reported there is no usage, which is not a usage of nothing', () => {
  expect(
    measured('openai', [
      { choices: [], usage: null },
      { type: 'response.created', response: { usage: null } },
    ]),
  ).toBeUndefined();
});

test('what Anthropic says at the start stands where the end does not repeat it', () => {
  const start = {
    input_tokens: 5,
    cache_read_input_tokens: 7,
    cache_creation_input_tokens: 11,
    output_tokens: 1,
  };
  const end = { output_tokens: 13, input_tokens: null, cache_read_input_tokens: null };

  expect(
    measured('anthropic', [
      { type: 'message_start', message: { usage: start } },
      { type: 'message_delta', usage: end },
    ]),
  ).toEqual({
    ...none,
    inputTokens: 23,
    outputTokens: 13,
    cacheReadTokens: 7,
    cacheWriteTokens: 11,
  });
});

test('cache writes of an hour are told apart from those of five minutes', () => {
  const usage = {
    input_tokens: 1,
    output_tokens: 2,
    cache_creation_input_tokens: 30,
    cache_creation: { ephemeral_5m_input_tokens: 10, ephemeral_1h_input_tokens: 20 },
  };

  expect(measured('anthropic', [{ type: 'message_start', message: { usage } }])).toEqual({
    ...none,
    inputTokens: 31,
    outputTokens: 2,
    cacheWriteTokens: 30,
    cacheWriteHourTokens: 20,
  });
});

test('input of OpenAI includes what was read from and written to its cache', () => {
  const usage = {
    input_tokens: 100,
    input_tokens_details: { cached_tokens: 60, cache_write_tokens: 30 },
    output_tokens: 9,
    output_tokens_details: { reasoning_tokens: 4 },
    total_tokens: 109,
  };

  expect(measured('openai', [{ type: 'response.completed', response: { usage } }])).toEqual({
    ...none,
    inputTokens: 100,
    outputTokens: 9,
    cacheReadTokens: 60,
    cacheWriteTokens: 30,
    reasoningTokens: 4,
  });
});

test('a server that reports with every chunk has the last report counted, not the sum', () => {
  const usage = (completion: number) => ({
    prompt_tokens: 10,
    completion_tokens: completion,
    total_tokens: 10 + completion,
  });

  expect(
    measured(
      'openai-compatible',
      [1, 2, 3].map((count) => ({ usage: usage(count) })),
    ),
  ).toEqual({
    ...none,
    inputTokens: 10,
    outputTokens: 3,
  });
});

test('thoughts of Gemini are output, its tools’ prompts input, and a continued answer the sum of its requests', () => {
  const first = {
    promptTokenCount: 10,
    cachedContentTokenCount: 4,
    candidatesTokenCount: 5,
    thoughtsTokenCount: 2,
  };
  const second = {
    promptTokenCount: 10,
    toolUsePromptTokenCount: 3,
    candidatesTokenCount: 1,
    thoughtsTokenCount: 0,
  };

  expect(
    measured('google', [
      { usageMetadata: { ...first, candidatesTokenCount: 1 } },
      { usageMetadata: first, candidates: [{ finishReason: 'CONTINUATION' }] },
      { usageMetadata: second, candidates: [{ finishReason: 'STOP' }] },
    ]),
  ).toEqual({ ...none, inputTokens: 23, outputTokens: 8, cacheReadTokens: 4, reasoningTokens: 2 });
});

test('counts that cannot be are none, or the most that can be', () => {
  const usage = tokensOf({
    inputTokens: { total: -1, noCache: undefined, cacheRead: 1.5, cacheWrite: undefined },
    outputTokens: { total: 1e300, text: undefined, reasoning: -0.5 },
  });

  expect(usage).toEqual({
    inputTokens: 0,
    outputTokens: 1_000_000_000,
    cacheReadTokens: 1,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    reasoningTokens: 0,
  });
});
