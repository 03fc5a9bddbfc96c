/** Anthropic's Messages API, also where another server speaks it. */
import { createAnthropic } from '@ai-sdk/anthropic';
import type { LanguageModelV4CallOptions, LanguageModelV4Message } from '@ai-sdk/provider';
import type { Connection, ProviderClient } from './provider-client.ts';
import { placeholderKey } from './provider-fetch.ts';

/** Kept for five minutes, renewed by each use; longer costs more to write (docs: build-with-claude/prompt-caching). */
const cacheMark = { anthropic: { cacheControl: { type: 'ephemeral' } } } as const;

/** Makes the client of a model. Its requests mark what the next turn finds in the cache. */
export function createAnthropicClient(
  { baseUrl, fetch }: Connection,
  modelId: string,
): ProviderClient {
  // Address and key are always given: left out, the client would take them from variables that nobody named.
  const provider = createAnthropic({ baseURL: baseUrl, apiKey: placeholderKey, fetch });
  return { model: provider.languageModel(modelId), prepare: markForCache };
}

/**
 * Marks three places of a conversation, of the four that a request may have: the end of the last system message, which
 * takes in the tools before it, and the ends of the last two messages that are not the model's. What the last one
 * writes the next turn reads; the one before is where this turn reads, however many blocks came since (the provider
 * looks back over 20 only). The messages themselves stay as they are on record.
 */
function markForCache(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { prompt } = options;
  const system = prompt.findLastIndex(({ role }) => role === 'system');
  const said = prompt.flatMap(({ role }, index) =>
    role === 'user' || role === 'tool' ? [index] : [],
  );
  const marked = new Set([system, ...said.slice(-2)]);
  return {
    ...options,
    prompt: prompt.map((message, index) => (marked.has(index) ? withMark(message) : message)),
  };
}

function withMark(message: LanguageModelV4Message): LanguageModelV4Message {
  const { providerOptions } = message;
  const anthropic = { ...providerOptions?.['anthropic'], ...cacheMark.anthropic };
  return { ...message, providerOptions: { ...providerOptions, anthropic } };
}
