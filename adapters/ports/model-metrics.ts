/** What happens around model calls, for metrics. Nothing here fails, waits, or knows tenants and tasks. */
import type { Charges, CallOutcome, LimitAnswer, LimitScope, RefuseReason } from './limiter.ts';
import type { ModelCallDecision, TokenUsage } from './models.ts';

/** A model call that has ended, well or badly. */
export interface EndedCall {
  /** The provider's kind, or `scripted`. */
  readonly provider: string;
  readonly model: string;
  /** The account that was asked; `scripted` for scripted models. */
  readonly account: string;
  readonly outcome: CallOutcome['kind'];
  /** From the request to the first piece of the answer; absent when none came. */
  readonly ttftMs?: number;
  readonly durationMs: number;
  /** As the provider reported them; of a failed call what it had reported until then. */
  readonly tokens?: TokenUsage;
  readonly costMicroUsd: number;
}

/** Why another account was asked than the one before it: the limiter's word, the failure's, or that no money was left. */
export type FallbackReason = RefuseReason | ModelCallDecision['kind'] | 'budget';

/** What is told of model calls. Each call has one place that makes it. */
export interface ModelCallMetrics {
  /** Once for each request that was sent, or could not be sent. */
  callEnded(call: EndedCall): void;
  /** Once for each answer of the limiter; `scopes` are those that it was asked about. */
  limitDecided(answer: LimitAnswer, scopes: readonly LimitScope[]): void;
  /** Once for each call that had to wait for limits, when it may go. */
  limitWaited(waitedMs: number): void;
  /** Once for each round trip to the limiter, failed ones too. */
  limiterAsked(durationMs: number): void;
  /** When the limiter is lost and calls go on under a safe share, and when it is back. */
  limiterBecame(state: 'degraded' | 'well'): void;
  /** Once for each answer whose usage is known: what was reserved for it, and what it used. */
  estimateWas(estimate: Charges, actual: Charges): void;
  /** Once for each 429. `predicted`: the limiter knew that the account was at its limit, or paused. */
  rateLimited(how: 'predicted' | 'unforeseen'): void;
  /** When an account is passed over for the next one. */
  fellBack(step: {
    readonly from: string;
    readonly to: string;
    readonly reason: FallbackReason;
  }): void;
  /** After each payment: what is left of the paying tenant's budget; below 0 when it was exceeded. */
  budgetStands(budget: {
    readonly kind: 'day' | 'tenant';
    readonly remainingMicroUsd: number;
  }): void;
  /** After each answer of a subscription that tells it: the share of its window that is used, 0–1. */
  subscriptionStands(reading: {
    readonly account: string;
    readonly window: '5h' | '7d';
    readonly usedShare: number;
  }): void;
}
