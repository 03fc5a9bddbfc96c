/** The prices that ship with ado: the data of `@pydantic/genai-prices`, in whole micro-US-dollars. */
import { calcPrice, findProvider } from '@pydantic/genai-prices';
import type { TokenKind, TokenRates } from '../ports.ts';
import type { ModelPrice } from './usage-cost.ts';

/** The release that the data comes from; the same as in package.json. */
const dataVersion = '0.1.8';

/** Keys of the data, in US dollars per million tokens. Its cache write is the one of five minutes. */
const keysOfKinds: Readonly<Record<TokenKind, string>> = {
  input: 'input_mtok',
  cacheRead: 'cache_read_mtok',
  cacheWrite5m: 'cache_write_mtok',
  cacheWrite1h: 'cache_write_1h_mtok',
  output: 'output_mtok',
  reasoning: 'output_reasoning_mtok',
};

type FoundPrice = NonNullable<ReturnType<typeof calcPrice>>;

/**
 * Finds the standard price of a model at a time; undefined when the data does not have the model, or does not say all of
 * its price. Not in it: what tools of the provider cost (web searches), and tokens of sound and pictures. The provider must
 * be named as the data names it: a proxy whose name only resembles a provider's has prices of its own.
 */
export function findSeedPrice(provider: string, model: string, at: Date): ModelPrice | undefined {
  // Looking a model up walks over all of the provider's, 50-100 µs. In the data no price changes within a minute.
  const key = JSON.stringify([provider, model, Math.floor(at.getTime() / 60_000)]);
  if (found.has(key)) return found.get(key);
  if (found.size === maxFound) found.clear();
  const price = lookUp(provider, model, at);
  found.set(key, price);
  return price;
}

/** Tokens of a model's longest conversation; undefined where the data do not say. */
export function findContextTokens(provider: string, model: string, at: Date): number | undefined {
  if (findProvider({ providerId: provider })?.id !== provider) return undefined;
  return calcPrice({}, model, { providerId: provider, timestamp: at })?.model.context_window;
}

const found = new Map<string, ModelPrice | undefined>();
const maxFound = 1_000;

function lookUp(provider: string, model: string, at: Date): ModelPrice | undefined {
  if (findProvider({ providerId: provider })?.id !== provider) return undefined;
  const entry = calcPrice({}, model, { providerId: provider, timestamp: at });
  if (entry === null || isChargedApart(entry.model_price)) return undefined;
  const values = Object.entries(keysOfKinds).map(
    ([kind, key]) => [kind, toTiers(entry.model_price[key])] as const,
  );
  const starts = new Set(values.flatMap(([, tiers]) => tiers.map((tier) => tier.start)));
  const ratesAbove = (start: number): TokenRates =>
    Object.fromEntries(
      values.flatMap(([kind, tiers]) => {
        const price = tiers.findLast((tier) => tier.start <= start)?.price;
        return price === undefined ? [] : [[kind, toMicroUsd(price)]];
      }),
    );
  const rates = ratesAbove(-1);
  if (rates.input === undefined && rates.output === undefined) return undefined;
  starts.delete(-1);
  return {
    id: `genai-prices ${dataVersion} ${provider}/${entry.model.id}${sinceOf(entry)}`,
    rates,
    contextTiers: [...starts].map((start) => ({
      aboveInputTokens: start,
      rates: ratesAbove(start),
    })),
    divisor: 1,
  };
}

/** Some models (Perplexity's) also cost something for each request, which no rate per token can say. */
function isChargedApart(price: FoundPrice['model_price']): boolean {
  return price.requests_kcount !== undefined;
}

/** A price as steps over the length of the input, in rising order; the base price begins at -1, before any length. */
function toTiers(
  price: FoundPrice['model_price'][string],
): readonly { readonly start: number; readonly price: number }[] {
  if (price === undefined) return [];
  if (typeof price === 'number') return [{ start: -1, price }];
  return [
    { start: -1, price: price.base },
    ...[...price.tiers].sort((one, other) => one.start - other.start),
  ];
}

/**
 * Dollars as whole micro-dollars. The data are decimal fractions read as binary ones, so a product may be off in its last
 * digits: they are cut at a thousandth of a micro-dollar. What is left is rounded up; it concerns a price per million
 * tokens, of which the data have six with a fraction of a micro-dollar.
 */
function toMicroUsd(dollars: number): number {
  return Math.ceil(Number((dollars * 1_000_000).toFixed(3)));
}

/** The date since which a price counts, where the data has several for a model. */
function sinceOf({ model, model_price: price }: FoundPrice): string {
  if (!Array.isArray(model.prices)) return '';
  const constraint = model.prices.find(({ prices }) => prices === price)?.constraint;
  if (constraint === undefined) return ' from the beginning';
  return constraint.type === 'start_date'
    ? ` from ${constraint.start_date}`
    : ` from ${constraint.start_time} to ${constraint.end_time}`;
}
