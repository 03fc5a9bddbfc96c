/** Google's Gemini API. */
import { createGoogle } from '@ai-sdk/google';
import type { Connection, ProviderClient } from './provider-client.ts';
import { placeholderKey } from './provider-fetch.ts';

/** Makes the client of a model. Gemini caches long prefixes by itself. */
export function createGoogleClient(
  { baseUrl, fetch }: Connection,
  modelId: string,
): ProviderClient {
  const provider = createGoogle({ baseURL: baseUrl, apiKey: placeholderKey, fetch });
  return { model: provider.languageModel(modelId), prepare: (options) => options };
}
