/** What an error says of the task that it ended: class of failure, the word for its reason, the ending on record. */
import { errorKinds, type ErrorCode } from './errors.ts';
import type { FailureClass, Outcome } from './task-status.ts';

/** Codes whose class does not follow from their family, and the reasons that have a word of their own. */
const known: Partial<
  Record<ErrorCode, { readonly failureClass: FailureClass; readonly reason: string }>
> = {
  SETUP_FAILED: { failureClass: 'input', reason: 'setup' },
  MERGE_CONFLICT: { failureClass: 'conflict', reason: 'merge' },
  EDITS_REJECTED: { failureClass: 'gate', reason: 'review' },
  PUBLISH_FAILED: { failureClass: 'conflict', reason: 'publish' },
  AGENT_DID_NOTHING: { failureClass: 'agent', reason: 'no_change' },
  COMMAND_FAILED: { failureClass: 'agent', reason: 'exit' },
  AGENT_STUCK: { failureClass: 'agent', reason: 'stuck' },
  ROUNDS_EXCEEDED: { failureClass: 'agent', reason: 'rounds' },
  BUDGET_EXCEEDED: { failureClass: 'agent', reason: 'item_cap' },
  TASK_TIMEOUT: { failureClass: 'agent', reason: 'item_timeout' },
  GATE_FAILED: { failureClass: 'gate', reason: 'gate' },
  BRANCH_CONFLICT: { failureClass: 'conflict', reason: 'foreign_branch' },
  WORKSPACE_FAILED: { failureClass: 'infra', reason: 'workspace' },
  COMMITS_LOST: { failureClass: 'infra', reason: 'commits_lost' },
  WORKER_LOST: { failureClass: 'infra', reason: 'no_result' },
  TASK_POISONED: { failureClass: 'infra', reason: 'poison' },
  REPOSITORY_NOT_FOUND: { failureClass: 'input', reason: 'not_found' },
  SUPERSEDED: { failureClass: 'infra', reason: 'superseded' },
};

/** Answers the class and the reason of a failed task from the code that ended it. */
function failureOf(code: ErrorCode): {
  readonly failureClass: FailureClass;
  readonly reason: string;
} {
  const reason = code.toLowerCase();
  const found = known[code];
  if (found !== undefined) return found;
  switch (errorKinds[code].family) {
    case 'caller':
      return { failureClass: 'input', reason };
    case 'transient':
    case 'internal':
      return { failureClass: 'infra', reason };
    case 'policy':
    case 'upstream':
      return { failureClass: 'agent', reason };
  }
}

/** The ending of an attempt that a cancel or a failure has ended; its code decides which. */
export function endingOf(
  errorCode: ErrorCode,
  error: string,
): {
  readonly outcome: Extract<Outcome, 'failed' | 'cancelled'>;
  readonly failureClass?: FailureClass;
  readonly reason: string;
  readonly errorCode: ErrorCode;
  readonly error: string;
} {
  if (errorCode === 'TASK_CANCELLED')
    return { outcome: 'cancelled', reason: 'user', errorCode, error };
  return { outcome: 'failed', ...failureOf(errorCode), errorCode, error };
}
