/** A sample that can be drawn again: the same targets and the same seed give the same sample, in any order of input. */
import { createHash } from 'node:crypto';

/**
 * Draws `count` of the values, in their own order. Each is ranked by a hash of seed and value, so that one more target
 * in the list displaces at most one of the sample.
 */
export function drawSample<T>(
  values: readonly T[],
  options: { readonly count: number; readonly seed: string; readonly keyOf: (value: T) => string },
): T[] {
  const ranked = values
    .map((value, index) => ({ index, key: options.keyOf(value) }))
    .map(({ index, key }) => ({ index, key, rank: rankOf(options.seed, key) }))
    .sort(
      (one, other) =>
        compare(one.rank, other.rank) || compare(one.key, other.key) || one.index - other.index,
    )
    .slice(0, options.count);
  const drawn = new Set(ranked.map(({ index }) => index));
  return values.filter((_, index) => drawn.has(index));
}

function rankOf(seed: string, key: string): string {
  return createHash('sha256').update(`${seed}\0${key}`).digest('hex');
}

function compare(one: string, other: string): number {
  if (one === other) return 0;
  return one < other ? -1 : 1;
}
