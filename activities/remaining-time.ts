/** The time that a task has left. */
import type { Clock, TaskRecord } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import type { TaskSession } from './task-session.ts';

/**
 * Milliseconds that this attempt has been at work: from the moment when its slot was taken, without the time that it waited
 * for its model, or for people.
 */
export function workedMs({ startedAt, waited }: TaskSession, clock: Clock): number {
  const nowMs = clock.now();
  return nowMs - (startedAt?.getTime() ?? nowMs) - waited.ms();
}

/**
 * Milliseconds of work left to this attempt.
 * @throws TASK_TIMEOUT when none is left
 */
export function remainingMs(session: TaskSession, clock: Clock): number {
  const left = session.task.timeoutMs - workedMs(session, clock);
  if (left <= 0) throw timedOut(session.task);
  return left;
}

/** The error of a task that used up its time. */
export function timedOut(task: TaskRecord): AppError {
  return new AppError(
    'TASK_TIMEOUT',
    `not done within ${String(Math.round(task.timeoutMs / 1_000))} s of work`,
  );
}
