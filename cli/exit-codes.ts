/** The exit codes of the command line. They are stable: scripts decide on them. */
import { codeOf, errorKinds } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { BatchCounts } from '../contracts/batch.schema.ts';
import type { Task } from '../contracts/task.schema.ts';
import type { Outcome } from '../contracts/task-status.ts';

/** Each code by its meaning. */
export const exitCodes = {
  ok: 0,
  failed: 1,
  usage: 2,
  /** The task ended failed or cancelled, or some item of the batch did. */
  workFailed: 3,
  auth: 4,
  notFound: 5,
  conflict: 6,
  /** A limit or budget ended the task, or all items that failed; or some were skipped for money. */
  limit: 7,
  /** Still running when the wait ended. */
  stillRunning: 8,
  unreachable: 69,
  /** Ctrl-C: detached, the work goes on. */
  interrupted: 130,
} as const;

/** Meaning of each code, for the documents. */
export const exitCodeMeanings: Readonly<Record<keyof typeof exitCodes, string>> = {
  ok: 'Done; every item succeeded, was unchanged or opted out.',
  failed: 'Failed.',
  usage: 'The command line, a file or the request is not right.',
  workFailed: 'The task or some item ended failed or cancelled.',
  auth: 'The API key is missing, unknown or not allowed to.',
  notFound: 'No such task, batch, context, repository or ref.',
  conflict: 'The state does not allow it.',
  limit: 'A limit or budget: nothing failed for another reason.',
  stillRunning: 'Still running when the wait ended.',
  unreachable: 'The server, or a store behind it, does not answer.',
  interrupted: 'Interrupted: detached, the work goes on.',
};

/** The exit code of an error. A word that ends in NOT_FOUND is 5, whatever its HTTP status. */
export function exitCodeOf(error: unknown): number {
  const code = codeOf(error);
  return code === undefined ? exitCodes.failed : exitCodeOfWord(code);
}

function exitCodeOfWord(code: ErrorCode): number {
  if (unavailable.includes(code)) return exitCodes.unreachable;
  if (code === 'BUDGET_EXCEEDED' || code === 'MODEL_RATE_LIMITED') return exitCodes.limit;
  if (code.endsWith('_NOT_FOUND')) return exitCodes.notFound;
  return byHttpStatus[errorKinds[code].http] ?? exitCodes.failed;
}

/** The server, or a store that it cannot do without, does not answer. */
const unavailable: readonly ErrorCode[] = [
  'SERVER_UNREACHABLE',
  'STORE_UNAVAILABLE',
  'LIMITER_UNAVAILABLE',
  'ENGINE_UNAVAILABLE',
];

const byHttpStatus: Readonly<Record<number, number>> = {
  400: exitCodes.usage,
  401: exitCodes.auth,
  403: exitCodes.auth,
  409: exitCodes.conflict,
  413: exitCodes.usage,
  422: exitCodes.usage,
};

/** The exit code of an ended task: one that its budget ended is told apart from work that failed. */
export function exitCodeOfTask(task: Pick<Task, 'outcome' | 'errorCode'>): number {
  switch (task.outcome) {
    case 'succeeded':
    case 'skipped_unchanged':
    case 'skipped_optout':
      return exitCodes.ok;
    case 'skipped_budget':
      return exitCodes.limit;
    case 'failed':
      return task.errorCode === 'BUDGET_EXCEEDED' ? exitCodes.limit : exitCodes.workFailed;
    case 'cancelled':
    case undefined:
      return exitCodes.workFailed;
  }
}

/**
 * The exit code of an ended batch: failed or cancelled items win over skipped ones. `allByBudget` says that all items that
 * failed were ended by a budget.
 */
export function exitCodeOfCounts(
  counts: Pick<BatchCounts, 'byOutcome'>,
  { allByBudget }: { readonly allByBudget: boolean },
): number {
  const has = (outcome: Outcome): boolean => counts.byOutcome[outcome] > 0;
  if (has('cancelled') || (has('failed') && !allByBudget)) return exitCodes.workFailed;
  return has('failed') || has('skipped_budget') ? exitCodes.limit : exitCodes.ok;
}
