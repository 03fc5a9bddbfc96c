/**
 * Patches as git writes them, taken apart: files, hunks, lines. What is a header and what is content is decided by the
 * counts that a hunk begins with, never by how a line looks: a removed line `-- x` reads `--- x` in a patch.
 */

/** What a line of a patch is. `header` names files and modes, `note` is git's word on the line before it. */
export type PatchLineKind = 'header' | 'hunk' | 'added' | 'removed' | 'context' | 'note' | 'binary';

/** A line of a patch as it stands there, without its end. */
export interface PatchLine {
  readonly kind: PatchLineKind;
  readonly text: string;
}

/** What happened to a file. */
export type FileChange = 'added' | 'deleted' | 'renamed' | 'copied' | 'modified';

/** One file of a patch. */
export interface PatchFile {
  /** Its path after the change; of a deleted file, before it. */
  readonly path: string;
  /** Its path before the change, when that was another one. */
  readonly oldPath?: string;
  readonly change: FileChange;
  readonly isBinary: boolean;
  readonly insertions: number;
  readonly deletions: number;
  readonly lines: readonly PatchLine[];
}

/** Takes a patch apart. Lines before the first `diff --git` belong to no file and are left out. */
export function readPatch(patch: string): PatchFile[] {
  const files: PatchFile[] = [];
  let lines: PatchLine[] = [];
  const close = (): void => {
    if (lines.length > 0) files.push(toFile(lines));
    lines = [];
  };
  for (const line of eachPatchLine(patch)) {
    if (line.kind === 'header' && line.text.startsWith('diff --git ')) close();
    else if (lines.length === 0) continue;
    lines.push(line);
  }
  close();
  return files;
}

const contentKinds: Readonly<Record<string, PatchLineKind>> = {
  '+': 'added',
  '-': 'removed',
  ' ': 'context',
};

/** Reads a patch line by line. */
export function* eachPatchLine(patch: string): Generator<PatchLine> {
  // Lines of each side that the hunk still owes.
  let owed: readonly [oldLines: number, newLines: number] = [0, 0];
  let isBinary = false;
  for (const text of eachLine(patch)) {
    const kind = owed[0] + owed[1] > 0 ? contentKinds[text[0] ?? ' '] : undefined;
    if (text.startsWith('\\')) {
      yield { kind: 'note', text };
    } else if (kind !== undefined) {
      owed = [owed[0] - (kind === 'added' ? 0 : 1), owed[1] - (kind === 'removed' ? 0 : 1)];
      yield { kind, text };
    } else {
      owed = countsOf(text);
      isBinary &&= !text.startsWith('diff --git ');
      yield { kind: owed[0] + owed[1] > 0 ? 'hunk' : isBinary ? 'binary' : 'header', text };
      isBinary ||= text === 'GIT binary patch';
    }
  }
}

/** Lines without their ends; what follows the last line end is a line only when there is something. */
function* eachLine(text: string): Generator<string> {
  let from = 0;
  while (from < text.length) {
    const end = text.indexOf('\n', from);
    const to = end < 0 ? text.length : end;
    yield text.slice(from, to);
    from = to + 1;
  }
}

/** How many lines of the old and the new side follow a line: none unless it begins a hunk. */
function countsOf(text: string): [oldLines: number, newLines: number] {
  const match = /^@@ -\d{1,9}(?:,(\d{1,9}))? \+\d{1,9}(?:,(\d{1,9}))? @@/.exec(text);
  return match === null ? [0, 0] : [Number(match[1] ?? 1), Number(match[2] ?? 1)];
}

function toFile(lines: readonly PatchLine[]): PatchFile {
  const headers = lines.filter((line) => line.kind === 'header').map((line) => line.text);
  const find = (prefix: string): string | undefined =>
    headers.find((line) => line.startsWith(prefix))?.slice(prefix.length);
  const isAdded = find('new file mode ') !== undefined;
  const isDeleted = find('deleted file mode ') !== undefined;
  const copiedTo = find('copy to ');
  const movedTo = find('rename to ') ?? copiedTo;
  const movedFrom = find('rename from ') ?? find('copy from ');
  const path =
    movedTo !== undefined
      ? unquote(movedTo)
      : (sideOf(find('+++ ')) ?? sideOf(find('--- ')) ?? bothSidesOf(find('diff --git ') ?? ''));
  const count = (kind: PatchLineKind): number => lines.filter((line) => line.kind === kind).length;
  return {
    path,
    ...(movedFrom === undefined ? {} : { oldPath: unquote(movedFrom) }),
    change: isAdded
      ? 'added'
      : isDeleted
        ? 'deleted'
        : copiedTo !== undefined
          ? 'copied'
          : movedTo !== undefined
            ? 'renamed'
            : 'modified',
    isBinary: headers.some((line) => line === 'GIT binary patch' || /^Binary files /.test(line)),
    insertions: count('added'),
    deletions: count('removed'),
    lines,
  };
}

/** The path of a `---` or `+++` line; undefined where that side has no file. */
function sideOf(text: string | undefined): string | undefined {
  // git ends a name that holds a space with a tab.
  const name = unquote(text?.replace(/\t$/, '') ?? '/dev/null');
  return name === '/dev/null' ? undefined : name.replace(/^[ab]\//, '');
}

/** The path of a `diff --git a/… b/…` line whose sides are the same file. */
function bothSidesOf(text: string): string {
  const quoted = /^("(?:[^"\\]|\\.)*") /.exec(text)?.[1];
  if (quoted !== undefined) return unquote(quoted).replace(/^a\//, '');
  // `a/` and `b/` and one space are five characters; the rest is the path twice.
  return text.slice(2, 2 + (text.length - 5) / 2);
}

const escapes: Readonly<Record<string, number>> = {
  a: 7,
  b: 8,
  t: 9,
  n: 10,
  v: 11,
  f: 12,
  r: 13,
  '"': 34,
  '\\': 92,
};

/** A name as git quotes it where it holds what is not plain: bytes as octal numbers. */
function unquote(name: string): string {
  if (!/^".*"$/.test(name)) return name;
  const bytes: number[] = [];
  for (const [part, octal, letter] of name.slice(1, -1).matchAll(/\\([0-7]{3})|\\(.)|[^\\]+/g)) {
    if (octal !== undefined) bytes.push(Number.parseInt(octal, 8));
    else if (letter !== undefined) bytes.push(escapes[letter] ?? letter.charCodeAt(0));
    else bytes.push(...Buffer.from(part));
  }
  return Buffer.from(bytes).toString('utf8');
}
