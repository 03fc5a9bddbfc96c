/**
 * The moves of a task's life, one at a time or for many items of a batch: the only place where `status` is written.
 * Who calls holds the rows' locks (`lockTask`, `lockItems`), so that numbers read from them stay true.
 */
import { sql, type UpdateObject } from 'kysely';
import type { NewEvent } from '../../contracts/event.schema.ts';
import {
  isFinal,
  statusesBefore,
  statusOfOutcome,
  type Outcome,
  type TaskStatus,
} from '../../contracts/task-status.ts';
import { insertOfEvents, placeEvents } from './event-log.ts';
import type { Tables, TaskRow } from './schema.ts';
import { heldColumns, toItemEnded, toTaskEnded, type HeldTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** The statuses of an attempt that has not ended. */
export const openStatuses = [
  'queued',
  'running',
  'awaiting_approval',
  'paused',
] as const satisfies readonly TaskStatus[];

/** New values of columns of `tasks`. Status and the counter of events are not among them. */
export type TaskColumns = Omit<UpdateObject<Tables, 'tasks'>, 'status' | 'event_seq'>;

/** Locks a task's row and reads it; undefined when the tenant has no such task. */
export async function lockTask(
  tx: TenantTransaction,
  taskId: string,
): Promise<HeldTask | undefined> {
  return tx.db
    .selectFrom('tasks')
    .select(heldColumns)
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', taskId)
    .forNoKeyUpdate()
    .executeTakeFirst();
}

/** Locks items of a batch, always in the order of their index, so that two who lock many never wait for each other. */
export function lockItems(tx: TenantTransaction, batchId: string) {
  return tx.db
    .selectFrom('tasks')
    .select(heldColumns)
    .where('tenant_id', '=', tx.tenantId)
    .where('batch_id', '=', batchId)
    .orderBy('item_index')
    .forNoKeyUpdate();
}

/** One change of tasks. */
export interface TaskChange {
  /** The status that they move to, which theirs must be able to lead to. Absent: they stay where they are. */
  readonly to?: TaskStatus;
  readonly set: TaskColumns;
  /** What is told in the stream of each; as many events for each. */
  readonly events: (task: HeldTask) => readonly NewEvent[];
}

/**
 * Changes rows that are locked and appends events to their streams, in one statement. Tasks that end take back what they
 * asked people, in a second one.
 */
export async function changeTasks(
  tx: TenantTransaction,
  tasks: readonly HeldTask[],
  { to, set, events }: TaskChange,
): Promise<void> {
  const placed = tasks.flatMap((task) => placeEvents(task.id, task.event_seq, events(task)));
  const eventsEach = placed.length / tasks.length;
  const update = tx.db
    .updateTable('tasks')
    .set(set)
    .set((eb) => ({ event_seq: eb('event_seq', '+', eventsEach) }))
    .$if(to !== undefined, (query) => query.set({ status: to }))
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', anyOf(tasks.map((task) => task.id)))
    .$if(to !== undefined, (query) =>
      query.where('status', '=', anyOf(statusesBefore(to ?? 'queued'))),
    )
    .returning('id');
  const asking =
    to !== undefined && isFinal(to)
      ? tasks.filter((task) => task.status === 'awaiting_approval')
      : [];
  if (asking.length > 0) await withdrawApprovals(tx, asking);
  const { changed } = await tx.db
    .with('changed', () => update)
    .with('told', () => sql<{ seq: number }>`(${insertOfEvents(tx, placed)})`)
    .selectFrom('changed')
    .select((eb) => eb.fn.countAll<number>().as('changed'))
    .executeTakeFirstOrThrow();
  if (changed !== tasks.length) {
    throw new Error(`${tasks.length - changed} tasks may not become ${to ?? 'changed'}`);
  }
}

/** Takes back the pending questions of locked tasks: nobody can decide them any more. */
async function withdrawApprovals(tx: TenantTransaction, tasks: readonly HeldTask[]): Promise<void> {
  await tx.db
    .updateTable('approvals')
    .set({ status: 'withdrawn', decided_at: tx.at })
    .where('tenant_id', '=', tx.tenantId)
    .where('task_id', '=', anyOf(tasks.map((task) => task.id)))
    .where('status', '=', sql.lit('pending'))
    .execute();
}

/** `= any(…)`: one statement text for any number of values, unlike `in (…)`. */
export function anyOf<T extends string>(values: readonly T[]) {
  return sql<T>`any(${values})`;
}

/** How tasks end that nobody works on. */
export interface SilentEnding extends Partial<
  Pick<TaskRow, 'failure_class' | 'error_code' | 'error' | 'cancel_requested_at'>
> {
  readonly outcome: Outcome;
  readonly reason: string;
}

/**
 * Ends tasks that nobody works on, with `task-ended` in each stream, after `toldBefore`. Answers `item-ended` for the
 * batch's stream.
 */
export async function endTasks(
  tx: TenantTransaction,
  tasks: readonly HeldTask[],
  { toldBefore = [], ...ending }: SilentEnding & { readonly toldBefore?: readonly NewEvent[] },
): Promise<NewEvent[]> {
  if (tasks.length === 0) return [];
  const to = statusOfOutcome(ending.outcome);
  const columns = { ...ending, ended_at: tx.at };
  const endOf = (task: HeldTask): HeldTask => ({ ...task, ...columns, status: to });
  await changeTasks(tx, tasks, {
    to,
    set: { ...atRest, ...columns },
    events: (task) => [...toldBefore, taskEnded(endOf(task))],
  });
  return tasks.map((task) => itemEnded(endOf(task)));
}

/** The event of an ended task in its own stream. */
export function taskEnded(row: HeldTask): NewEvent {
  return { type: 'task-ended', data: toTaskEnded(row) };
}

/** The event of an ended item in its batch's stream. */
export function itemEnded(row: HeldTask): NewEvent {
  return { type: 'item-ended', data: toItemEnded(row) };
}

/** What a task has no more when nobody works on it. */
export const atRest = {
  activity: null,
  waiting_reason: null,
  waiting_until: null,
  waiting_detail: null,
  waiting_since: null,
} as const;

/** Ending of a task that a person cancelled. */
export const cancelledByUser = {
  outcome: 'cancelled',
  reason: 'user',
  error_code: 'TASK_CANCELLED',
} as const satisfies SilentEnding;

/** The event of a cancel that was asked for. */
export function cancelRequested(reason: string | undefined): NewEvent {
  return { type: 'cancel-requested', data: { reason } };
}

/** Asks tasks that are worked on to stop: the flag, and `cancel-requested` in each stream. */
export async function flagCancel(
  tx: TenantTransaction,
  tasks: readonly HeldTask[],
  reason: string | undefined,
): Promise<void> {
  if (tasks.length === 0) return;
  await changeTasks(tx, tasks, {
    set: { cancel_requested_at: tx.at },
    events: () => [cancelRequested(reason)],
  });
}

/** Begins a new attempt of ended tasks: queued again, with nothing of the last attempt but its commits. */
export async function requeueTasks(
  tx: TenantTransaction,
  tasks: readonly HeldTask[],
): Promise<void> {
  await changeTasks(tx, tasks, {
    to: 'queued',
    set: {
      ...atRest,
      attempt: sql<number>`attempt + 1`,
      claim: null,
      worker: null,
      cancel_requested_at: null,
      steps: 0,
      message_seq: 0,
      attempt_cost_micro_usd: 0,
      cost_refused: false,
      waited_ms: 0,
      started_at: null,
      outcome: null,
      failure_class: null,
      reason: null,
      error_code: null,
      error: null,
      summary: null,
      changed: null,
      ended_at: null,
    },
    events: (task) => [{ type: 'task-queued', data: { attempt: task.attempt + 1 } }],
  });
}
