/** Where the limits of all accounts stand. */
import { inOrderOfTrial } from '../../adapters/models/find-routes.ts';
import type { SeenLimits } from '../../adapters/models/limit-looks.ts';
import type { Actor } from '../../adapters/ports.ts';
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { AccountLimits, LimitGauge, WaitingTasks } from '../../contracts/providers.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { knownModels, toHealth } from './list-providers.ts';

/** The limits of all accounts, and what waits for them, at one moment. */
export interface Limits {
  readonly at: string;
  readonly accounts: readonly AccountLimits[];
  readonly waiting: readonly WaitingTasks[];
}

/** Lists them, accounts in the order in which they are tried. @throws LIMITER_UNAVAILABLE */
export async function listLimits(
  { providers: { accounts, usage, lookAt }, clock }: Pick<ApiDeps, 'providers' | 'clock'>,
  { tenantId }: Actor,
): Promise<Limits> {
  const [used, waiting] = await Promise.all([
    usage.listUsedModels(tenantId),
    usage.listWaiting(tenantId),
  ]);
  const shown = inOrderOfTrial(accounts).map(async (account) => {
    const models = knownModels(account, used);
    return toAccountLimits(account, await lookAt({ account, models, tenantId }));
  });
  return {
    at: new Date(clock.now()).toISOString(),
    accounts: await Promise.all(shown),
    waiting,
  };
}

function toAccountLimits(account: ProviderAccount, seen: readonly SeenLimits[]): AccountLimits {
  const { name, provider, maxConcurrent } = account;
  const [first] = seen;
  const concurrent = first?.state.scopes.find((scope) => scope.name === 'account')?.concurrent;
  // Account and tenant have one state, whatever the model.
  const limits = seen.flatMap((one) =>
    toGauges(one).filter(({ scope }) => one === first || scope === 'model'),
  );
  return {
    ...{ name, provider },
    ...(maxConcurrent === undefined ? {} : { maxConcurrent, concurrent: concurrent ?? 0 }),
    limits,
    models: seen.flatMap(toHealth),
  };
}

function toGauges({ scopes, state, model }: SeenLimits): LimitGauge[] {
  return scopes.flatMap(({ name, dimensions }, scopeIndex) => {
    const scope = scopeOf(name);
    return dimensions.map((dimension, index): LimitGauge => {
      const { charge, limit } = dimension;
      const { remaining, lineMs = 0 } = state.scopes[scopeIndex]?.dimensions[index] ?? {};
      const capacity = dimension.kind === 'rate' ? dimension.burst : limit;
      return {
        scope,
        ...(scope === 'model' && model !== undefined ? { model } : {}),
        ...{ name: dimension.name, charge, limit, capacity },
        ...(remaining === undefined ? {} : { used: capacity - remaining }),
        freeInMs: lineMs,
      };
    });
  });
}

/** What a scope is of, without the tenant's id. */
function scopeOf(name: string): LimitGauge['scope'] {
  if (name.startsWith('model:')) return 'model';
  return name.startsWith('tenant:') ? 'tenant' : 'account';
}
