/** How an error that ended a task's work is put on record. */
import type { TaskEnding } from '../adapters/ports.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import { failureOf } from '../contracts/failure-class.ts';

/** The ending of an attempt that a cancel or a failure has ended; its code decides which. */
export function endingOf(errorCode: ErrorCode, error: string): TaskEnding {
  if (errorCode === 'TASK_CANCELLED')
    return { outcome: 'cancelled', reason: 'user', errorCode, error };
  return { outcome: 'failed', ...failureOf(errorCode), errorCode, error };
}
