/** Identity of an effect: what makes a repeated activity find what it did before. */
import { createHash } from 'node:crypto';
import type { TaskRef } from '../contracts/activities.ts';

/**
 * The identity of one effect of a task: hash of tenant, task, attempt of the task, step, kind and input. It holds no run id
 * and no attempt of the activity, so every repetition of the same step has the same one.
 */
export function effectIdOf(ref: TaskRef, step: number, kind: string, input = ''): string {
  return createHash('sha256')
    .update(JSON.stringify([ref.tenantId, ref.taskId, ref.attempt, step, kind, input]))
    .digest('hex');
}
