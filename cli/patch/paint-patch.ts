/** Patches on a terminal: coloured as git does, with nothing in them that could steer it. */
import { reveal } from '../reveal.ts';
import type { Paint } from '../terminal.ts';
import { eachPatchLine } from './read-patch.ts';
import type { PatchLine } from './read-patch.ts';

/** Paints a patch, line by line, each with its end. */
export function* paintPatch(patch: string, paint: Paint): Generator<string> {
  for (const line of eachPatchLine(patch)) yield `${paintLine(line, paint)}\n`;
}

function paintLine({ kind, text }: PatchLine, paint: Paint): string {
  switch (kind) {
    case 'header':
      return paint.bold(reveal(text));
    case 'hunk': {
      // The function that a hunk is in is not part of the place.
      const [place = ''] = /^@@ .* @@/.exec(text) ?? [];
      return paint.cyan(reveal(place)) + reveal(text.slice(place.length));
    }
    case 'added':
      return paint.green(reveal(text));
    case 'removed':
      return paint.red(reveal(text));
    case 'context':
      return reveal(text);
    case 'note':
    case 'binary':
      return paint.dim(reveal(text));
  }
}
