import type { TaskRecord } from '../adapters/ports.ts';
import { remainingMs } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';

/** A session that began at 1,000 with a minute of work. */
function aSession(waitedMs: number): TaskSession {
  const task: Pick<TaskRecord, 'timeoutMs' | 'waitedMs'> = { timeoutMs: 60_000, waitedMs };
  return { task, startedAt: new Date(1_000) } as unknown as TaskSession;
}

test('the time of a task runs from its start', () => {
  expect(remainingMs(aSession(0), { now: () => 21_000 })).toBe(40_000);
  expect(() => remainingMs(aSession(0), { now: () => 61_000 })).toThrow('60 s of work');
});

test('it stands still while the task waits', () => {
  const anHour = 3_600_000;

  expect(remainingMs(aSession(anHour), { now: () => anHour + 21_000 })).toBe(40_000);
});
