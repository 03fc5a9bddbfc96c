/** Reads what `git diff-tree --raw --numstat --patch -z` says of a change, and judges whether it may be committed. */
import { posix } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { DiffStat } from '../../contracts/task.schema.ts';

/** Kept of a patch. Its store takes up to 8 MiB; text grows a little when it is encoded. */
export const maxPatchBytes = 6 * 1_048_576;
/** A change of more files is a mistake: build output, a package folder. */
export const maxFiles = 20_000;

/** One file of a change. */
export interface ChangedFile {
  readonly path: string;
  /** Mode after the change, `000000` when the file is gone. */
  readonly mode: string;
  readonly oldMode: string;
  readonly objectId: string;
}

/** A change, from one tree to another. */
export interface Change {
  readonly files: readonly ChangedFile[];
  readonly diffStat: DiffStat;
  readonly patch: string;
}

/** A change of nothing. */
export const noChange: Change = {
  files: [],
  diffStat: { files: 0, insertions: 0, deletions: 0 },
  patch: '',
};

/** The arguments of the `git diff-tree` whose output `parseChange` reads; trees follow. */
export const diffArguments = [
  ...['diff-tree', '-r', '-z', '--raw', '--numstat', '--patch', '--find-renames'],
  ...['--binary', '--full-index', '--no-ext-diff', '--no-textconv'],
] as const;

/** Output of such a command that is worth reading: lists of files, then the patch. */
export const maxDiffBytes = maxPatchBytes + maxFiles * 700;

const gitlinkMode = '160000';
const symlinkMode = '120000';

/** Parses the output; `cut` says that it was longer. Lists end in NUL, the patch follows behind an empty entry. */
export function parseChange(output: Buffer, cut: boolean): Change {
  const patchAt = output.indexOf('\0\0');
  const lists = patchAt < 0 ? output : output.subarray(0, patchAt);
  const entries = lists.toString().split('\0').values();
  const files: ChangedFile[] = [];
  const lines = { insertions: 0, deletions: 0 };
  for (const entry of entries) {
    if (entry.startsWith(':')) files.push(parseFile(entry, entries));
    else if (entry !== '') countLines(entry, entries, lines);
  }
  const patch = patchAt < 0 ? '' : patchText(output.subarray(patchAt + 2), cut);
  return { files, diffStat: { files: files.length, ...lines }, patch };
}

/** `:<old mode> <mode> <old id> <id> <status>`, then the path; of a rename or copy the old path first. */
function parseFile(entry: string, following: Iterator<string>): ChangedFile {
  const [oldMode = '', mode = '', , objectId = '', status = ''] = entry.slice(1).split(' ');
  if (/^[RC]/.test(status)) following.next();
  return { path: String(following.next().value ?? ''), mode, oldMode, objectId };
}

/** `<added> TAB <removed> TAB <path>`, with `-` for binary files; of a rename the path is empty and two paths follow. */
function countLines(
  entry: string,
  following: Iterator<string>,
  lines: { insertions: number; deletions: number },
): void {
  const [added = '', removed = '', path = ''] = entry.split('\t');
  lines.insertions += Number.parseInt(added, 10) || 0;
  lines.deletions += Number.parseInt(removed, 10) || 0;
  if (path !== '') return;
  following.next();
  following.next();
}

/** The patch as text that a store takes: whole files only, no NUL. */
function patchText(bytes: Buffer, cut: boolean): string {
  if (!cut && bytes.length <= maxPatchBytes) return withoutNul(bytes);
  const end = bytes.lastIndexOf('\ndiff --git ', maxPatchBytes);
  return `${withoutNul(bytes.subarray(0, Math.max(end, 0)))}\n# The patch goes on: it is longer than ${maxPatchBytes / 1_048_576} MiB.\n`;
}

function withoutNul(bytes: Buffer): string {
  return bytes.toString().replaceAll('\0', '\uFFFD');
}

/** The links that a change makes; their targets have to be looked at. */
export function madeLinks(change: Change): ChangedFile[] {
  return change.files.filter((file) => file.mode === symlinkMode);
}

/**
 * Refuses what may not become a commit. `targets` are the targets of `madeLinks`, in that order.
 * @throws COMMIT_REFUSED naming the path
 */
export function assertCommittable(change: Change, targets: readonly string[]): void {
  if (change.files.length > maxFiles) throw tooManyFiles();
  for (const { path, mode, oldMode } of change.files) {
    if (mode === gitlinkMode && oldMode !== gitlinkMode)
      throw refused(path, 'is a git repository of its own');
    if (mode === gitlinkMode)
      throw refused(path, 'is a submodule, and was moved to another commit');
    if (posix.basename(path) === '.gitmodules' && mode !== '000000') {
      throw refused(path, 'names repositories for git to fetch');
    }
  }
  for (const [index, { path }] of madeLinks(change).entries()) {
    const target = targets[index] ?? '';
    if (leavesTree(path, target))
      throw refused(path, `is a link that leads out of the repository (${target})`);
  }
}

/** Refuses a change of too many files. */
export function tooManyFiles(): AppError {
  return new AppError(
    'COMMIT_REFUSED',
    `More than ${maxFiles} files changed. Is build output missing in .gitignore?`,
  );
}

function refused(path: string, why: string): AppError {
  return new AppError('COMMIT_REFUSED', `${path} ${why}; it is not committed.`);
}

/**
 * Answers whether a link's target lies outside of the tree, or may: in git's own folder, which is no part of it, or up
 * again after a name, as that name may be a link to anywhere in the tree. A target that passes leads outside by way of
 * no other one that does.
 */
export function leavesTree(path: string, target: string): boolean {
  if (target.startsWith('/')) return true;
  const words = target.split('/').filter((word) => word !== '' && word !== '.');
  const firstName = words.findIndex((word) => word !== '..');
  if (firstName >= 0 && words.includes('..', firstName)) return true;
  const reached = posix.normalize(posix.join(posix.dirname(path), target)).split('/');
  return reached[0] === '..' || reached.some((name) => name.toLowerCase() === '.git');
}
