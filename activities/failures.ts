/** AppError → ApplicationFailure: the only file that knows both. */
import { ApplicationFailure, CancelledFailure, Context } from '@temporalio/activity';
import { ApplicationFailureCategory } from '@temporalio/common';
import {
  AppError,
  codeOf,
  errorKinds,
  type ErrorCode,
  nonRetryableCodes,
} from '../contracts/errors.ts';

/** Attempts that a defect, or a workspace that cannot be made, gets before it is final. Outages of stores have no limit. */
const maxAttempts: Partial<Record<ErrorCode, number>> = { INTERNAL: 5, WORKSPACE_FAILED: 5 };

/**
 * Turns an error into the failure Temporal understands: the code becomes its `type`, a wish to wait becomes
 * `nextRetryDelay`. Unknown errors are INTERNAL. Cancellation stays cancellation.
 * @param attempt Temporal's attempt of the activity
 */
export function toActivityFailure(error: unknown, attempt: number): Error {
  if (error instanceof CancelledFailure || error instanceof ApplicationFailure) return error;
  const code = codeOf(error) ?? 'INTERNAL';
  const cause = error instanceof Error ? error : new Error(String(error));
  const retryAfterMs = error instanceof AppError ? error.retryAfterMs : undefined;
  return ApplicationFailure.create({
    type: code,
    message: cause.message,
    cause,
    nonRetryable: nonRetryableCodes.includes(code) || attempt >= (maxAttempts[code] ?? Infinity),
    // To Temporal a delay of zero means never: the activity would fail for good (RETRY_STATE_TIMEOUT, server 1.31).
    ...(retryAfterMs === undefined ? {} : { nextRetryDelay: Math.max(1, retryAfterMs) }),
    // Waits and outages are no defects of the activity: they are logged low and not counted as failures.
    ...(errorKinds[code].family === 'transient'
      ? { category: ApplicationFailureCategory.BENIGN }
      : {}),
  });
}

/** Answers whether an error ends the task now: no retry of the activity can mend it. */
export function isFinalError(error: unknown, attempt: number): ErrorCode | undefined {
  if (error instanceof CancelledFailure) return undefined;
  const code = codeOf(error) ?? 'INTERNAL';
  // A superseded attempt has nothing to record: the one that took over does.
  if (code === 'SUPERSEDED') return undefined;
  const spent = attempt >= (maxAttempts[code] ?? Infinity);
  return nonRetryableCodes.includes(code) || spent ? code : undefined;
}

/** Gives a short activity the one translation of errors. */
export function translated<I, O>(run: (input: I) => Promise<O>): (input: I) => Promise<O> {
  return async (input) => {
    try {
      return await run(input);
    } catch (error) {
      throw toActivityFailure(error, Context.current().info.attempt);
    }
  };
}
