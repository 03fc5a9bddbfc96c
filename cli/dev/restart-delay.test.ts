import { restartDelayMs } from './restart-delay.ts';

test('the first restart is at once', () => {
  expect(restartDelayMs({ inARow: 1, wasReady: false })).toBe(0);
  expect(restartDelayMs({ inARow: 1, wasReady: true })).toBe(0);
});

test('a part that cannot start waits twice as long each time, up to half a minute', () => {
  const delays = [2, 3, 4, 9, 10, 1_000].map((inARow) =>
    restartDelayMs({ inARow, wasReady: false }),
  );

  expect(delays).toEqual([200, 400, 800, 25_600, 30_000, 30_000]);
});

test('a part that was at work when it was killed never waits longer than a second', () => {
  const delays = [2, 3, 4, 5, 50].map((inARow) => restartDelayMs({ inARow, wasReady: true }));

  expect(delays).toEqual([200, 400, 800, 1_000, 1_000]);
});
