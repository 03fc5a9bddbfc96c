/** From the name of a model to the accounts that can serve it. */
import { findClosestWord } from '../../config/closest-word.ts';
import { accessModes, providerNames, type ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';

/** An account, and what the model is called there. */
export interface ModelRoute {
  readonly account: ProviderAccount;
  readonly modelId: string;
}

/**
 * Finds who can serve `<account>:<model>` or `<provider>:<model>`, or several of them with commas between, in the order in
 * which they are to be tried: by access (subscription, free, api), then as they are named, then by priority, then as they
 * stand in the file. An account's name is that account alone; its list of models is a hard border.
 * @throws MODEL_NOT_FOUND with the accounts and providers that there are
 */
export function findRoutes(
  accounts: readonly ProviderAccount[],
  names: string,
): readonly [ModelRoute, ...ModelRoute[]] {
  const [first, ...rest] = names
    .split(',')
    .flatMap((name) => routesOfName(accounts, name.trim()))
    .toSorted((one, other) => rankOf(one.account) - rankOf(other.account));
  if (first === undefined) throw new Error('every name has a route, or throws');
  return [first, ...rest];
}

/** The accounts of one name, by priority. @throws MODEL_NOT_FOUND */
function routesOfName(accounts: readonly ProviderAccount[], name: string): readonly ModelRoute[] {
  const [, prefix = '', modelId = ''] = /^([^:]*):(.+)$/.exec(name) ?? [];
  const byName = accounts.filter((account) => account.name === prefix);
  const asked = byName.length > 0 ? byName : accounts.filter(({ provider }) => provider === prefix);
  if (modelId === '' || asked.length === 0) throw notFound(accounts, name, prefix);
  const routes = inOrderOfTrial(asked)
    .filter(({ models }) => models === undefined || models.includes(modelId))
    .map((account) => ({ account, modelId }));
  if (routes.length > 0) return routes;
  const allowed = [...new Set(asked.flatMap(({ models = [] }) => models))];
  throw new AppError(
    'MODEL_NOT_FOUND',
    `"${name}": "${prefix}" is for ${allowed.join(', ')} only${meant(modelId, allowed)}`,
  );
}

/** Lists accounts in the order in which they are tried. */
export function inOrderOfTrial(accounts: readonly ProviderAccount[]): readonly ProviderAccount[] {
  return accounts.toSorted(
    (one, other) => rankOf(one) - rankOf(other) || one.priority - other.priority,
  );
}

function rankOf({ access }: ProviderAccount): number {
  return accessModes.indexOf(access);
}

function notFound(accounts: readonly ProviderAccount[], name: string, prefix: string): AppError {
  const names = accounts.map((account) => account.name);
  const known = names.length === 0 ? 'there are no accounts' : `accounts are ${names.join(', ')}`;
  return new AppError(
    'MODEL_NOT_FOUND',
    `"${name}": ${problemWith(name, prefix)}${meant(prefix, [...names, ...providerNames])}; ${known}; providers are ${providerNames.join(', ')}`,
  );
}

function problemWith(name: string, prefix: string): string {
  if (!/^[^:]+:./.test(name)) return 'a model is named <account or provider>:<model>';
  return (providerNames as readonly string[]).includes(prefix)
    ? `providers.yaml has no account of ${prefix}`
    : `no account or provider is called "${prefix}"`;
}

function meant(word: string, candidates: readonly string[]): string {
  const closest = findClosestWord(word, candidates);
  return closest === undefined || closest === word ? '' : `; did you mean "${closest}"?`;
}
