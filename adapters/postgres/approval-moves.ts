/**
 * The moves of an approval's life. An approval is pending until one of these, whichever commits first: a person decides
 * (approved, rejected), its time is over (expired: the default counts), its task ends (withdrawn, in task-moves.ts).
 *
 * Who moves it holds the lock of the task's row, taken before: so the approval, the task's status and the effect of the
 * decision change together, and the order of locks is that of all others: task, then batch.
 */
import { sql } from 'kysely';
import type { OpenApprovalInput } from '../../contracts/activities.ts';
import type { ApprovalDecision, ApprovalKind, ApprovalTerms } from '../../contracts/approval.ts';
import { AppError } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/event.schema.ts';
import { isFinal } from '../../contracts/task-status.ts';
import { appendBatchEvents } from './event-log.ts';
import type { ApprovalRow } from './schema.ts';
import { beginWait, endOfWait } from './journal-entry.ts';
import { changeTasks, lockTask, type TaskColumns } from './task-moves.ts';
import type { HeldTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

const nothing = (): TaskColumns => ({});

/** What a decision changes in the task that asked; of the other kinds the task itself looks what was decided. */
const effects: Readonly<Record<ApprovalKind, (decision: ApprovalDecision) => TaskColumns>> = {
  cost: (decision) =>
    decision === 'approve'
      ? { confirmed_cost_micro_usd: sql<number>`max_cost_micro_usd` }
      : { cost_refused: true },
  quality_gate: nothing,
  edits_review: nothing,
  conflict: nothing,
};

/** Locks the task of a question. @throws TASK_NOT_FOUND */
export async function lockAskingTask(tx: TenantTransaction, taskId: string): Promise<HeldTask> {
  const task = await lockTask(tx, taskId);
  if (task === undefined) throw new AppError('TASK_NOT_FOUND', `no task ${taskId}`);
  return task;
}

/**
 * Asks: the row, and a task that waits. The task is locked and its attempt has not asked this before.
 * @throws SUPERSEDED · TASK_CANCELLED
 */
export async function askQuestion(
  tx: TenantTransaction,
  task: HeldTask,
  {
    input: { question, approvalId, attempt },
    terms,
  }: { readonly input: OpenApprovalInput; readonly terms: ApprovalTerms },
): Promise<ApprovalRow> {
  if (task.attempt !== attempt || isFinal(task.status)) {
    throw new AppError('SUPERSEDED', `attempt ${attempt} of task ${task.id} is over`);
  }
  if (task.cancel_requested_at !== null) {
    throw new AppError('TASK_CANCELLED', `task ${task.id} was cancelled before it could ask`);
  }
  const { kind, key, title, facts } = question;
  const after = (ms: number): Date => new Date(tx.at.getTime() + ms);
  const deadlineAt = after(terms.deadlineMs);
  const row = await tx.db
    .insertInto('approvals')
    .values({
      tenant_id: tx.tenantId,
      id: approvalId,
      task_id: task.id,
      attempt,
      batch_id: task.batch_id,
      kind,
      key,
      title,
      facts: JSON.stringify(facts),
      default_decision: terms.defaultDecision,
      created_at: tx.at,
      deadline_at: deadlineAt,
      reminders: terms.remindersMs.map(after),
    })
    .returningAll()
    .executeTakeFirstOrThrow();
  const told = requested(row);
  await changeTasks(tx, [task], {
    to: 'awaiting_approval',
    set: beginWait({ reason: 'approval', until: deadlineAt, detail: title }, tx.at),
    events: () => [told],
  });
  await tellBatch(tx, row, told);
  return row;
}

/** An approval, and the task that asked, locked. */
export interface HeldApproval {
  readonly row: ApprovalRow;
  readonly task: HeldTask;
}

/** Counts a reminder; undefined when it was counted before, or nothing is pending any more. */
export async function countReminder(
  tx: TenantTransaction,
  { row: { id }, task }: HeldApproval,
  reminder: number,
): Promise<ApprovalRow | undefined> {
  const row = await tx.db
    .updateTable('approvals')
    .set({ reminded: reminder })
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .where('reminded', '<', reminder)
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const told = reminded(row);
  await changeTasks(tx, [task], { set: {}, events: () => [told] });
  await tellBatch(tx, row, told);
  return row;
}

/** How an approval stops to be pending. Without a key nobody decided, and the default counts. */
export interface Settlement {
  readonly decision: ApprovalDecision;
  readonly keyId?: string;
  readonly reason?: string | undefined;
}

/** Settles a pending approval with the effect of its decision; undefined when it is pending no more. */
export async function settleApproval(
  tx: TenantTransaction,
  { row: { id }, task }: HeldApproval,
  { decision, keyId, reason }: Settlement,
): Promise<ApprovalRow | undefined> {
  const decided = decision === 'approve' ? 'approved' : 'rejected';
  const row = await tx.db
    .updateTable('approvals')
    .set({
      status: keyId === undefined ? 'expired' : decided,
      decided_at: tx.at,
      decided_by: keyId ?? null,
      reason: reason ?? null,
    })
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', id)
    .where('status', '=', 'pending')
    .returningAll()
    .executeTakeFirst();
  if (row === undefined) return undefined;
  const told: NewEvent = {
    type: 'approval-decided',
    data: { ...named(row), decision, expired: keyId === undefined, reason },
  };
  await changeTasks(tx, [task], {
    to: 'running',
    set: {
      activity: null,
      ...endOfWait(tx.at),
      ...effects[row.kind](decision),
    },
    events: () => [told],
  });
  await tellBatch(tx, row, told);
  return row;
}

async function tellBatch(tx: TenantTransaction, row: ApprovalRow, event: NewEvent): Promise<void> {
  if (row.batch_id !== null) await appendBatchEvents(tx, row.batch_id, [event]);
}

function named(row: ApprovalRow): { approvalId: string; taskId: string } {
  return { approvalId: row.id, taskId: row.task_id };
}

function requested(row: ApprovalRow): NewEvent {
  const { kind, title, default_decision: defaultDecision } = row;
  const deadlineAt = row.deadline_at.toISOString();
  return {
    type: 'approval-requested',
    data: { ...named(row), kind, title, defaultDecision, deadlineAt },
  };
}

function reminded(row: ApprovalRow): NewEvent {
  const deadlineAt = row.deadline_at.toISOString();
  return { type: 'approval-reminded', data: { ...named(row), title: row.title, deadlineAt } };
}
