/** Money: what a model call costs, and the books of what was reserved and spent. All amounts are micro-US-dollars. */
import type { JSONObject } from '@ai-sdk/provider';
import type { Charges } from './limiter.ts';
import type { Actor } from './store.ts';

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

/** What model calls cost. All methods throw STORE_UNAVAILABLE when the tenant's prices cannot be read. */
export interface Prices {
  /** The cost of an answer, to be booked: tokens without a known price are counted at the ceiling, and in a metric. */
  costOf(tenantId: string, call: PricedCall): Promise<Cost>;
  /**
   * The cost of a call to come.
   * @throws PRICE_UNKNOWN when it has tokens without a known price and would cost more, at the ceiling, than what is
   *   spent on such calls
   */
  estimateOf(tenantId: string, call: PricedCall): Promise<Cost>;
  /** The price that counts for a model, read anew and without a call. */
  priceOf(tenantId: string, model: PricedModel): Promise<CountingPrice>;
}

/** A model in a service tier, at a moment. */
export interface PricedModel extends Pick<PricedCall, 'provider' | 'model' | 'at'> {
  /** As answers report it; undefined is the usual one. */
  readonly serviceTier: string | undefined;
}

/** The price that counts for a model. Kinds without a rate of their own have that of what they are billed as. */
export interface CountingPrice {
  /** As in `Cost.priceId`; `unknown` when there is none. */
  readonly id: string;
  readonly rates: TokenRates;
  readonly contextTiers: readonly ContextTier[];
  /** What the rates are divided by: 2 for batch and flex, which cost half. */
  readonly divisor: 1 | 2;
  /** What kinds without a known price are counted at, undivided. */
  readonly ceiling: TokenRates;
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

/** What became of prices that were set. */
export interface RecordedPrices {
  readonly recorded: number;
  /** Prices that counted before, as they are. */
  readonly unchanged: number;
}

/** The prices that operators set. Methods throw STORE_UNAVAILABLE. */
export interface PriceStore {
  /**
   * Adds prices, all or none; of several with the same date, the one recorded last counts. A price that counts for its
   * date already, as it is, is not added again, so repeating this changes nothing.
   */
  record(actor: Actor, overrides: readonly PriceOverride[]): Promise<RecordedPrices>;
  /** All prices of the tenant, the one that counts first: by date, then by age, the latest first. */
  list(tenantId: string): Promise<readonly RecordedOverride[]>;
}

/**
 * A budget, and its limit for the day that its row is made; after that the row's limit counts (`setLimit`). The id of a
 * task's or batch's budget is the caller's word, and the same for all who share it.
 */
export type BudgetSpec =
  | { readonly kind: 'task' | 'batch'; readonly id: string; readonly limitMicroUsd: number }
  | { readonly kind: 'tenant'; readonly limitMicroUsd: number }
  /** Of the calendar day in an IANA time zone: another budget each day, made on first use. */
  | { readonly kind: 'day'; readonly timeZone: string; readonly limitMicroUsd: number };

/** How far a budget is used up, by what is gone for good: from 80 % `warn`, from 95 % `pause`, from 100 % `stop`. */
export type BudgetLevel = 'ok' | 'warn' | 'pause' | 'stop';

/** Where a budget stands. */
export interface BudgetState {
  /** `task:<id>`, `batch:<id>`, `tenant`, `day:<date>@<time zone>`. */
  readonly id: string;
  readonly limitMicroUsd: number;
  /** Held for calls that are under way. */
  readonly reservedMicroUsd: number;
  /** Paid. Above the limit only when a call cost more than was reserved for it. */
  readonly spentMicroUsd: number;
  /** Held for calls of which nobody knows whether they were paid; counted as gone. */
  readonly unknownMicroUsd: number;
  readonly level: BudgetLevel;
  /** When a budget of a day is a new one. */
  readonly endsAt?: Date;
}

/** A budget after a movement. */
export interface MovedBudget extends BudgetState {
  /** The level that this movement reached; undefined when it was there before. Told to one movement only. */
  readonly reached: BudgetLevel | undefined;
}

/** Where the money of a call is: held, or in one of the three ends. `unknown` may still become `settled`. */
export type ReservationState = 'reserved' | 'settled' | 'released' | 'unknown';

/** A wish to hold money for one call. */
export interface ReserveRequest {
  /** Names one purchase; a repetition of it is the same purchase, and what is bought anew has another id. */
  readonly callId: string;
  readonly taskId: string;
  readonly amountMicroUsd: number;
  /** Name of the account that is paid; absent for scripted models. */
  readonly account?: string;
  /** What the call is expected to count as in the account's limits. */
  readonly charges?: Charges;
  /** All that the call is paid from, at least one; each must have room for it. */
  readonly budgets: readonly BudgetSpec[];
}

/** The answer to a wish to hold money. */
export type ReserveAnswer =
  /** The money is held. `repeated`: it was already; somebody may have made the call. */
  | {
      readonly granted: true;
      readonly repeated: boolean;
      readonly amountMicroUsd: number;
      readonly budgets: readonly BudgetState[];
    }
  /**
   * Nothing is held. `exceeded`: the budget has no room for it. `held`: it has, when calls under way turn out to need less
   * than is held for them; worth asking again.
   */
  | {
      readonly granted: false;
      readonly reason: 'exceeded' | 'held';
      readonly budget: BudgetState;
    }
  /** This purchase has ended before. */
  | {
      readonly granted: false;
      readonly reason: 'ended';
      readonly state: Exclude<ReservationState, 'reserved'>;
    };

/** What became of a reservation. */
export interface Movement {
  /** Where the money is now. */
  readonly state: ReservationState;
  /** Whether this call moved it; false for a repetition, and for what came too late. */
  readonly moved: boolean;
  readonly budgets: readonly MovedBudget[];
}

/** A purchase, for lists. */
export interface Reservation {
  readonly callId: string;
  readonly taskId: string;
  readonly state: ReservationState;
  readonly amountMicroUsd: number;
  /** What it cost; undefined until it is settled. */
  readonly costMicroUsd: number | undefined;
  readonly reservedAt: Date;
}

/**
 * The books: money is held before a call is made, and ends as paid, given back, or unknown. No budget ever holds and has
 * paid more than its limit, but for calls that cost more than was held for them. All methods throw STORE_UNAVAILABLE;
 * who cannot reserve does not spend. Repeating any of them changes nothing.
 */
export interface Ledger {
  /** Holds money for a call in all its budgets, or in none. Budgets are made on first use. */
  reserve(tenantId: string, request: ReserveRequest): Promise<ReserveAnswer>;
  /** Books a paid call; journals do it with the usage record instead (`settleReservation`). */
  settle(tenantId: string, callId: string, costMicroUsd: number): Promise<Movement>;
  /** Gives the money back: nothing was bought. Too late for what has ended. */
  release(tenantId: string, callId: string): Promise<Movement>;
  /** Says that nobody knows whether the call was paid: the money stays gone. Too late for what has ended. */
  markUnknown(tenantId: string, callId: string): Promise<Movement>;
  /** All purchases of a task, oldest first: `reserved` ones of a dead worker are to be marked unknown. */
  listReservations(tenantId: string, taskId: string): Promise<readonly Reservation[]>;
  /** Where budgets stand; one that was never used is as its specification says. */
  listBudgets(tenantId: string, budgets: readonly BudgetSpec[]): Promise<readonly BudgetState[]>;
  /** Gives a budget a new limit; below what is gone already, it stops. */
  setLimit(tenantId: string, budget: BudgetSpec): Promise<BudgetState>;
}
