/** A model of an account, from account to calls that can be made. */
import type { LanguageModelV4, LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { Clock } from '../ports.ts';
import { createAnthropicClient } from './anthropic.ts';
import { createGoogleClient } from './google.ts';
import { createCompatibleClient } from './openai-compatible.ts';
import { createOpenaiClient } from './openai.ts';
import { createProviderFetch } from './provider-fetch.ts';
import { watchModel } from './watched-model.ts';

/** What a client needs to know of an account. */
export interface Connection {
  readonly baseUrl: string;
  readonly api: ProviderAccount['api'];
  readonly fetch: typeof globalThis.fetch;
}

/** The vendors' own addresses. */
const baseUrls = {
  anthropic: 'https://api.anthropic.com/v1',
  openai: 'https://api.openai.com/v1',
  google: 'https://generativelanguage.googleapis.com/v1beta',
} as const;

/** The address that an account's requests go to, with its version and without a slash at the end. */
export function baseUrlOf({ provider, baseUrl }: ProviderAccount): string {
  // Without a default for them, compatible servers need an address in the configuration.
  return baseUrl ?? (provider === 'openai-compatible' ? '' : baseUrls[provider]);
}

/** A client's model, and what a call's options become on their way to it. */
export interface ProviderClient {
  readonly model: LanguageModelV4;
  readonly prepare: (options: LanguageModelV4CallOptions) => LanguageModelV4CallOptions;
}

const clients: Readonly<
  Record<ProviderAccount['provider'], (connection: Connection, modelId: string) => ProviderClient>
> = {
  anthropic: createAnthropicClient,
  openai: createOpenaiClient,
  google: createGoogleClient,
  'openai-compatible': createCompatibleClient,
};

/** Makes a model of an account: nothing is sent or read before it is called. */
export function createProviderModel(
  account: ProviderAccount,
  modelId: string,
  clock: Clock,
): LanguageModelV4 {
  const { fetch, sentCredentials } = createProviderFetch(account);
  const connection = { baseUrl: baseUrlOf(account), api: account.api, fetch };
  const client = clients[account.provider](connection, modelId);
  return watchModel(client, { account, sentCredentials, clock });
}
