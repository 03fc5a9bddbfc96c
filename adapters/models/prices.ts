/** What model calls cost: the operators' prices first, then those that ship with ado, then the ceiling. */
import { AppError } from '../../contracts/errors.ts';
import type {
  Clock,
  Cost,
  PricedCall,
  Prices,
  PriceStore,
  RecordedOverride,
  TokenKind,
} from '../ports.ts';
import { findSeedPrice } from './seed-prices.ts';
import {
  ceilingOf,
  costOfTokens,
  toCeilingRates,
  unknownPrice,
  withStandIns,
  type CeilingRates,
  type ModelPrice,
} from './usage-cost.ts';

/** How long the tenant's prices are kept; a price is recorded before the day from which it counts. */
const overridesKeptMs = 60_000;

/** Words of providers for the tier that their price lists are about; Groq's is `on_demand`. */
const standardTiers = new Set(['standard', 'default', 'on_demand']);
/**
 * Tiers at half the standard price. Sources: the vendors' pages on batch and flex processing, and for Google
 * https://ai.google.dev/gemini-api/docs/optimization. Others give other discounts, or none (Groq's flex).
 */
const halfPriceTiers: Readonly<Record<string, readonly string[]>> = {
  anthropic: ['batch'],
  openai: ['batch', 'flex'],
  google: ['batch', 'flex'],
};

/** $150 for a million tokens of input, $600 of output. */
const defaultCeiling = toCeilingRates(150_000_000, 600_000_000);
const defaultRefuseAboveMicroUsd = 1_000_000;

/** What prices are made from. */
export interface PriceWorld {
  readonly overrides: Pick<PriceStore, 'list'>;
  readonly clock: Clock;
  /** What tokens without a known price are counted at. Default: above what any model is listed at today. */
  readonly ceiling?: CeilingRates;
  /** Most that a single call with such tokens may be estimated at. Default $1. */
  readonly refuseUnpricedAboveMicroUsd?: number;
  readonly metrics: { priceMissing(kind: TokenKind): void };
}

/** The prices of all models. */
export function createPrices(world: PriceWorld): Prices {
  const {
    ceiling = defaultCeiling,
    refuseUnpricedAboveMicroUsd: refuseAboveMicroUsd = defaultRefuseAboveMicroUsd,
  } = world;
  const overridesOf = keepFor(overridesKeptMs, world.clock, (tenantId) =>
    world.overrides.list(tenantId),
  );

  async function price(tenantId: string, call: PricedCall): Promise<Cost> {
    const found = findPrice(await overridesOf(tenantId), call);
    return costOfTokens(found, call.usage.tokens, ceiling);
  }

  return {
    async costOf(tenantId, call) {
      const cost = await price(tenantId, call);
      for (const kind of cost.unpriced) world.metrics.priceMissing(kind);
      return cost;
    },
    async estimateOf(tenantId, call) {
      const cost = await price(tenantId, call);
      if (cost.unpriced.length > 0 && cost.costMicroUsd > refuseAboveMicroUsd) {
        const tier = tierOf(call.usage.serviceTier);
        throw new AppError(
          'PRICE_UNKNOWN',
          `${call.provider}:${call.model} (${tier}) has no known price for ${cost.unpriced.join(', ')} tokens`,
        );
      }
      return cost;
    },
    async priceOf(tenantId, { provider, model, serviceTier, at }) {
      // Not those that are kept: who has just set a price wants to see it.
      const overrides = await world.overrides.list(tenantId);
      const { id, rates, contextTiers, divisor } = findPrice(overrides, {
        ...{ provider, model, at },
        usage: { serviceTier },
      });
      return {
        id,
        rates: withStandIns(rates),
        contextTiers: contextTiers.map((tier) => ({ ...tier, rates: withStandIns(tier.rates) })),
        divisor,
        ceiling: ceilingOf(rates, ceiling),
      };
    },
  };
}

/** The tier of a price that an answer's word means. An answer that reports none was billed as usual. */
function tierOf(reported: string | undefined): string {
  const word = reported?.toLowerCase() ?? 'standard';
  return standardTiers.has(word) ? 'standard' : word;
}

/** What a price depends on. */
interface PricedPlace extends Omit<PricedCall, 'usage'> {
  readonly usage: Pick<PricedCall['usage'], 'serviceTier'>;
}

/**
 * The price of a call. A tier has its own price, or half of the standard one where its vendor sells it so; any other tier
 * without a price of its own (priority, a word that is new) is unknown, since it may be dearer.
 */
function findPrice(
  overrides: readonly RecordedOverride[],
  { provider, model, usage, at }: PricedPlace,
): ModelPrice {
  const findOverride = (tier: string): ModelPrice | undefined => {
    const counting = overrides.filter(
      (row) => row.provider === provider && row.serviceTier === tier && row.effectiveFrom <= at,
    );
    const row =
      counting.find((one) => one.model === model) ?? counting.find((one) => one.model === '*');
    return (
      row && {
        rates: row.rates,
        contextTiers: row.contextTiers,
        id: `override ${row.id}`,
        divisor: 1,
      }
    );
  };
  const tier = tierOf(usage.serviceTier);
  const own = findOverride(tier);
  if (own !== undefined) return own;
  const half = halfPriceTiers[provider]?.includes(tier) === true;
  if (tier !== 'standard' && !half) return unknownPrice;
  const standard = findOverride('standard') ?? findSeedPrice(provider, model, at) ?? unknownPrice;
  return half ? { ...standard, id: `${standard.id}, half (${tier})`, divisor: 2 } : standard;
}

/** Keeps answers for a while, by tenant; all who ask meanwhile share one question. A failure is not kept. */
function keepFor<T>(keptMs: number, clock: Clock, ask: (tenantId: string) => Promise<T>) {
  const kept = new Map<string, { readonly answer: Promise<T>; readonly untilMs: number }>();
  return (tenantId: string): Promise<T> => {
    const known = kept.get(tenantId);
    if (known !== undefined && clock.now() < known.untilMs) return known.answer;
    const answer = ask(tenantId);
    kept.set(tenantId, { answer, untilMs: clock.now() + keptMs });
    answer.catch(() => {
      if (kept.get(tenantId)?.answer === answer) kept.delete(tenantId);
    });
    return answer;
  };
}
