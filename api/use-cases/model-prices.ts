/** Prices that operators set, and which price counts. */
import type {
  Actor,
  PriceOverride,
  RecordedOverride,
  RecordedPrices,
} from '../../adapters/ports.ts';
import { suggestWord } from '../../config/closest-word.ts';
import { providerNames } from '../../config/providers-config.ts';
import { AppError, type Problem } from '../../contracts/errors.ts';
import type { ModelPrice, Price, SetPrice } from '../../contracts/price.schema.ts';
import type { ApiDeps } from '../deps.ts';

/** Sets prices, all or none. @throws INVALID_REQUEST for unknown providers and two prices for the same */
export async function setPrices(
  deps: Pick<ApiDeps, 'priceStore'>,
  { actor, prices }: { readonly actor: Actor; readonly prices: readonly Price[] },
): Promise<RecordedPrices> {
  const overrides = prices.map((price) => ({
    ...price,
    effectiveFrom: new Date(price.effectiveFrom),
  }));
  const keys = overrides.map(keyOf);
  const problems = overrides.flatMap((one, index) => {
    const at = (field: string, message: string): Problem => ({
      path: `prices.${index}.${field}`,
      message,
    });
    const unknown = problemWith(one.provider);
    return [
      ...(unknown === undefined ? [] : [at('provider', unknown)]),
      ...(keys.indexOf(keyOf(one)) === index
        ? []
        : [at('model', 'another price is for the same model, tier and moment')]),
    ];
  });
  assertNone(problems);
  return deps.priceStore.record(actor, overrides);
}

/** All prices that were set, those that count first. */
export async function listPrices(
  deps: Pick<ApiDeps, 'priceStore' | 'clock'>,
  actor: Actor,
): Promise<{ readonly items: readonly SetPrice[]; readonly nextCursor: null }> {
  const now = new Date(deps.clock.now());
  const rows = await deps.priceStore.list(actor.tenantId);
  // Of rows for the same model and tier, the first that has begun counts; of the same moment, the first one ever will.
  const isFirst = (row: RecordedOverride, others: readonly RecordedOverride[]): boolean =>
    others.find((one) => modelOf(one) === modelOf(row)) === row;
  const begun = rows.filter((row) => row.effectiveFrom <= now);
  const stateOf = (row: RecordedOverride): SetPrice['state'] => {
    if (row.effectiveFrom <= now) return isFirst(row, begun) ? 'counts' : 'replaced';
    return rows.find((one) => keyOf(one) === keyOf(row)) === row ? 'later' : 'replaced';
  };
  const items = rows.map((row) => ({
    ...row,
    contextTiers: [...row.contextTiers],
    effectiveFrom: row.effectiveFrom.toISOString(),
    state: stateOf(row),
  }));
  const order: readonly SetPrice['state'][] = ['counts', 'later', 'replaced'];
  return {
    items: items.toSorted((one, two) => order.indexOf(one.state) - order.indexOf(two.state)),
    nextCursor: null,
  };
}

/** What a model costs now. @throws INVALID_REQUEST for an unknown provider */
export async function getPrice(
  deps: Pick<ApiDeps, 'prices' | 'clock'>,
  model: { readonly actor: Actor } & Pick<ModelPrice, 'provider' | 'model' | 'serviceTier'>,
): Promise<ModelPrice> {
  const { actor, ...asked } = model;
  const unknown = problemWith(asked.provider);
  assertNone(unknown === undefined ? [] : [{ path: 'provider', message: unknown }]);
  const at = new Date(deps.clock.now());
  const { id, contextTiers, ...price } = await deps.prices.priceOf(actor.tenantId, {
    ...asked,
    at,
  });
  return {
    ...asked,
    at: at.toISOString(),
    priceId: id,
    ...price,
    contextTiers: [...contextTiers],
  };
}

function modelOf({ provider, model, serviceTier }: PriceOverride): string {
  return JSON.stringify([provider, model, serviceTier]);
}

function keyOf(price: PriceOverride): string {
  return `${modelOf(price)} ${price.effectiveFrom.toISOString()}`;
}

/** Prices are by provider, whatever the account. */
function problemWith(provider: string): string | undefined {
  return (providerNames as readonly string[]).includes(provider)
    ? undefined
    : `no provider is called "${provider}"${suggestWord(provider, providerNames)}`;
}

function assertNone(problems: readonly Problem[]): void {
  if (problems.length === 0) return;
  const listed = problems.map(({ path, message }) => `${path}: ${message}`).join('; ');
  throw new AppError('INVALID_REQUEST', `The request is not valid: ${listed}.`, { problems });
}
