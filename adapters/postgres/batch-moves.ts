/**
 * The moves of a batch's life that touch its items: cancel, retry, and the end of a round.
 * Who calls holds the locks of the open items, then of the batch.
 */
import type { EndBatchInput } from '../../contracts/activities.ts';
import type { Batch } from '../../contracts/batch.schema.ts';
import type { NewEvent } from '../../contracts/event.schema.ts';
import type { BatchStatus } from '../../contracts/task-status.ts';
import { readTotals, updateBatch, type BatchTotals } from './batch-rows.ts';
import { appendBatchEvents } from './event-log.ts';
import { enqueue, wakeBatch } from './outbox.ts';
import type { BatchRow } from './schema.ts';
import { cancelledByUser, endTasks, flagCancel, type SilentEnding } from './task-moves.ts';
import type { HeldTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** An open batch with its open items, all locked. */
export interface HeldBatch {
  readonly batch: BatchRow;
  readonly open: readonly HeldTask[];
}

/** Answers whether a status ends a round of a batch. */
export function hasEnded(status: BatchStatus): boolean {
  return status !== 'queued' && status !== 'running';
}

/**
 * Requests cancel of a batch and all its open items, and ends the items that were never handed out. Answers the ids of
 * the others. Repeating it changes nothing.
 */
export async function cancelItems(
  tx: TenantTransaction,
  { batch, open }: HeldBatch,
  reason: string | undefined,
): Promise<string[]> {
  const waiting = open.filter(neverHandedOut);
  const handedOut = open.filter((task) => !neverHandedOut(task));
  const events: NewEvent[] = [];
  if (batch.cancel_requested_at === null) {
    await updateBatch(tx, batch.id, { cancel_requested_at: tx.at });
    events.push({ type: 'cancel-requested', data: { reason } });
  }
  await flagCancel(
    tx,
    handedOut.filter((task) => task.cancel_requested_at === null),
    reason,
  );
  events.push(...(await endTasks(tx, waiting, { ...cancelledByUser, cancel_requested_at: tx.at })));
  await appendBatchEvents(tx, batch.id, events);
  return handedOut.map((task) => task.id);
}

/** An item that no page has handed to the batch's workflow: nothing works on it. */
export function neverHandedOut(task: HeldTask): boolean {
  return task.status === 'queued' && task.claim === null;
}

/** Ends the round of a batch: what is open is ended, the verdict written. */
export async function endRound(
  tx: TenantTransaction,
  { batch, open }: HeldBatch,
  because: EndBatchInput['because'],
): Promise<void> {
  // A cancel wins, whatever the caller knew.
  const cause = batch.cancel_requested_at === null ? because : 'cancelled';
  const isLost = (task: HeldTask) =>
    cause === 'finished' || (cause === 'failure_budget' && task.status !== 'queued');
  const events = [
    ...(await endTasks(tx, open.filter(isLost), noResult)),
    ...(await endTasks(
      tx,
      open.filter((task) => !isLost(task)),
      cause === 'failure_budget' ? overFailureBudget : cancelledByUser,
    )),
  ];
  const totals = (await readTotals(tx, [batch])).get(batch.id);
  if (totals === undefined) throw new Error(`no totals of batch ${batch.id}`);
  const result = verdictOf(batch, totals);
  await updateBatch(tx, batch.id, { status: statusOfResult(result), result, ended_at: tx.at });
  events.push({
    type: 'batch-ended',
    data: { result, total: batch.total, costMicroUsd: totals.costMicroUsd },
  });
  await appendBatchEvents(tx, batch.id, events);
}

/**
 * Tells the workflow of a batch that items are queued again; a batch that had ended begins a new round. Answers the row
 * as it is afterwards.
 */
export async function announceRetry(
  tx: TenantTransaction,
  batch: BatchRow,
  count: number,
): Promise<BatchRow> {
  const reopened = hasEnded(batch.status)
    ? await updateBatch(tx, batch.id, { ...newRound, round: batch.round + 1 })
    : batch;
  await appendBatchEvents(tx, batch.id, [
    { type: 'items-retried', data: { count, round: reopened.round } },
  ]);
  await enqueue(tx, [wakeBatch(tx.tenantId, reopened, { moreItems: true })]);
  return reopened;
}

const newRound = {
  status: 'queued',
  result: null,
  cancel_requested_at: null,
  started_at: null,
  ended_at: null,
} as const;

/** An item that was handed out, and whose workflow is gone without an ending. */
const noResult = {
  outcome: 'failed',
  failure_class: 'infra',
  reason: 'no_result',
  error_code: 'WORKER_LOST',
  error: 'the item was started and left no result',
} as const satisfies SilentEnding;

const overFailureBudget = {
  outcome: 'cancelled',
  reason: 'failure_budget',
} as const satisfies SilentEnding;

function verdictOf(batch: BatchRow, { counts }: BatchTotals): NonNullable<Batch['result']> {
  const {
    succeeded,
    skipped_unchanged: unchanged,
    skipped_optout: optedOut,
    cancelled,
  } = counts.byOutcome;
  if (succeeded + unchanged + optedOut === batch.total) return 'success';
  if (batch.cancel_requested_at !== null && cancelled > 0) return 'cancelled';
  return succeeded + unchanged === 0 ? 'failed' : 'partial';
}

function statusOfResult(result: NonNullable<Batch['result']>): BatchStatus {
  switch (result) {
    case 'success':
      return 'succeeded';
    case 'cancelled':
      return 'cancelled';
    case 'partial':
    case 'failed':
      return 'failed';
  }
}
