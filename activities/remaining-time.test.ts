import { remainingMs } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';
import { createWaitedTime } from './waited-time.ts';

const anHour = 3_600_000;

/** A session that began at 1,000 with a minute of work; `at` is its clock. */
function aSession(task: { readonly waitedMs: number; readonly waitingSince?: Date }) {
  const clock = { at: 1_000, now: () => clock.at };
  const waited = createWaitedTime({ waitingSince: undefined, ...task }, clock);
  const session = { task: { timeoutMs: 60_000 }, startedAt: new Date(1_000), waited };
  return { clock, waited, left: () => remainingMs(session as unknown as TaskSession, clock) };
}

test('the time of a task runs from its start', () => {
  const { clock, left } = aSession({ waitedMs: 0 });

  clock.at = 21_000;
  expect(left()).toBe(40_000);
  clock.at = 61_000;
  expect(left).toThrow('60 s of work');
});

test('it stands still while the task waits', () => {
  const { clock, left } = aSession({ waitedMs: anHour });

  clock.at = anHour + 21_000;
  expect(left()).toBe(40_000);
});

test('it runs again from the moment when the wait is over, also in the activity that waited', () => {
  const { clock, waited, left } = aSession({ waitedMs: 0, waitingSince: new Date(11_000) });

  clock.at = anHour;
  expect(left()).toBe(50_000);
  waited.recorded(null);
  clock.at = anHour + 20_000;
  expect(left()).toBe(30_000);
  waited.recorded({ reason: 'limit' });
  waited.recorded({ reason: 'provider' });
  clock.at = 2 * anHour;
  expect(left()).toBe(30_000);
});
