/** Where the limits of accounts stand, for people and for gauges. Changes nothing. */
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { LimitScope, LimitState, RateLimiter } from '../ports.ts';
import { createLimitScopes } from './limit-scopes.ts';

/** Where one model of an account stands, with the scopes that it shares with the others. */
export interface SeenLimits {
  readonly account: string;
  /** Undefined when no model of the account is known: then the scopes are those of the account alone. */
  readonly model: string | undefined;
  readonly scopes: readonly LimitScope[];
  /** One entry for each of `scopes`, in their order. */
  readonly state: LimitState;
}

/** Whose limits to look at. */
export interface LimitLook {
  readonly account: ProviderAccount;
  readonly models: readonly string[];
  /** Whose share of the account to look at; nobody's, when left out. */
  readonly tenantId?: string;
}

/** Makes the look. It throws LIMITER_UNAVAILABLE. */
export function createLimitLooks(limiter: Pick<RateLimiter, 'peek'>) {
  // A look never begins a window, so nobody asks what was used of it.
  const scopesOf = createLimitScopes(() => Promise.resolve(0));
  return async ({ account, models, tenantId }: LimitLook): Promise<readonly SeenLimits[]> => {
    const known: readonly (string | undefined)[] = models.length === 0 ? [undefined] : models;
    return Promise.all(
      known.map(async (model) => {
        const scopes = scopesOf(account, model ?? '', tenantId ?? '').filter(
          ({ name }) =>
            (model !== undefined || !name.startsWith('model:')) &&
            (tenantId !== undefined || !name.startsWith('tenant:')),
        );
        const state = await limiter.peek(account.name, model ?? '', scopes);
        return { account: account.name, model, scopes, state };
      }),
    );
  };
}

/** What `createLimitLooks` makes. */
export type LimitLooks = ReturnType<typeof createLimitLooks>;
