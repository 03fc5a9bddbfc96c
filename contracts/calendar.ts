/** Calendar days of a time zone: their names, and where they begin. */

const dayMs = 86_400_000;
/** A format is costly to make. */
const formats = new Map<string, Intl.DateTimeFormat>();

/** Answers whether there is an IANA time zone of this name. An offset such as +01:00 is none. */
export function isTimeZone(name: string): boolean {
  try {
    return /^[A-Za-z]/.test(name) && formatOf(name).format(0) !== '';
  } catch {
    return false;
  }
}

/** The calendar date at a place, as 2026-11-21. @throws RangeError when the time zone is unknown */
export function dateIn(timeZone: string, at: Date | number): string {
  return formatOf(timeZone).format(at);
}

/** Answers whether a text is a date that there is, as 2026-11-21. */
export function isDate(text: string): boolean {
  const at = Date.parse(`${text}T00:00:00Z`);
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && !Number.isNaN(at) && dateIn('UTC', at) === text;
}

/** The date so many days after another; before it, when `days` is negative. */
export function addDays(date: string, days: number): string {
  return dateIn('UTC', Date.parse(`${date}T00:00:00Z`) + days * dayMs);
}

/** The first day of the month of a date. */
export function monthOf(date: string): string {
  return `${date.slice(0, 7)}-01`;
}

/** The first day of the month after that of a date. */
export function monthAfter(date: string): string {
  return monthOf(addDays(monthOf(date), 31));
}

/** The first moment of a date at a place. Where a change of clocks leaves midnight out, that is later than midnight. */
export function startOfDay(date: string, timeZone: string): Date {
  const midnight = Date.parse(`${date}T00:00:00Z`);
  // Clocks of the world are 12 hours behind UTC to 14 hours before it.
  let [before, within] = [midnight - 0.6 * dayMs, midnight + 0.6 * dayMs];
  while (within - before > 1) {
    const middle = Math.floor((before + within) / 2);
    if (dateIn(timeZone, middle) < date) before = middle;
    else within = middle;
  }
  return new Date(within);
}

function formatOf(timeZone: string): Intl.DateTimeFormat {
  // Swedish writes dates as ISO 8601 does.
  const format = formats.get(timeZone) ?? new Intl.DateTimeFormat('sv-SE', { timeZone });
  formats.set(timeZone, format);
  return format;
}
