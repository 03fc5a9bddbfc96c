/** From an account's limits in providers.yaml to the scopes that the limiter knows. */
import type { ChargeRule, ProviderAccount } from '../../config/providers-config.ts';
import type { LimitScope, MeteredDimension } from '../ports.ts';

type Limit = ProviderAccount['limits'][number];

/** Answers what was used of an account, or of one model of it, since a moment (ms since 1970), over all tenants. */
export type UsedSince = (
  used: {
    readonly account: string;
    readonly model: string | undefined;
    readonly charge: ChargeRule;
  },
  sinceMs: number,
) => Promise<number>;

/** Sets of scopes that are kept: names of models and tenants come from tasks. */
const keptScopes = 1_000;

/**
 * Answers the scopes of a call: the account, the model, and the tenant's share where the account has one. The same array
 * for the same call, as the limiter checks each array once. Empty where nothing is limited.
 */
export function createLimitScopes(usedSince: UsedSince) {
  const kept = new Map<string, readonly LimitScope[]>();
  return (account: ProviderAccount, model: string, tenantId: string): readonly LimitScope[] => {
    const key = JSON.stringify([account.name, model, account.tenantShare && tenantId]);
    const known = kept.get(key);
    if (known !== undefined) return known;
    if (kept.size === keptScopes) kept.clear();
    const scopes = scopesOf(account, { model, tenantId, usedSince });
    kept.set(key, scopes);
    return scopes;
  };
}

/** What `createLimitScopes` makes. */
export type LimitScopes = ReturnType<typeof createLimitScopes>;

function scopesOf(
  account: ProviderAccount,
  call: { readonly model: string; readonly tenantId: string; readonly usedSince: UsedSince },
): readonly LimitScope[] {
  const dimensionsOf = (scope: Limit['scope']): MeteredDimension[] =>
    account.limits
      .filter((limit) => limit.scope === scope)
      .map((limit) =>
        toDimension(limit, (sinceMs) =>
          call.usedSince(
            {
              account: account.name,
              model: scope === 'model' ? call.model : undefined,
              charge: limit.charge,
            },
            sinceMs,
          ),
        ),
      );
  const { maxConcurrent, tenantShare } = account;
  const ofAccount: LimitScope = {
    name: 'account',
    dimensions: dimensionsOf('account'),
    ...(maxConcurrent === undefined ? {} : { maxConcurrent }),
  };
  const scopes = [ofAccount, { name: `model:${call.model}`, dimensions: dimensionsOf('model') }];
  const bound = scopes.filter((scope) => scope.dimensions.length > 0 || 'maxConcurrent' in scope);
  if (tenantShare === undefined) return bound;
  const shared = bound
    .flatMap((scope) => scope.dimensions)
    .filter((dimension) => dimension.kind === 'rate')
    .map((dimension) => ({
      ...dimension,
      limit: dimension.limit * tenantShare,
      burst: Math.max(1, dimension.burst * tenantShare),
    }));
  if (shared.length === 0) return bound;
  return [...bound, { name: `tenant:${call.tenantId}`, dimensions: shared, share: true }];
}

/** A limit as the limiter counts it; its name is unique among the limits of all scopes of the account. */
function toDimension(
  { charge, limit, per, burst, windowMs, timeZone = 'UTC', scope }: Limit,
  usedSince: (sinceMs: number) => Promise<number>,
): MeteredDimension {
  const name = `${charge.replaceAll('_', ' ')} a ${per}${scope === 'model' ? ' of the model' : ''}`;
  if (per === 'minute' || per === 'hour') {
    return { kind: 'rate', name, charge, limit, perMs: windowMs, burst };
  }
  return {
    kind: 'window',
    name,
    charge,
    limit,
    period: per === 'day' ? 'day' : windowMs,
    timeZone,
    usedSince,
  };
}
