/**
 * The life of a task: its statuses, the moves between them, and the outcome that an ended item has.
 *
 *   queued ──► running ──► succeeded | failed | cancelled
 *     │  ▲        │ ▲
 *     │  └─retry──┼─┼── failed | cancelled (a retry is a new attempt of the same task)
 *     │           ▼ │
 *     │   awaiting_approval · paused
 *     └──► succeeded (nothing to pay for) | failed | cancelled
 *
 * `succeeded`, `failed` and `cancelled` are final for an attempt; only a retry leaves the last two.
 * No zod here, so that workflows may use the values.
 */

/** Where a task is in its life. */
export const taskStatuses = [
  'queued',
  'running',
  'awaiting_approval',
  'paused',
  'succeeded',
  'failed',
  'cancelled',
] as const;
/** One of the seven statuses. */
export type TaskStatus = (typeof taskStatuses)[number];

/**
 * Why a task that could go on does not. `slot`: others of its batch or tenant work. `retry`: something failed and is tried
 * again. `limit`: a limit of the model's account. `provider`: the provider is overloaded or asks to wait. `window`: a quota
 * of a day or of hours is used up. `budget`: money that others hold, or a budget of the day. `approval`: a person's word.
 */
export const waitReasons = [
  'slot',
  'retry',
  'limit',
  'provider',
  'window',
  'budget',
  'approval',
] as const;
/** One reason. */
export type WaitReason = (typeof waitReasons)[number];

/** Where a batch is in its life: the same words as a task's, less the approval. */
export const batchStatuses = ['queued', 'running', 'succeeded', 'failed', 'cancelled'] as const;
/** One status of a batch. `failed` means: ended, and some item did not succeed. */
export type BatchStatus = (typeof batchStatuses)[number];

const moves: Readonly<Record<TaskStatus, readonly TaskStatus[]>> = {
  queued: ['running', 'succeeded', 'failed', 'cancelled'],
  running: ['awaiting_approval', 'paused', 'succeeded', 'failed', 'cancelled'],
  awaiting_approval: ['running', 'succeeded', 'failed', 'cancelled'],
  paused: ['running', 'failed', 'cancelled'],
  succeeded: [],
  failed: ['queued'],
  cancelled: ['queued'],
};

/** Answers whether a task may go from one status to another. The store asks it for every change. */
export function mayMove(from: TaskStatus, to: TaskStatus): boolean {
  return moves[from].includes(to);
}

/** Lists the statuses from which `to` can be reached in one move; what a guarded UPDATE compares with. */
export function statusesBefore(to: TaskStatus): TaskStatus[] {
  return taskStatuses.filter((from) => mayMove(from, to));
}

/** Answers whether a status ends an attempt. */
export function isFinal(status: TaskStatus): boolean {
  return status === 'succeeded' || status === 'failed' || status === 'cancelled';
}

/** What became of an ended task (a closed set; every ended task has exactly one). */
export const outcomes = [
  'succeeded',
  'failed',
  'skipped_budget',
  'skipped_unchanged',
  'skipped_optout',
  'cancelled',
] as const;
/** One outcome. */
export type Outcome = (typeof outcomes)[number];

/**
 * Why a failed task failed, asked in this order: `input` (hopeless until the caller changes something), `infra`
 * (ours: workspace, worker, store), `conflict` (branch not ours), `gate` (work done, a check or a person says no), `agent`.
 */
export const failureClasses = ['input', 'infra', 'conflict', 'gate', 'agent'] as const;
/** One class of failure. */
export type FailureClass = (typeof failureClasses)[number];

/** The classes that a plain retry of failed items takes up; `input` only when it is named. */
export const retriedByDefault: readonly FailureClass[] = ['infra', 'conflict', 'gate', 'agent'];

/** The status that shows an outcome: skipped work counts as done when nothing was to do, else as cancelled. */
export function statusOfOutcome(outcome: Outcome): 'succeeded' | 'failed' | 'cancelled' {
  switch (outcome) {
    case 'succeeded':
    case 'skipped_unchanged':
      return 'succeeded';
    case 'failed':
      return 'failed';
    case 'skipped_budget':
    case 'skipped_optout':
    case 'cancelled':
      return 'cancelled';
  }
}
