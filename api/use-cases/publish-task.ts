/** Publishing the kept work of an ended task, while the caller waits. */
import type { Actor } from '../../adapters/ports.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Publish, Published } from '../../contracts/publish.schema.ts';
import { isFinal } from '../../contracts/task-status.ts';
import type { ApiDeps } from '../deps.ts';

/** @throws TASK_NOT_FOUND · TASK_NOT_ENDED · NOTHING_TO_PUBLISH, and what keeps the work from being published */
export async function publishTask(
  { store, publisher }: Pick<ApiDeps, 'store' | 'publisher'>,
  actor: Actor,
  { taskId, pullRequest, target }: Publish & { readonly taskId: string },
): Promise<Published> {
  const task = await store.getTask(actor, taskId);
  if (!isFinal(task.status)) throw new AppError('TASK_NOT_ENDED', `${taskId} has not ended.`);
  if (task.commit === undefined || task.commit === task.baseCommit)
    throw new AppError('NOTHING_TO_PUBLISH', `${taskId} has changed nothing.`);
  // The work of a result that was taken over is where it was made.
  const owner =
    task.sourceTaskId === undefined ? task : await store.getTask(actor, task.sourceTaskId);
  const ref = { tenantId: actor.tenantId, taskId: owner.id, attempt: owner.attempt };
  const answer = await publisher.publish({
    ...{ ref, pullRequest, anyHost: false },
    ...(target === undefined ? {} : { target }),
  });
  if (!answer.ok) throw new AppError(answer.errorCode, answer.error);
  const { ok: _, ...published } = answer;
  return { taskId, ...published };
}
