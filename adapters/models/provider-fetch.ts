/** The way out to a provider: the client's requests, with the credential put in at the last moment. */
import { readCredential } from '../../config/read-credential.ts';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { sendRequest } from './send-request.ts';

/** Stands where a client insists on a key. No request leaves with it. */
export const placeholderKey = 'read-at-call-time';

/** A fetch for one account, and the credentials that it has sent. */
export interface ProviderFetch {
  readonly fetch: typeof globalThis.fetch;
  readonly sentCredentials: ReadonlySet<string>;
}

/** How each provider is told the credential. */
const credentialHeaders: Readonly<
  Record<ProviderAccount['provider'], (credential: string) => readonly [string, string]>
> = {
  anthropic: (credential) => ['x-api-key', credential],
  openai: (credential) => ['authorization', `Bearer ${credential}`],
  google: (credential) => ['x-goog-api-key', credential],
  'openai-compatible': (credential) => ['authorization', `Bearer ${credential}`],
};

/**
 * Makes the fetch of an account. The credential is read for every request, so a rotated one counts at once, and the
 * client never holds it. Redirects are not followed: they would carry the credential to another server.
 * @throws CREDENTIAL_MISSING from the fetch
 */
export function createProviderFetch(account: ProviderAccount): ProviderFetch {
  const sentCredentials = new Set<string>();
  return {
    sentCredentials,
    async fetch(input, init) {
      const headers = new Headers(init?.headers);
      const credential = readCredential(account);
      if (credential !== undefined) {
        sentCredentials.add(credential);
        headers.set(...credentialHeaders[account.provider](credential));
      }
      const { method = 'GET', body, signal } = init ?? {};
      if (input instanceof Request || (body !== undefined && typeof body !== 'string'))
        throw new Error('clients send addresses and texts');
      return sendRequest(new URL(input), { method, headers, body, signal: signal ?? undefined });
    },
  };
}
