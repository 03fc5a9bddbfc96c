import { formatDuration, Reporter } from './progress.ts';

/** A reporter, what it wrote, and a clock that is moved by hand. */
function watch(isTTY: boolean): {
  reporter: Reporter;
  text: () => string;
  pass: (durationMs: number) => void;
} {
  let text = '';
  let now = 0;
  const write = (part: string): void => {
    text += part;
  };
  const pass = (durationMs: number): void => {
    now += durationMs;
    jest.advanceTimersByTime(durationMs);
  };
  return { reporter: new Reporter({ isTTY, write }, () => now), text: () => text, pass };
}

beforeEach(() => {
  jest.useFakeTimers();
});
afterEach(() => {
  jest.useRealTimers();
});

test('a log gets a line at the start, one every 15 seconds, and one at the end', () => {
  const { reporter, text, pass } = watch(false);

  const step = reporter.step('Building Temporal 1.8.2, once');
  step.update('812 of 2103 packages');
  pass(14_000);
  pass(1_000);
  step.end('done');
  pass(60_000);

  expect(text().trim().split('\n')).toEqual([
    'Building Temporal 1.8.2, once: 0s',
    'Building Temporal 1.8.2, once: 812 of 2103 packages, 15s',
    'Building Temporal 1.8.2, once: done, 15s',
  ]);
});

test('a terminal gets one line that is written over', () => {
  const { reporter, text, pass } = watch(true);

  const step = reporter.step('Building');
  step.update('1 of 2 packages');
  pass(200);
  step.end('done');
  reporter.line('Next.');

  expect(text().split('\n')).toHaveLength(3);
  expect(text()).toContain('\r\u001b[KBuilding: 1 of 2 packages, 0s');
  expect(text()).toMatch(/done, 0s\nNext\.\n$/);
});

test('a line in the middle of a step does not stand in the same line', () => {
  const { reporter, text } = watch(true);

  reporter.step('Building');
  reporter.line('redis was killed by SIGKILL; started again as pid 7.');

  expect(text()).toMatch(/Building: 0s\nredis was killed/);
});

test.each([
  [400, '0s'],
  [59_400, '59s'],
  [80_000, '1m20s'],
  [605_000, '10m05s'],
])('%i ms are said as %s', (durationMs, words) => {
  expect(formatDuration(durationMs)).toBe(words);
});
