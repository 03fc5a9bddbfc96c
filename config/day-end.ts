/** When days end, where they end. */

const dayMs = 86_400_000;
const formats = new Map<string, Intl.DateTimeFormat>();

/**
 * The next midnight of a time zone after a moment, both in ms since 1970. Where a change of clocks leaves midnight out,
 * the first moment of the new day.
 */
export function dayEndOf(atMs: number, timeZone: string): number {
  const day = dayOf(atMs, timeZone);
  // A day has 23 to 25 hours; the search ends at the first millisecond that belongs to the next one.
  let [inside, outside] = [atMs, atMs + 1.2 * dayMs];
  while (outside - inside > 1) {
    const middle = Math.floor((inside + outside) / 2);
    if (dayOf(middle, timeZone) === day) inside = middle;
    else outside = middle;
  }
  return outside;
}

function dayOf(atMs: number, timeZone: string): string {
  let format = formats.get(timeZone);
  if (format === undefined) {
    format = new Intl.DateTimeFormat('en-CA', { timeZone, dateStyle: 'short' });
    formats.set(timeZone, format);
  }
  return format.format(atMs);
}
