/**
 * The journal of a task: what its activities read and write. Each method is one transaction.
 *
 * Two attempts of an activity may overlap, so each begins by taking a new fence, a number in the task's row; whoever
 * writes locks the row first and must show the number that stands there. An attempt ends once: whoever comes later is
 * told the first result.
 */
import { sql } from 'kysely';
import type { PublishedWork, TaskRef } from '../../contracts/activities.ts';
import { AppError } from '../../contracts/errors.ts';
import { isFinal, statusOfOutcome } from '../../contracts/task-status.ts';
import type { Fence, TaskEnding, TaskJournal } from '../ports.ts';
import { appendBatchEvents } from './event-log.ts';
import { findRecorded, writeEntry } from './journal-entry.ts';
import { giveUpPurchases } from './ledger.ts';
import {
  anyOf,
  atRest,
  changeTasks,
  itemEnded,
  lockTask,
  openStatuses,
  taskEnded,
} from './task-moves.ts';
import { chainTo, listMadeCommits } from './made-commits.ts';
import { findWholePatch } from './patches.ts';
import { toItem, toStepEntry, toTaskRecord, toTaskResult, type HeldTask } from './task-rows.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** The task journal of a database. */
export function createTaskJournal(database: Database): TaskJournal {
  return {
    begin: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const row = (await takeFence(tx, ref)) ?? (await readTask(tx, ref));
        const { batch_parallel: parallel, batch_max_cost: maxCostMicroUsd, ...task } = row;
        return {
          task: toTaskRecord(tx.tenantId, task, { parallel, maxCostMicroUsd }),
          fence: { ref, number: row.fence },
        };
      }),

    markRunning: (fence, worker) =>
      database.inTenant(fence.ref.tenantId, async (tx) => {
        const task = await lockAttempt(tx, fence.ref);
        if (task.cancel_requested_at !== null || task.outcome === 'cancelled') {
          throw new AppError(
            'TASK_CANCELLED',
            `task ${task.id} was cancelled before its work began`,
          );
        }
        assertFence(task, fence);
        const startedAt = task.started_at ?? tx.at;
        if (task.status === 'running') return startedAt;
        await Promise.all([
          changeTasks(tx, [task], {
            to: 'running',
            set: { ...atRest, worker, started_at: startedAt },
            events: () => [{ type: 'task-started', data: { attempt: task.attempt, worker } }],
          }),
          task.batch_id !== null &&
            appendBatchEvents(tx, task.batch_id, [{ type: 'item-started', data: toItem(task) }]),
        ]);
        return startedAt;
      }),

    record: (fence, entry) =>
      database.inTenant(fence.ref.tenantId, async (tx) => {
        const [task, recorded] = await Promise.all([
          lockAttempt(tx, fence.ref),
          findRecorded(tx, fence.ref, entry),
        ]);
        assertFence(task, fence);
        const { set, events, written } = writeEntry(tx, task, { entry, recorded });
        const [{ movement }] = await Promise.all([
          written,
          changeTasks(tx, [task], { set, events: () => events }),
        ]);
        return movement?.budgets ?? [];
      }),

    finish: (fence, ending, entry = {}) =>
      database.inTenant(fence.ref.tenantId, async (tx) => {
        const [task, recorded] = await Promise.all([
          lockAttempt(tx, fence.ref),
          findRecorded(tx, fence.ref, entry),
        ]);
        const first = toTaskResult(task);
        if (first !== undefined) return first;
        assertFence(task, fence);
        const { task: worked, set, events, written } = writeEntry(tx, task, { entry, recorded });
        // A command buys nothing.
        if (task.agent !== 'command') await giveUpPurchases(tx, task.id);
        const settled = task.cancel_requested_at === null ? ending : cancelled(ending);
        const end = { ...endColumns(settled, worked), ended_at: tx.at };
        const to = statusOfOutcome(settled.outcome);
        const ended = { ...worked, ...end, status: to };
        await Promise.all([
          written,
          changeTasks(tx, [task], {
            to,
            set: { ...set, ...atRest, ...end, ...detailColumns(settled) },
            events: () => [...events, taskEnded(ended)],
          }),
          ended.batch_id !== null && appendBatchEvents(tx, ended.batch_id, [itemEnded(ended)]),
        ]);
        const result = toTaskResult(ended);
        if (result === undefined) throw new Error(`task ${task.id} did not end`);
        return result;
      }),

    findStep: (ref, effectId) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const row = await tx.db
          .selectFrom('steps')
          .selectAll()
          .where('tenant_id', '=', tx.tenantId)
          .where('task_id', '=', ref.taskId)
          .where('attempt', '=', ref.attempt)
          .where('effect_id', '=', effectId)
          .executeTakeFirst();
        return row && toStepEntry(row);
      }),

    listMessages: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        return tx.db
          .selectFrom('messages')
          .select(['key', 'message'])
          .where('tenant_id', '=', tx.tenantId)
          .where('task_id', '=', ref.taskId)
          .where('attempt', '=', ref.attempt)
          .orderBy('seq')
          .execute();
      }),

    readFacts: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const [task, gates] = await Promise.all([
          readTask(tx, ref),
          tx.db
            .selectFrom('steps')
            .select('summary')
            .where('tenant_id', '=', tx.tenantId)
            .where('task_id', '=', ref.taskId)
            .where('attempt', '=', ref.attempt)
            .where('kind', 'in', ['gate', 'checks'])
            .where('status', '=', 'succeeded')
            .orderBy('seq')
            .execute(),
        ]);
        return {
          costMicroUsd: task.attempt_cost_micro_usd,
          passedGates: [...new Set(gates.map(({ summary }) => summary))],
          summary: task.summary ?? undefined,
        };
      }),

    findCommits: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const task = await readTask(tx, ref);
        const made = await listMadeCommits(tx, ref.taskId);
        return chainTo(task.head_commit, made);
      }),

    findPatch: (ref, patchSha256) =>
      database.inTenant(ref.tenantId, (tx) => findWholePatch(tx, patchSha256)),

    recordRebuilt: (ref, host) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const task = await lockAttempt(tx, ref);
        await changeTasks(tx, [task], { set: { worker: host }, events: () => [] });
      }),

    recordPublished: (ref, published) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const task = await lockAttempt(tx, ref);
        const { branch, commit, pullRequestUrl = null } = published;
        const told = await tx.db
          .selectFrom('events')
          .select('data')
          .where('tenant_id', '=', tx.tenantId)
          .where('stream_id', '=', ref.taskId)
          .where('type', '=', 'branch-delivered')
          .execute();
        const isKnown = told
          .map(({ data }) => data as unknown as PublishedWork)
          .some(
            (one) =>
              one.branch === branch &&
              one.commit === commit &&
              (pullRequestUrl === null || one.pullRequestUrl === pullRequestUrl),
          );
        await changeTasks(tx, [task], {
          set: {
            published_commit: commit,
            ...(pullRequestUrl === null ? {} : { pull_request_url: pullRequestUrl }),
          },
          events: () => (isKnown ? [] : [{ type: 'branch-delivered', data: published }]),
        });
      }),

    // An attempt that is over is to stop as much as one that a person cancelled.
    isCancelRequested: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const row = await tx.db
          .selectFrom('tasks')
          .select(['attempt', 'status', 'cancel_requested_at'])
          .where('tenant_id', '=', tx.tenantId)
          .where('id', '=', ref.taskId)
          .executeTakeFirst();
        return (
          row?.attempt !== ref.attempt || row.cancel_requested_at !== null || isFinal(row.status)
        );
      }),
  };
}

