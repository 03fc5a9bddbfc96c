/** Finds the word somebody meant. */

/** The candidate nearest to a mistyped word; undefined when none is near enough to be worth naming. */
export function findClosestWord(word: string, candidates: readonly string[]): string | undefined {
  const wanted = word.toLowerCase();
  const near = candidates
    .map((candidate) => ({ candidate, distance: editDistance(wanted, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= Math.max(1, Math.floor(candidate.length / 3)))
    .sort((one, other) => one.distance - other.distance);
  return near[0]?.candidate;
}

/** Ends a sentence about a wrong word: `; did you mean "parallel"?`, else what there is, else nothing. */
export function suggestWord(word: string, candidates: readonly string[]): string {
  const closest = findClosestWord(word, candidates);
  if (closest !== undefined) return `; did you mean "${closest}"?`;
  return candidates.length === 0 ? '' : `; there is ${candidates.join(', ')}`;
}

/** Letters to add, remove, replace or swap with their neighbour until one word is the other. */
function editDistance(from: string, to: string): number {
  const rows: number[][] = [Array.from({ length: to.length + 1 }, (_, column) => column)];
  const at = (row: number, column: number): number => rows[row]?.[column] ?? 0;
  for (let row = 1; row <= from.length; row += 1) {
    const current = [row];
    rows.push(current);
    for (let column = 1; column <= to.length; column += 1) {
      const same = from[row - 1] === to[column - 1];
      const replaced = at(row - 1, column - 1) + (same ? 0 : 1);
      let cost = Math.min(at(row - 1, column) + 1, at(row, column - 1) + 1, replaced);
      const swapped =
        row > 1 &&
        column > 1 &&
        from[row - 1] === to[column - 2] &&
        from[row - 2] === to[column - 1];
      if (swapped) cost = Math.min(cost, at(row - 2, column - 2) + 1);
      current.push(cost);
    }
  }
  return at(from.length, to.length);
}
