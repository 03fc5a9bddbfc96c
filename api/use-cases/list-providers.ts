/** The accounts as people see them: what providers.yaml says, and how they do. */
import { inOrderOfTrial } from '../../adapters/models/find-routes.ts';
import type { SeenLimits } from '../../adapters/models/limit-looks.ts';
import type { AccountUsage, Actor, UsedModel } from '../../adapters/ports.ts';
import type { ProviderAccount } from '../../config/providers-config.ts';
import type { AccountCredential } from '../../contracts/activities.ts';
import type {
  Account,
  AccountTest,
  CredentialState,
  modelHealthSchema,
} from '../../contracts/providers.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { z } from 'zod';
import type { ApiDeps } from '../deps.ts';

type Deps = Pick<ApiDeps, 'providers'>;
type ModelHealth = z.infer<typeof modelHealthSchema>;

/** Lists the accounts in the order in which they are tried. @throws LIMITER_UNAVAILABLE · ENGINE_UNAVAILABLE */
export async function listProviders(
  { providers: { accounts, usage, lookAt, checks, timeZone } }: Deps,
  { tenantId }: Actor,
): Promise<readonly Account[]> {
  if (accounts.length === 0) return [];
  const [credentials, usedToday, usedModels] = await Promise.all([
    checks.listCredentials(tenantId),
    usage.listUsedToday(tenantId, timeZone),
    usage.listUsedModels(tenantId),
  ]);
  return Promise.all(
    inOrderOfTrial(accounts).map(async (account) => {
      const { name, provider, access, priority, models } = account;
      const seen = await lookAt({ account, models: knownModels(account, usedModels) });
      return {
        ...{ name, provider, access, priority },
        ...(models === undefined ? {} : { models }),
        credential: credentialOf(name, credentials),
        health: seen.flatMap(toHealth),
        today: todayOf(name, usedToday),
      };
    }),
  );
}

/** Has an account tested from a worker. @throws ACCOUNT_NOT_FOUND with the accounts that there are · ENGINE_UNAVAILABLE */
export async function testProvider(
  { providers: { accounts, checks } }: Deps,
  { tenantId }: Actor,
  account: string,
): Promise<AccountTest> {
  const names = accounts.map(({ name }) => name);
  if (names.includes(account)) return checks.testAccount(tenantId, account);
  const known = names.length === 0 ? 'There are none.' : `There are ${names.join(', ')}.`;
  throw new AppError(
    'ACCOUNT_NOT_FOUND',
    `There is no account ${JSON.stringify(account)}. ${known}`,
  );
}

/** The models of an account that are worth a look: those that it lists, and those that were used. */
export function knownModels(account: ProviderAccount, used: readonly UsedModel[]): string[] {
  const asked = used.flatMap((one) => (one.account === account.name ? [one.model] : []));
  return [...new Set([...(account.models ?? []), ...asked])];
}

/** How a model does; nothing where none is known. */
export function toHealth({ model, state }: SeenLimits): ModelHealth[] {
  if (model === undefined) return [];
  const { breaker, pausedForMs, speed } = state;
  return [{ model, breaker, pausedForMs, speed }];
}

function credentialOf(
  name: string,
  credentials: readonly AccountCredential[] | undefined,
): CredentialState {
  if (credentials === undefined)
    return { state: 'unknown', detail: 'no worker of the models pool answered' };
  const found = credentials.find(({ account }) => account === name);
  if (found === undefined)
    return { state: 'unknown', detail: "the worker's providers.yaml has no such account" };
  const { state, detail } = found;
  return { state, ...(detail === undefined ? {} : { detail }) };
}

function todayOf(
  name: string,
  used: Awaited<ReturnType<AccountUsage['listUsedToday']>>,
): Account['today'] {
  const { calls, costMicroUsd } = used.find(({ account }) => account === name) ?? {
    calls: 0,
    costMicroUsd: 0,
  };
  return { calls, costMicroUsd };
}
