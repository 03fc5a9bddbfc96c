import {
  addDays,
  dateIn,
  isDate,
  isTimeZone,
  monthAfter,
  monthOf,
  startOfDay,
} from './calendar.ts';

test.each([
  ['2026-11-21', 'UTC', '2026-11-21T00:00:00.000Z'],
  ['2026-11-21', 'Europe/Berlin', '2026-11-20T23:00:00.000Z'],
  ['2026-07-01', 'America/Los_Angeles', '2026-07-01T07:00:00.000Z'],
  ['2026-11-21', 'Pacific/Kiritimati', '2026-11-20T10:00:00.000Z'],
  ['2026-11-21', 'Etc/GMT+12', '2026-11-21T12:00:00.000Z'],
  // Clocks went from midnight to one on that day.
  ['2018-11-04', 'America/Sao_Paulo', '2018-11-04T03:00:00.000Z'],
])('%s begins in %s at %s', (date, timeZone, start) => {
  expect(startOfDay(date, timeZone).toISOString()).toBe(start);
});

test('every day of a year begins where the one before ends, at any place', () => {
  for (const timeZone of ['Europe/Berlin', 'America/New_York', 'Asia/Kathmandu']) {
    let date = '2026-01-01';
    for (let day = 0; day < 365; day += 1) {
      const start = startOfDay(date, timeZone).getTime();
      expect([dateIn(timeZone, start - 1), dateIn(timeZone, start)]).toEqual([
        addDays(date, -1),
        date,
      ]);
      date = addDays(date, 1);
    }
  }
});

test('months begin on their first day, and end where the next one begins', () => {
  expect([monthOf('2026-12-31'), monthAfter('2026-12-31')]).toEqual(['2026-12-01', '2027-01-01']);
  expect(monthAfter('2026-02-01')).toBe('2026-03-01');
});

test('a date that is in no calendar is none', () => {
  expect(['2026-02-28', '2026-02-30', '2026-2-1', 'today'].map(isDate)).toEqual([
    true,
    false,
    false,
    false,
  ]);
});

test('a time zone has a name', () => {
  expect(['Europe/Berlin', 'UTC', '+01:00', 'Mars/Olympus'].map(isTimeZone)).toEqual([
    true,
    true,
    false,
    false,
  ]);
});
