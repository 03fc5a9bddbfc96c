/** Money: what a model call costs. All amounts are micro-US-dollars. */
import type { JSONObject } from '@ai-sdk/provider';

/** What providers charge for apart. Every token of a call is of exactly one kind. */
export type TokenKind =
  'input' | 'cacheRead' | 'cacheWrite5m' | 'cacheWrite1h' | 'output' | 'reasoning';

/** Tokens of one call, none counted twice: `input` are those not cached, `output` those that are not reasoning. */
export type TokenCounts = Readonly<Record<TokenKind, number>>;

/** Micro-US-dollars for a million tokens, by kind; a kind that is absent has no known price. 0 says: free of charge. */
export type TokenRates = Readonly<Partial<Record<TokenKind, number>>>;

/** Rates of a call whose input is longer than `aboveInputTokens`, cached tokens included; they hold for all its tokens. */
export interface ContextTier {
  readonly aboveInputTokens: number;
  readonly rates: TokenRates;
}

/** The usage of one answer, with all that its cost depends on. */
export interface CallUsage {
  readonly tokens: TokenCounts;
  /** The service tier that the answer reports, in the provider's word; undefined when it reports none. */
  readonly serviceTier: string | undefined;
  /** The provider's own report. */
  readonly raw: JSONObject | undefined;
}

/** A usage and where it came from. */
export interface PricedCall {
  readonly provider: string;
  /** The model that answered, in the provider's word. */
  readonly model: string;
  readonly usage: Pick<CallUsage, 'tokens' | 'serviceTier'>;
  /** When the call was made: the prices of that moment count. */
  readonly at: Date;
}

/** What a call costs. */
export interface Cost {
  readonly costMicroUsd: number;
  /** Names the price for the record: a row of ours (`override 7`), or an entry of the price data that ships with ado. */
  readonly priceId: string;
  /** Kinds of tokens of this call that have no known price, and were counted at the ceiling. */
  readonly unpriced: readonly TokenKind[];
}

/** What model calls cost. Both methods throw STORE_UNAVAILABLE when the tenant's prices cannot be read. */
export interface Prices {
  /** The cost of an answer, to be booked: tokens without a known price are counted at the ceiling, and in a metric. */
  costOf(tenantId: string, call: PricedCall): Promise<Cost>;
  /**
   * The cost of a call to come.
   * @throws PRICE_UNKNOWN when it has tokens without a known price and would cost more, at the ceiling, than what is
   *   spent on such calls
   */
  estimateOf(tenantId: string, call: PricedCall): Promise<Cost>;
}

/** A price that an operator sets, from a date on, in place of what ado knows. */
export interface PriceOverride {
  readonly provider: string;
  /** One model, or `*` for every model of the provider. */
  readonly model: string;
  /** `standard`, `batch`, `flex`, or a tier in the provider's word. */
  readonly serviceTier: string;
  readonly effectiveFrom: Date;
  readonly rates: TokenRates;
  readonly contextTiers: readonly ContextTier[];
  /** Where the price was found. */
  readonly source: string;
}

/** A recorded override. */
export interface RecordedOverride extends PriceOverride {
  readonly id: number;
}

/** The prices that operators set. Methods throw STORE_UNAVAILABLE. */
export interface PriceStore {
  /** Adds a price; of several with the same date, the one recorded last counts. */
  record(tenantId: string, override: PriceOverride): Promise<void>;
  /** All prices of the tenant, the one that counts first: by date, then by age, the latest first. */
  list(tenantId: string): Promise<readonly RecordedOverride[]>;
}
