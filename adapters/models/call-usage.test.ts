import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import { toCallUsage } from './call-usage.ts';

function aUsage(
  input: Partial<LanguageModelV4Usage['inputTokens']>,
  output: Partial<LanguageModelV4Usage['outputTokens']>,
  raw?: LanguageModelV4Usage['raw'],
): LanguageModelV4Usage {
  return {
    inputTokens: {
      total: undefined,
      noCache: undefined,
      cacheRead: undefined,
      cacheWrite: undefined,
      ...input,
    },
    outputTokens: { total: undefined, text: undefined, reasoning: undefined, ...output },
    ...(raw && { raw }),
  };
}

test("Anthropic's cache writes are split by how long they are kept", () => {
  const raw = {
    input_tokens: 10,
    cache_creation_input_tokens: 500,
    cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 300 },
    service_tier: 'batch',
  };
  const usage = aUsage(
    { total: 610, noCache: 10, cacheRead: 100, cacheWrite: 500 },
    { total: 70, text: 50, reasoning: 20 },
    raw,
  );

  expect(toCallUsage(usage, undefined)).toEqual({
    tokens: {
      input: 10,
      cacheRead: 100,
      cacheWrite5m: 200,
      cacheWrite1h: 300,
      output: 50,
      reasoning: 20,
    },
    serviceTier: 'batch',
    raw,
  });
});

test('a cache write of which nothing else is said is one of five minutes', () => {
  const { tokens } = toCallUsage(aUsage({ noCache: 1, cacheWrite: 64 }, { text: 1 }), undefined);

  expect(tokens).toMatchObject({ cacheWrite5m: 64, cacheWrite1h: 0 });
});

test('what is reported only as a total is neither cached nor reasoning', () => {
  const usage = aUsage({ total: 100, cacheRead: 30 }, { total: 50, reasoning: 20 });

  expect(toCallUsage(usage, undefined).tokens).toMatchObject({
    input: 70,
    cacheRead: 30,
    output: 30,
    reasoning: 20,
  });
});

test("the answer's own word on its tier goes before the one in the usage", () => {
  const usage = aUsage({ total: 1 }, { total: 1 }, { service_tier: 'standard' });

  expect(toCallUsage(usage, 'priority').serviceTier).toBe('priority');
});
