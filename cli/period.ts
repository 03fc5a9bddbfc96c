/** Periods of calendar days, as people write them. */
import { addDays, dateIn, isDate, monthOf, startOfDay } from '../contracts/calendar.ts';
import { AppError } from '../contracts/errors.ts';

/** A period by its days; which they are depends on where and when one asks. */
export type Period =
  | { readonly kind: 'last-days'; readonly days: number }
  | { readonly kind: 'month' }
  /** Both days belong to it; without a last one it lasts until now. */
  | { readonly kind: 'dates'; readonly first: string; readonly last: string | undefined };

/** Moments: `from` belongs to the period, `to` does not; without one it lasts until now. */
export interface Moments {
  readonly from: Date;
  readonly to: Date | undefined;
}

const maxDays = 366;

/** Reads `today`, `7d`, `30d`, `this-month` or `2026-11-01..2026-11-15`. @throws USAGE */
export function parsePeriod(text: string): Period {
  if (text === 'today') return { kind: 'last-days', days: 1 };
  if (text === 'this-month') return { kind: 'month' };
  const days = Number(/^(\d{1,3})d$/.exec(text)?.[1]);
  return days >= 1 && days <= maxDays ? { kind: 'last-days', days } : parseDates(text);
}

function parseDates(text: string): Period {
  const [, first = '', last = ''] = /^([\d-]+)\.\.([\d-]*)$/.exec(text) ?? [];
  if (![first, last || first].every(isDate)) {
    throw new AppError(
      'USAGE',
      `"${text}" is no period: write today, 7d, 30d, this-month, or days such as 2026-11-01..2026-11-15 or 2026-11-01.. (until now).`,
    );
  }
  if (last === '') return { kind: 'dates', first, last: undefined };
  if (last >= first) return { kind: 'dates', first, last };
  throw new AppError('USAGE', `"${text}" ends before it begins: write ${last}..${first}.`);
}

/** The moments of a period at a place. The last seven days are today and the six before. */
export function toMoments(period: Period, timeZone: string, now: Date): Moments {
  const today = dateIn(timeZone, now);
  const since = (date: string): Moments => ({ from: startOfDay(date, timeZone), to: undefined });
  switch (period.kind) {
    case 'last-days':
      return since(addDays(today, 1 - period.days));
    case 'month':
      return since(monthOf(today));
    case 'dates': {
      const { first, last } = period;
      if (last === undefined) return since(first);
      return { ...since(first), to: startOfDay(addDays(last, 1), timeZone) };
    }
  }
}
