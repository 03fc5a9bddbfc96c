/**
 * The limits of a provider account, as activities see them: `reserve` before a call, `settle` after it.
 *
 * A reservation is charged in every dimension of every scope at once, or in none. Its id names the activity, never the
 * attempt: all attempts share it. Dimensions are data, so that a provider's rules are configuration.
 */
import type { ChargeRule } from '../../config/providers-config.ts';

/** What one call costs under every rule: whole numbers, not below 0. Estimated for `reserve`, real for `settle`. */
export type Charges = Readonly<Record<ChargeRule, number>>;

/** A bucket that refills evenly: over any time of w ms it admits at most `burst + w × limit ÷ perMs`. */
export interface RateDimension {
  readonly kind: 'rate';
  /** Lower-case words; unique in its scope. */
  readonly name: string;
  readonly charge: ChargeRule;
  /** Units that come back in `perMs`; above 0. */
  readonly limit: number;
  readonly perMs: number;
  /** Units that may be taken at once; a call that costs more can never pass. */
  readonly burst: number;
}

/** A sum that starts again at 0 when its window ends: tokens a day, or five hours of a subscription. */
export interface WindowDimension {
  readonly kind: 'window';
  readonly name: string;
  readonly charge: ChargeRule;
  /** Units of one window; above 0. */
  readonly limit: number;
  /** `day` ends at midnight of `timeZone`; a number of ms (at most 7 days) begins with the first call after the last end. */
  readonly period: 'day' | number;
  /** IANA name; used by `day` only. */
  readonly timeZone: string;
  /**
   * What PostgreSQL knows was used or reserved since a moment (ms since 1970). Asked when Redis does not know the scope,
   * so that a lost Redis does not open the window anew.
   */
  readonly usedSince: (sinceMs: number) => Promise<number>;
}

/** One limit. */
export type MeteredDimension = RateDimension | WindowDimension;

/** The limits of one scope: the account, a model of it, or a tenant. Its name is `account`, `model:<id>` or `tenant:<id>`. */
export interface LimitScope {
  readonly name: string;
  readonly dimensions: readonly MeteredDimension[];
  /** Calls at once, held as leases. Absent: not bounded. */
  readonly maxConcurrent?: number;
  /**
   * Whether the scope is a tenant's share of the account: then it binds only while the other scopes have used more than
   * a fifth of their burst. Below that the tenant may use what others leave. It begins full.
   */
  readonly share?: boolean;
}

/**
 * Who goes first: `interactive` waits in no line, `normal` stands in line, `batch` stands behind it and leaves the last
 * 30 % of every burst to the others.
 */
export type LimitPriority = 'interactive' | 'normal' | 'batch';

/** What `reserve` is asked. */
export interface LimitRequest {
  /** The credential whose limits count; only letters, digits and `._-`. */
  readonly account: string;
  readonly model: string;
  /** Of the activity, the same for all its attempts. */
  readonly id: string;
  /** At most 8. Limits are checked once for each array, so keep it as long as the configuration holds. */
  readonly scopes: readonly LimitScope[];
  readonly estimate: Charges;
  readonly priority: LimitPriority;
  /** The longest wait for which a place in the line is wanted; beyond it the answer is `refuse`. 0: no line. */
  readonly horizonMs: number;
}

/** Why a call may not go, and where no place in a line was given. */
export type RefuseReason = 'limit' | 'window' | 'concurrency' | 'paused' | 'breaker';

/** The answer of `reserve`. Times are those of Redis; waits are durations, so that no clocks are compared. */
export type LimitAnswer =
  | {
      readonly kind: 'go';
      /** To be repeated by `settle`: it names this charge among all of the id. */
      readonly grant: number;
      readonly redisTimeUs: number;
    }
  | {
      /** A place in the line: ask again with the same id after `waitMs`. Nothing is charged yet. */
      readonly kind: 'slot';
      readonly waitMs: number;
      readonly scope: string;
      readonly dimension: string;
      readonly redisTimeUs: number;
    }
  | {
      readonly kind: 'refuse';
      readonly reason: RefuseReason;
      /** When asking again makes sense; for `concurrency` a guess, as a release is an event. */
      readonly waitMs: number;
      readonly scope: string | undefined;
      readonly dimension: string | undefined;
      readonly redisTimeUs: number;
    };

