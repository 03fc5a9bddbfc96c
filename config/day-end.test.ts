import { dayEndOf } from './day-end.ts';

const at = (text: string): number => Date.parse(text);

describe('the end of a day', () => {
  test.each([
    ['UTC', '2026-11-21T13:00:00Z', '2026-11-22T00:00:00Z'],
    ['UTC', '2026-11-21T00:00:00Z', '2026-11-22T00:00:00Z'],
    ['UTC', '2026-11-20T23:59:59.999Z', '2026-11-21T00:00:00Z'],
    ['America/Los_Angeles', '2026-11-21T07:59:00Z', '2026-11-21T08:00:00Z'],
    ['America/Los_Angeles', '2026-11-21T08:01:00Z', '2026-11-22T08:00:00Z'],
    // 25 hours, and 23
    ['America/Los_Angeles', '2026-11-01T07:00:00Z', '2026-11-02T08:00:00Z'],
    ['America/Los_Angeles', '2026-03-08T08:00:00Z', '2026-03-09T07:00:00Z'],
  ])('in %s at %s is %s', (timeZone, now, end) => {
    expect(dayEndOf(at(now), timeZone)).toBe(at(end));
  });
});
