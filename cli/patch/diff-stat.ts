/** How much each file of a change changed, as `git diff --stat` draws it. */
import { quotePath } from '../reveal.ts';
import type { Paint } from '../terminal.ts';
import { countOf } from '../texts.ts';
import type { PatchFile } from './read-patch.ts';

/** Least width that is left to names and to bars, however narrow the screen. */
const minPart = 10;

/** Draws a line for each file, names and bars within `width`, and a last one that adds up. */
export function formatDiffStat(
  files: readonly PatchFile[],
  { paint, width }: { readonly paint: Paint; readonly width: number },
): string {
  const rows = files.map((file) => ({ file, name: nameOf(file), figure: figureOf(file) }));
  const figureWidth = widest(rows.map((row) => row.figure));
  // ` name | figure bar`
  const room = Math.max(2 * minPart, width - figureWidth - 5);
  const mostLines = Math.max(0, ...files.map(linesOf));
  // Bars may take what names leave, and at least three eighths, as in git.
  const nameWidth = Math.min(
    widest(rows.map((row) => row.name)),
    Math.max(minPart, room - Math.min(mostLines, Math.floor((room * 3) / 8))),
  );
  const barWidth = Math.max(minPart, room - nameWidth);
  const scale = mostLines > barWidth ? barWidth / mostLines : 1;
  return [
    ...rows.map(({ file, name, figure }) =>
      ` ${cutLeft(name, nameWidth).padEnd(nameWidth)} | ${figure.padStart(figureWidth)} ${drawBar(file, scale, paint)}`.trimEnd(),
    ),
    formatTotal(files),
  ].join('\n');
}

/** `3 files changed, 10 insertions(+), 2 deletions(-)`. */
function formatTotal(files: readonly PatchFile[]): string {
  const insertions = files.reduce((sum, file) => sum + file.insertions, 0);
  const deletions = files.reduce((sum, file) => sum + file.deletions, 0);
  return [
    ` ${countOf(files.length, 'file')} changed`,
    ...(insertions > 0 || deletions === 0 ? [`${countOf(insertions, 'insertion')}(+)`] : []),
    ...(deletions > 0 || insertions === 0 ? [`${countOf(deletions, 'deletion')}(-)`] : []),
  ].join(', ');
}

function nameOf({ path, oldPath }: PatchFile): string {
  return oldPath === undefined ? quotePath(path) : `${quotePath(oldPath)} => ${quotePath(path)}`;
}

function figureOf(file: PatchFile): string {
  return file.isBinary ? 'Bin' : String(linesOf(file));
}

function linesOf(file: PatchFile): number {
  return file.insertions + file.deletions;
}

/** One sign a line; scaled, a side that has lines keeps one. */
function drawBar(file: PatchFile, scale: number, paint: Paint): string {
  const signs = (count: number): number =>
    count === 0 ? 0 : Math.max(1, Math.round(count * scale));
  const added = signs(file.insertions);
  const removed = signs(file.deletions);
  const draw = (sign: string, count: number, color: (text: string) => string): string =>
    count === 0 ? '' : color(sign.repeat(count));
  return draw('+', added, paint.green) + draw('-', removed, paint.red);
}

function widest(texts: readonly string[]): number {
  return Math.max(0, ...texts.map((text) => Array.from(text).length));
}

/** The end of a path tells more than its beginning. */
function cutLeft(text: string, width: number): string {
  const characters = Array.from(text);
  return characters.length <= width ? text : `…${characters.slice(-(width - 1)).join('')}`;
}