/**
 * How a call ended. `success`: charged as it really was, also above the estimate. `rate_limited` (429): the request
 * stays charged, the rest is given back; rates count as used up, and the model pauses and slows down for the whole fleet. `overloaded` (529, 503)
 * and `failed` (other 5xx before the first byte): as before, and the breaker counts them. `rejected` (400, too long,
 * refused content): as before, nobody's fault. `not_sent`: all is given back. `unknown` (time-out, cut, cancelled):
 * everything stays charged, as it may have been spent. So does what `keepsCharges`: the provider told of its trouble when
 * the answer had begun.
 */
export type CallOutcome =
  | { readonly kind: 'success'; readonly actual: Charges }
  | {
      readonly kind: 'rate_limited';
      readonly retryAfterMs?: number;
      readonly keepsCharges?: boolean;
    }
  | { readonly kind: 'overloaded' | 'failed'; readonly keepsCharges?: boolean }
  | { readonly kind: 'rejected' | 'not_sent' | 'unknown' };

/** Names a reservation again. `scopes` must be those of `reserve`. */
export type HeldReservation = Pick<LimitRequest, 'account' | 'model' | 'id' | 'scopes'> & {
  readonly grant: number;
};

/** What a provider's headers tell of one dimension of one scope. */
export interface DimensionReading {
  readonly scope: LimitScope;
  readonly dimension: string;
  readonly remaining: number;
  /** When the window ends, ms from now; for windows that are counted in ms. */
  readonly resetInMs?: number;
}

/** Where a scope stands, for metrics and the dashboard. */
export interface ScopeState {
  readonly name: string;
  readonly concurrent: number;
  readonly dimensions: readonly {
    readonly name: string;
    /** Units that may be taken now; below 0 is debt. Undefined while Redis does not know the scope. */
    readonly remaining: number | undefined;
    /** How far the line reaches, in ms; 0 for windows. */
    readonly lineMs: number;
  }[];
}

/** Where a model of an account stands. */
export interface LimitState {
  readonly scopes: readonly ScopeState[];
  readonly pausedForMs: number;
  /** Share of the configured rates in force, 0.1–1: below 1 after 429s. */
  readonly speed: number;
  readonly breaker: 'closed' | 'open' | 'half_open';
}

/**
 * Limits that hold over all processes. Every method throws LIMITER_UNAVAILABLE when Redis is gone or takes more than
 * 100 ms; what it did then is not known, and every method may be repeated.
 */
export interface RateLimiter {
  /**
   * Takes what the estimate costs, or says when. A repeated call with the id of a `go` gets the same grant and charges
   * nothing, until it is settled or four leases have passed without `extend`. An attempt that cannot know whether its
   * predecessor sent the call settles it as `unknown` first; then it pays for its own.
   * Throws LIMIT_UNREACHABLE when a cost is above the whole burst or window, LIMIT_INVALID when a limit is not one.
   */
  reserve(request: LimitRequest): Promise<LimitAnswer>;
  /** Ends a reservation. False when it had ended, or the grant is another one's: then nothing changed. */
  settle(held: HeldReservation, outcome: CallOutcome): Promise<boolean>;
  /** Renews leases and record; called with every heartbeat. False when the reservation is gone. */
  extend(held: HeldReservation): Promise<boolean>;
  /** Takes over what the provider says is left, where that is less than what is known. Never gives back. */
  sync(account: string, reading: DimensionReading): Promise<void>;
  /** Holds all calls of a model back; never shortens an earlier pause. */
  pause(account: string, model: string, forMs: number): Promise<void>;
  /** Looks, and changes nothing. */
  peek(account: string, model: string, scopes: readonly LimitScope[]): Promise<LimitState>;
}

/** Who is at work, so that each knows its part of a limit while Redis is away. */
export interface LiveWorkers {
  /** Tells that this worker lives, and answers how many do, itself included. Throws LIMITER_UNAVAILABLE. */
  beat(): Promise<number>;
  /** The last answer of `beat`; 1 before the first. */
  count(): number;
}
