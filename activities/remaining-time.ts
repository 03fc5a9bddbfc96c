/** The time that a task has left. */
import type { Clock, TaskRecord } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import type { TaskSession } from './task-session.ts';

/**
 * Milliseconds of work left to this attempt; its time runs from the moment when its slot was taken, and stands still while
 * it waits for its model, or for people.
 * @throws TASK_TIMEOUT when none is left
 */
export function remainingMs({ task, startedAt, waited }: TaskSession, clock: Clock): number {
  const nowMs = clock.now();
  const began = startedAt?.getTime() ?? nowMs;
  const left = began + waited.ms() + task.timeoutMs - nowMs;
  if (left <= 0) throw timedOut(task);
  return left;
}

/** The error of a task that used up its time. */
export function timedOut(task: TaskRecord): AppError {
  return new AppError(
    'TASK_TIMEOUT',
    `not done within ${String(Math.round(task.timeoutMs / 1_000))} s of work`,
  );
}
