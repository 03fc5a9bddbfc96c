/** How an error that ended a task's work is recorded. */
import {
  ActivityFailure,
  ApplicationFailure,
  isCancellation,
  TemporalFailure,
  TimeoutFailure,
} from '@temporalio/workflow';
import type { EndTaskInput } from '../contracts/activities.ts';
import { isErrorCode } from '../contracts/errors.ts';

/** The ending that an error stands for; undefined for a bug in the workflow, which must not end the task. */
export type Ending = Pick<EndTaskInput, 'status' | 'errorCode' | 'error' | 'summary'>;

/**
 * Turns what an activity threw into an ending: its code and message; a cancel, wherever it came from; a timeout, which
 * means that no worker finished the work. Errors that are not Temporal's are bugs: undefined.
 */
export function endingOf(error: unknown): Ending | undefined {
  if (isCancellation(error))
    return { status: 'cancelled', errorCode: 'TASK_CANCELLED', error: 'cancelled' };
  if (!(error instanceof TemporalFailure)) return undefined;
  const cause = error instanceof ActivityFailure ? error.cause : error;
  if (cause instanceof TimeoutFailure) {
    return {
      status: 'failed',
      errorCode: 'WORKER_LOST',
      error: `no worker finished the step: ${cause.message}`,
    };
  }
  const type = cause instanceof ApplicationFailure ? cause.type : undefined;
  if (type === 'TASK_CANCELLED')
    return { status: 'cancelled', errorCode: type, error: 'cancelled' };
  // Only our own endings carry a text; those of activities are on record already.
  const [summary] = error instanceof ApplicationFailure ? (error.details ?? []) : [];
  return {
    status: 'failed',
    errorCode: isErrorCode(type) ? type : 'INTERNAL',
    error: cause?.message ?? error.message,
    ...(typeof summary === 'string' ? { summary } : {}),
  };
}
