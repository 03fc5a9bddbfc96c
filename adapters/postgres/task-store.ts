/** What the API reads and writes: tasks here, batches in batch-store.ts. Each method is one transaction of the actor's tenant. */
import { AppError } from '../../contracts/errors.ts';
import { isFinal } from '../../contracts/task-status.ts';
import { taskWorkflowId } from '../../contracts/names.ts';
import type { TaskStore } from '../ports.ts';
import { announceRetry, neverHandedOut } from './batch-moves.ts';
import { findBatch, lockBatch } from './batch-rows.ts';
import { createBatchStore } from './batch-store.ts';
import { appendBatchEvents, listEvents } from './event-log.ts';
import { endCached, findResults, insertTasks } from './new-tasks.ts';
import { enqueue, startTask } from './outbox.ts';
import { findKeptPatch } from './patches.ts';
import { audit, findKey, takeKey } from './requests.ts';
import type { TaskRow } from './schema.ts';
import { listMessages, listSteps, listTasks } from './task-lists.ts';
import {
  cancelledByUser,
  cancelRequested,
  endTasks,
  flagCancel,
  lockTask,
  requeueTasks,
} from './task-moves.ts';
import { toTask } from './task-rows.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** The store of a database. */
export function createTaskStore(database: Database): TaskStore {
  return {
    ...createBatchStore(database),

    createTask: (actor, task, claim) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const [earlier, known] = await Promise.all([
          takeKey(tx, claim, task.id),
          findResults(tx, task.reuse ? [task.contentKey] : []),
        ]);
        if (earlier !== undefined) return toTask(await getRow(tx, earlier));
        const source = known.get(task.contentKey);
        await Promise.all([
          insertTasks(tx, [task], undefined),
          audit(tx, actor, { action: 'create-task', targetId: task.id }),
          source === undefined && enqueue(tx, [startTask(tx.tenantId, { ...task, attempt: 1 })]),
        ]);
        const held = source && (await lockTask(tx, task.id));
        if (held) await endCached(tx, [held], () => source);
        return toTask(await getRow(tx, task.id));
      }),

    findClaimed: (actor, claim) => database.inTenant(actor.tenantId, (tx) => findKey(tx, claim)),

    findResults: (actor, contentKeys) =>
      database.inTenant(actor.tenantId, (tx) => findResults(tx, contentKeys)),

    getTask: (actor, taskId) =>
      database.inTenant(actor.tenantId, async (tx) => toTask(await getRow(tx, taskId))),

    listTasks: (actor, filter) => database.inTenant(actor.tenantId, (tx) => listTasks(tx, filter)),

    cancelTask: (actor, taskId, reason) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const task = await lockTask(tx, taskId);
        if (task === undefined) throw noTask(taskId);
        if (isFinal(task.status) && task.outcome !== 'cancelled') {
          throw new AppError('TASK_ALREADY_ENDED', `task ${taskId} has ended: ${task.status}`);
        }
        if (isFinal(task.status) || task.cancel_requested_at !== null)
          return toTask(await getRow(tx, taskId));
        await audit(tx, actor, { action: 'cancel-task', targetId: taskId, detail: { reason } });
        // The workflow of an item begins when the item is handed out, that of a single task at once.
        if (task.batch_id === null || !neverHandedOut(task)) {
          const workflowId = taskWorkflowId(taskId, task.attempt);
          await enqueue(tx, [{ kind: 'cancel-workflow', workflowId }]);
        }
        if (neverHandedOut(task)) {
          const toldBefore = [cancelRequested(reason)];
          const events = await endTasks(tx, [task], {
            ...cancelledByUser,
            cancel_requested_at: tx.at,
            toldBefore,
          });
          if (task.batch_id !== null) await appendBatchEvents(tx, task.batch_id, events);
        } else {
          await flagCancel(tx, [task], reason);
        }
        return toTask(await getRow(tx, taskId));
      }),

    retryTask: (actor, taskId) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const task = await lockTask(tx, taskId);
        if (task === undefined) throw noTask(taskId);
        if (!isFinal(task.status))
          throw new AppError('TASK_NOT_ENDED', `task ${taskId} is ${task.status}`);
        if (task.status === 'succeeded' || task.outcome === 'skipped_optout') {
          throw new AppError(
            'NOTHING_TO_RETRY',
            `task ${taskId} ended as ${task.outcome ?? task.status}`,
          );
        }
        await requeueTasks(tx, [task]);
        await audit(tx, actor, { action: 'retry-task', targetId: taskId });
        const retried = toTask(await getRow(tx, taskId));
        const batch = task.batch_id === null ? undefined : await lockBatch(tx, task.batch_id);
        if (batch === undefined) await enqueue(tx, [startTask(tx.tenantId, retried)]);
        else await announceRetry(tx, batch, 1);
        return retried;
      }),

    listSteps: (actor, taskId, page) =>
      database.inTenant(actor.tenantId, async (tx) => {
        await getRow(tx, taskId);
        return listSteps(tx, taskId, page);
      }),

    listMessages: (actor, taskId, page) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const { attempt } = await getRow(tx, taskId);
        return listMessages(tx, { taskId, attempt }, page);
      }),

    getDiff: (actor, taskId) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const found = await findKeptPatch(tx, taskId);
        if (found === undefined) throw noTask(taskId);
        return found.content ?? '';
      }),

    listEvents: (actor, streamId, afterSeq, limit) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const events = await listEvents(tx, streamId, afterSeq, limit);
        if (events.length > 0) return events;
        if (!streamId.startsWith('batch-')) await getRow(tx, streamId);
        else if ((await findBatch(tx, streamId)) === undefined)
          throw new AppError('BATCH_NOT_FOUND', `no batch ${streamId}`);
        return events;
      }),
  };
}

async function getRow(tx: TenantTransaction, taskId: string): Promise<TaskRow> {
  const row = await tx.db
    .selectFrom('tasks')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', taskId)
    .executeTakeFirst();
  if (row === undefined) throw noTask(taskId);
  return row;
}

function noTask(taskId: string): AppError {
  return new AppError('TASK_NOT_FOUND', `no task ${taskId}`);
}
