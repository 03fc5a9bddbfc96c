/** OpenAI's Responses API, or its older chat completions. */
import { createOpenAI } from '@ai-sdk/openai';
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Connection, ProviderClient } from './provider-client.ts';
import { placeholderKey } from './provider-fetch.ts';

/** Makes the client of a model. OpenAI caches long prefixes by itself. */
export function createOpenaiClient(
  { baseUrl, fetch, api }: Connection,
  modelId: string,
): ProviderClient {
  const provider = createOpenAI({ baseURL: baseUrl, apiKey: placeholderKey, fetch });
  return api === 'chat'
    ? { model: provider.chat(modelId), prepare: (options) => options }
    : { model: provider.responses(modelId), prepare: keepNothingThere };
}

/**
 * Asks OpenAI to store nothing: the answer then carries its reasoning, encrypted, and the next request is whole by
 * itself instead of a list of ids that only this account can read, for 30 days.
 */
function keepNothingThere(options: LanguageModelV4CallOptions): LanguageModelV4CallOptions {
  const { providerOptions } = options;
  const openai = { ...providerOptions?.['openai'], store: false };
  return { ...options, providerOptions: { ...providerOptions, openai } };
}
