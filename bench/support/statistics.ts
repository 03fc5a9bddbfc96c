/** Numbers about numbers, and the seeded durations of the batch. */

/** The value below which a share of all values lies (nearest rank); NaN when there are none. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((one, other) => one - other);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)] ?? Number.NaN;
}

/** The middle value; of an even number of values the lower of the two. */
export function median(values: readonly number[]): number {
  return percentile(values, 0.5);
}

/** Whole milliseconds, evenly spread over a range; the same for the same seed (mulberry32). */
export function seededDurations(
  count: number,
  { fromMs, toMs, seed }: { readonly fromMs: number; readonly toMs: number; readonly seed: number },
): number[] {
  let state = seed;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
  return Array.from({ length: count }, () => Math.round(fromMs + next() * (toMs - fromMs)));
}

/** The end of a list schedule: items in their order, each begun the moment one of `parallel` places is free. */
export function listSchedule(durationsMs: readonly number[], parallel: number): number {
  const freeAt = Array.from({ length: parallel }, () => 0);
  for (const duration of durationsMs) {
    const earliest = freeAt.indexOf(Math.min(...freeAt));
    freeAt[earliest] = (freeAt[earliest] ?? 0) + duration;
  }
  return Math.max(...freeAt);
}
