/** How long an attempt of a task has waited for its model, or for people: that time is no work. */
import type { Clock, JournalEntry, TaskRecord } from '../adapters/ports.ts';

/** The waits of one attempt, kept as its journal keeps them. */
export interface WaitedTime {
  /** All waits so far, with the one that it is in. */
  ms(): number;
  isWaiting(): boolean;
  /** Follows what is recorded: a wait begins, goes on, or is over. */
  recorded(waitingFor: JournalEntry['waitingFor']): void;
}

/** Begins with the waits of earlier activities. */
export function createWaitedTime(
  task: Pick<TaskRecord, 'waitedMs' | 'waitingSince'>,
  clock: Clock,
): WaitedTime {
  let overMs = task.waitedMs;
  let sinceMs = task.waitingSince?.getTime();
  const ms = (): number => overMs + (sinceMs === undefined ? 0 : clock.now() - sinceMs);
  return {
    ms,
    isWaiting: () => sinceMs !== undefined,
    recorded(waitingFor) {
      if (waitingFor === undefined) return;
      if (waitingFor !== null) {
        sinceMs ??= clock.now();
        return;
      }
      overMs = ms();
      sinceMs = undefined;
    },
  };
}