/** Raises the fence of an attempt that has not ended. */
async function takeFence(tx: TenantTransaction, ref: TaskRef) {
  return tx.db
    .updateTable('tasks')
    .set((eb) => ({ fence: eb('fence', '+', 1) }))
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', ref.taskId)
    .where('attempt', '=', ref.attempt)
    .where('status', '=', anyOf(openStatuses))
    .returningAll()
    .returning(batchColumns)
    .executeTakeFirst();
}

/** Reads an attempt that has ended. @throws TASK_NOT_FOUND · SUPERSEDED */
async function readTask(tx: TenantTransaction, ref: TaskRef) {
  const row = await tx.db
    .selectFrom('tasks')
    .selectAll()
    .select(batchColumns)
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', ref.taskId)
    .executeTakeFirst();
  return assertAttempt(row, ref);
}

const ofBatch = (column: 'parallel' | 'max_cost_micro_usd') => sql<number | null>`
  (select ${sql.ref(column)} from batches where batches.tenant_id = tasks.tenant_id and batches.id = tasks.batch_id)`;
const batchColumns = [
  ofBatch('parallel').as('batch_parallel'),
  ofBatch('max_cost_micro_usd').as('batch_max_cost'),
] as const;

async function lockAttempt(tx: TenantTransaction, ref: TaskRef): Promise<HeldTask> {
  return assertAttempt(await lockTask(tx, ref.taskId), ref);
}

function assertAttempt<T extends { attempt: number }>(row: T | undefined, ref: TaskRef): T {
  if (row === undefined) throw new AppError('TASK_NOT_FOUND', `no task ${ref.taskId}`);
  if (row.attempt !== ref.attempt) {
    throw new AppError(
      'SUPERSEDED',
      `task ${ref.taskId} is at attempt ${row.attempt}, not ${ref.attempt}`,
    );
  }
  return row;
}

function assertFence(task: HeldTask, fence: Fence): void {
  if (task.fence !== fence.number)
    throw new AppError('SUPERSEDED', `another worker has taken over task ${task.id}`);
  if (isFinal(task.status)) throw new AppError('SUPERSEDED', `task ${task.id} has ended`);
}

/** What becomes of an ending when a cancel came first. What was committed stays visible. */
function cancelled(ending: TaskEnding): TaskEnding {
  return {
    ...ending,
    outcome: 'cancelled',
    failureClass: undefined,
    reason: 'user',
    errorCode: 'TASK_CANCELLED',
    error: undefined,
  };
}

/** What an ending sets in the row as it is held. */
function endColumns(ending: TaskEnding, task: HeldTask) {
  return {
    outcome: ending.outcome,
    failure_class: ending.failureClass ?? null,
    reason: ending.reason ?? null,
    error_code: ending.errorCode ?? null,
    error: ending.error ?? null,
    head_commit: ending.commit ?? task.head_commit,
  };
}

function detailColumns(ending: TaskEnding) {
  return {
    summary: ending.summary ?? null,
    changed: ending.changed ?? null,
    ...(ending.pullRequestUrl !== undefined && { pull_request_url: ending.pullRequestUrl }),
    ...(ending.diffStat && { diff_stat: JSON.stringify(ending.diffStat) }),
  };
}
