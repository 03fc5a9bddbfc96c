/**
 * The limits of all accounts, enforced as a vendor does: a call is checked in every dimension and let in by all or none,
 * a refused call takes nothing. Output is taken once it was produced, so it may leave a debt.
 */
import { remaining, take, waitMs } from './gcra.ts';
import type { Bucket } from './gcra.ts';
import type { Limits, Script } from './script.ts';

/** The dimensions that are buckets. */
export const rateDimensions = ['requests', 'inputTokens', 'outputTokens', 'tokens'] as const;
export type RateDimension = (typeof rateDimensions)[number];
/** Everything that a call can be refused for. */
export type Dimension = RateDimension | 'concurrency';

/** What a call takes when it is let in. */
export type Costs = Readonly<Record<Exclude<RateDimension, 'outputTokens'>, number>>;

/** Why a call was refused. */
export interface Refusal {
  /** Every dimension that did not allow it. */
  readonly dimensions: readonly Dimension[];
  /** The one that takes longest. */
  readonly dimension: Dimension;
  readonly limit: number;
  /** When it would be let in, if nobody else came; a second for concurrency, where nobody knows. */
  readonly retryAfterMs: number;
}

/** One bucket as the headers tell it. */
export interface Gauge {
  readonly limit: number;
  readonly remaining: number;
  readonly untilFullMs: number;
}
export type Gauges = Readonly<Partial<Record<RateDimension, Gauge>>>;

interface Account {
  limits: Limits;
  /** TAT of each bucket; one that nothing was taken from has none. */
  readonly fullAtMs: Map<RateDimension, number>;
  inFlight: number;
}

/** A change of limits at run time; null takes a limit away. */
export type LimitsChange = { readonly [Name in keyof Limits]?: Limits[Name] | null };

/** Accounts by API key, their limits, and what is left of them. The clock is a parameter of every question. */
export class AccountLimits {
  readonly #accounts = new Map<string, Account>();
  #usual: Limits = {};
  #named: Readonly<Record<string, Limits>> = {};

  /** Takes over the limits of a script. What was used stays used. */
  use(script: Pick<Script, 'limits' | 'accounts'>): void {
    this.#usual = script.limits;
    this.#named = script.accounts;
    for (const [key, account] of this.#accounts) account.limits = this.#limitsOf(key);
  }

  /**
   * Changes limits, of one account or of all. A bucket keeps the share that is left in it: half full stays half full,
   * whatever it holds.
   */
  change(change: LimitsChange, key?: string): void {
    if (key === undefined) this.#usual = merge(this.#usual, change);
    const keys = key === undefined ? Object.keys(this.#named) : [key];
    for (const name of keys) {
      this.#named = { ...this.#named, [name]: merge(this.#limitsOf(name), change) };
    }
    for (const [name, account] of this.#accounts) account.limits = this.#limitsOf(name);
  }

  /** Answers why a call may not come in; undefined when it may. Takes nothing. */
  findRefusal(key: string, costs: Costs, nowMs: number): Refusal | undefined {
    const account = this.#account(key);
    const waits: { dimension: Dimension; limit: number; waitMs: number }[] = [];
    for (const [dimension, bucket] of bucketsOf(account)) {
      // Of output nobody knows beforehand how much there will be: one token must be left.
      const cost = dimension === 'outputTokens' ? 1 : costs[dimension];
      const wait = waitMs(bucket, cost, nowMs);
      if (wait > 0) waits.push({ dimension, limit: bucket.rate.perMinute, waitMs: wait });
    }
    const { concurrency } = account.limits;
    if (concurrency !== undefined && account.inFlight >= concurrency) {
      waits.push({ dimension: 'concurrency', limit: concurrency, waitMs: 1_000 });
    }
    const longest = waits.toSorted((one, other) => other.waitMs - one.waitMs)[0];
    if (longest === undefined) return undefined;
    return {
      dimensions: waits.map(({ dimension }) => dimension),
      dimension: longest.dimension,
      limit: longest.limit,
      retryAfterMs: Math.min(longest.waitMs, 60_000),
    };
  }

  /** Lets a call in: takes its costs and counts it as in flight. */
  enter(key: string, costs: Costs, nowMs: number): void {
    const account = this.#account(key);
    for (const [dimension, bucket] of bucketsOf(account)) {
      if (dimension === 'outputTokens') continue;
      account.fullAtMs.set(dimension, take(bucket, costs[dimension], nowMs));
    }
    account.inFlight += 1;
  }

  /** Lets a call out: takes the output that it produced. */
  leave(key: string, outputTokens: number, nowMs: number): void {
    const account = this.#account(key);
    for (const [dimension, bucket] of bucketsOf(account)) {
      if (dimension !== 'outputTokens') continue;
      account.fullAtMs.set(dimension, take(bucket, outputTokens, nowMs));
    }
    account.inFlight -= 1;
  }

  /** The buckets of an account, for headers. */
  gaugesOf(key: string, nowMs: number): Gauges {
    return Object.fromEntries(
      bucketsOf(this.#account(key)).map(([dimension, bucket]) => {
        const gauge: Gauge = {
          limit: bucket.rate.perMinute,
          remaining: remaining(bucket, nowMs),
          untilFullMs: Math.max(0, bucket.fullAtMs - nowMs),
        };
        return [dimension, gauge];
      }),
    );
  }

  /** Limits and state of every account that has called, by API key. */
  list(nowMs: number): { key: string; limits: Limits; gauges: Gauges; inFlight: number }[] {
    return [...this.#accounts].map(([key, { limits, inFlight }]) => ({
      key,
      limits,
      gauges: this.gaugesOf(key, nowMs),
      inFlight,
    }));
  }

  #account(key: string): Account {
    const known = this.#accounts.get(key);
    if (known !== undefined) return known;
    const account: Account = { limits: this.#limitsOf(key), fullAtMs: new Map(), inFlight: 0 };
    this.#accounts.set(key, account);
    return account;
  }

  #limitsOf(key: string): Limits {
    return Object.hasOwn(this.#named, key) ? (this.#named[key] ?? {}) : this.#usual;
  }
}

function bucketsOf({ limits, fullAtMs }: Account): [RateDimension, Bucket][] {
  return rateDimensions.flatMap((dimension) => {
    const rate = limits[dimension];
    return rate === undefined
      ? []
      : [[dimension, { rate, fullAtMs: fullAtMs.get(dimension) ?? 0 }]];
  });
}

function merge(limits: Limits, change: LimitsChange): Limits {
  const merged = Object.entries({ ...limits, ...change }).filter(([, value]) => value !== null);
  return Object.fromEntries(merged);
}
