/** From whatever went wrong with a call to a decided failure, the same for clients' calls and for forwarded ones. */
import type { ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Clock } from '../ports.ts';
import { findErrorFacts, nameOf, type ErrorFacts } from './error-facts.ts';
import { readLimitHeaders, type AnswerHeaders } from './limit-headers.ts';
import { describeFailure, ModelCallError } from './model-call-error.ts';
import { decideOnError } from './provider-errors.ts';
import { tokensOf, type UsageMeter } from './usage-meter.ts';

/** What a model is watched with. */
export interface Watch {
  readonly account: ProviderAccount;
  /** Credentials that may stand in an error's text. */
  readonly sentCredentials: ReadonlySet<string>;
  readonly clock: Clock;
}

/** What belongs to one call. */
export interface WatchedCall extends Watch {
  readonly meter: UsageMeter;
  readonly signal: AbortSignal | undefined;
  headers: AnswerHeaders;
}

/** The answer ended and is of no use. */
export class Unusable extends Error {
  readonly facts: ErrorFacts;

  constructor(facts: ErrorFacts) {
    super(facts.message);
    this.facts = facts;
  }
}

/** The failure that an error is: the signal's reason after a cancel, a decided one after the provider's. */
export function toFailure(error: unknown, call: WatchedCall): unknown {
  const { signal } = call;
  const timedOut = signal?.aborted === true && nameOf(signal.reason) === 'TimeoutError';
  if (signal?.aborted === true && !timedOut) return signal.reason;
  if (error instanceof AppError) return error;
  if (error instanceof Unusable && !timedOut) return toModelCallError(error.facts, call);
  const facts = findErrorFacts(timedOut ? signal.reason : error);
  return facts === undefined ? error : toModelCallError(facts, call);
}

function toModelCallError(facts: ErrorFacts, call: WatchedCall): ModelCallError {
  const { meter } = call;
  // Inside a stream the meter has read the event already.
  if (!facts.isInStream) meter.read(facts.body);
  const usage = meter.soFar();
  const nowMs = call.clock.now();
  const headers = { ...call.headers, ...facts.headers };
  const decision = decideOnError({ ...facts, headers }, nowMs);
  return new ModelCallError(describeFailure(decision, facts.message, call), {
    decision,
    usageSoFar: usage === undefined ? undefined : tokensOf(usage),
    limits: readLimitHeaders(headers, nowMs),
    nowMs,
  });
}
