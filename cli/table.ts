/** Tables of text. */
import { stripVTControlCharacters } from 'node:util';
import { tame } from './terminal.ts';
import type { Paint } from './terminal.ts';

/** How wide a painted text is on the screen. */
export function widthOf(text: string): number {
  return Array.from(stripVTControlCharacters(text)).length;
}

/** Lays rows out in columns under a heading. Cells are single lines; the last column is not padded. */
export function formatTable(
  paint: Paint,
  heading: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  const all = [heading.map((word) => paint.dim(word)), ...rows.map((row) => row.map(toCell))];
  const widths = heading.map((_, column) =>
    Math.max(...all.map((row) => widthOf(row[column] ?? ''))),
  );
  return all
    .map((row) =>
      row
        .map(
          (cell, column) => cell + ' '.repeat(Math.max(0, (widths[column] ?? 0) - widthOf(cell))),
        )
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

function toCell(text: string): string {
  return tame(text, { keepColors: true }).replace(/[\n\t]+/g, ' ');
}

/** Moves the cells of all columns from one on to the right, under their heading: figures. */
export function alignRight(
  heading: readonly string[],
  rows: readonly (readonly string[])[],
  from: number,
): [heading: string[], rows: string[][]] {
  const widths = heading.map((_, column) =>
    Math.max(...[heading, ...rows].map((row) => widthOf(row[column] ?? ''))),
  );
  const align = (row: readonly string[]): string[] =>
    row.map((cell, column) => (column < from ? cell : cell.padStart(widths[column] ?? 0)));
  return [align(heading), rows.map(align)];
}

/** Lays out facts as `name  value` lines; undefined ones are left out. */
export function formatFacts(
  paint: Paint,
  facts: readonly (readonly [string, string | undefined])[],
): string {
  const known = facts.filter((fact): fact is readonly [string, string] => fact[1] !== undefined);
  const width = Math.max(...known.map(([name]) => name.length));
  return known
    .map(
      ([name, value]) =>
        `${paint.dim(name.padEnd(width))}  ${indentRest(tame(value, { keepColors: true }), width + 2)}`,
    )
    .join('\n');
}

function indentRest(text: string, width: number): string {
  return text.replace(/\n/g, `\n${' '.repeat(width)}`);
}
