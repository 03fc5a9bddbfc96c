/** Cancel, retry and change: each is stored first, then told to whoever waits. */
import type { Actor } from '../../adapters/ports.ts';
import type { Batch, ChangeBatch, RetryBatch } from '../../contracts/batch.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { isFinal, type TaskStatus } from '../../contracts/task-status.ts';
import type { ApiDeps } from '../deps.ts';
import { afterCommit } from './after-commit.ts';

/** Statuses in which a worker may hold the task. */
const held: readonly TaskStatus[] = ['running', 'awaiting_approval', 'paused'];

/** Requests cancel; a worker that has the task hears of it at once. @throws TASK_NOT_FOUND · TASK_ALREADY_ENDED */
export async function cancelTask(
  deps: ApiDeps,
  request: {
    readonly actor: Actor;
    readonly taskId: string;
    readonly reason: string | undefined;
  },
): Promise<Task> {
  const task = await deps.store.cancelTask(request.actor, request.taskId, request.reason);
  if (!isFinal(task.status)) deps.live.publish({ kind: 'cancel', taskId: task.id });
  await afterCommit(deps, task.id, task.batchId);
  return task;
}

/** Begins a new attempt. @throws TASK_NOT_FOUND · TASK_NOT_ENDED · NOTHING_TO_RETRY */
export async function retryTask(deps: ApiDeps, actor: Actor, taskId: string): Promise<Task> {
  const task = await deps.store.retryTask(actor, taskId);
  await afterCommit(deps, task.id, task.batchId);
  return task;
}

/** Changes a live batch. @throws BATCH_NOT_FOUND · BATCH_ALREADY_ENDED */
export async function changeBatch(
  deps: ApiDeps,
  request: { readonly actor: Actor; readonly batchId: string; readonly change: ChangeBatch },
): Promise<Batch> {
  const batch = await deps.store.changeBatch(request.actor, request.batchId, request.change);
  await afterCommit(deps, batch.id);
  return batch;
}

/** Cancels a batch; workers that have items of it hear of it at once. @throws BATCH_NOT_FOUND · BATCH_ALREADY_ENDED */
export async function cancelBatch(
  deps: ApiDeps,
  request: {
    readonly actor: Actor;
    readonly batchId: string;
    readonly reason: string | undefined;
  },
): Promise<Batch> {
  const { actor, batchId, reason } = request;
  const batch = await deps.store.cancelBatch(actor, batchId, reason);
  await afterCommit(deps, batch.id);
  let cursor: string | undefined;
  do {
    const page = await deps.store.listTasks(actor, { batchId, status: held, limit: 500, cursor });
    for (const { id } of page.items) deps.live.publish({ kind: 'cancel', taskId: id });
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);
  return batch;
}

/** Begins new attempts of ended items. @throws BATCH_NOT_FOUND · NOTHING_TO_RETRY */
export async function retryBatch(
  deps: ApiDeps,
  request: { readonly actor: Actor; readonly batchId: string; readonly retry: RetryBatch },
): Promise<Batch & { retried: number }> {
  const { actor, batchId, retry } = request;
  const { batch, retried } = await deps.store.retryBatch(actor, batchId, retry);
  await afterCommit(deps, batch.id);
  return { ...batch, retried };
}
