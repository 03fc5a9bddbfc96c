import { codeOf } from '../contracts/errors.ts';
import { parsePeriod, toMoments } from './period.ts';

const now = new Date('2026-11-21T23:30:00Z');
const moments = (text: string, timeZone = 'UTC') => {
  const { from, to } = toMoments(parsePeriod(text), timeZone, now);
  return [from.toISOString(), to?.toISOString()];
};

test.each([
  ['today', '2026-11-21T00:00:00.000Z', undefined],
  ['1d', '2026-11-21T00:00:00.000Z', undefined],
  ['7d', '2026-11-15T00:00:00.000Z', undefined],
  ['30d', '2026-10-23T00:00:00.000Z', undefined],
  ['this-month', '2026-11-01T00:00:00.000Z', undefined],
  ['2026-11-01..2026-11-15', '2026-11-01T00:00:00.000Z', '2026-11-16T00:00:00.000Z'],
  ['2026-11-01..', '2026-11-01T00:00:00.000Z', undefined],
])('%s begins at %s', (text, from, to) => {
  expect(moments(text)).toEqual([from, to]);
});

test('days are those of the place', () => {
  expect(moments('today', 'Europe/Berlin')).toEqual(['2026-11-21T23:00:00.000Z', undefined]);
  expect(moments('2026-11-01..2026-11-01', 'Europe/Berlin')).toEqual([
    '2026-10-31T23:00:00.000Z',
    '2026-11-01T23:00:00.000Z',
  ]);
});

test.each([
  ['yesterday', 'write today, 7d, 30d, this-month, or days such as'],
  ['0d', 'is no period'],
  ['400d', 'is no period'],
  ['2026-02-30..2026-03-01', 'is no period'],
  ['2026-11-01', 'is no period'],
  ['2026-11-01..2026-11-02..2026-11-03', 'is no period'],
  ['2026-11-15..2026-11-01', 'ends before it begins: write 2026-11-01..2026-11-15'],
])('%s is refused with what to write instead', (text, message) => {
  expect(() => parsePeriod(text)).toThrow(message);
  try {
    parsePeriod(text);
  } catch (error) {
    expect(codeOf(error)).toBe('USAGE');
  }
});
