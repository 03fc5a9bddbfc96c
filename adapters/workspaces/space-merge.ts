/**
 * Conflicts of white space: files that git puts together once changes in the amount of white space count for nothing.
 *
 * `git merge-tree` has no such option in the oldest git that we run on (2.39), so what it says of the files in conflict is
 * merged once more, they alone, by `git merge-recursive`. Objects are all that it writes into the mirror. The same files
 * make the same tree, whichever version of git it is.
 */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import { gitMessage, type GitResult } from './git.ts';

/** A file that both sides have changed, by git's ids of its content. */
export interface ConflictingFile {
  readonly path: string;
  readonly mode: string;
  readonly base: string;
  readonly ours: string;
  readonly theirs: string;
}

/** What `git merge-tree -z` says of a merge with conflicts. */
export interface ConflictingMerge {
  /** The merge, with marks in the files in conflict. */
  readonly tree: string;
  readonly paths: readonly string[];
  /** The files, when all conflicts are in the content of plain files; else undefined. */
  readonly files: readonly ConflictingFile[] | undefined;
}

/** Reads the output of `git merge-tree --write-tree -z`: tree, files by side, then messages with their kinds. */
export function readConflicts(output: string): ConflictingMerge {
  const parts = output.split('\0');
  const end = parts.indexOf('', 1);
  const entries = parts.slice(1, end < 0 ? undefined : end).flatMap((part) => {
    const [, mode = '', id = '', side = '', path = ''] =
      /^(\d{6}) ([0-9a-f]{40}) ([123])\t(.+)$/s.exec(part) ?? [];
    return path === '' ? [] : [{ mode, id, side, path }];
  });
  const byPath = Map.groupBy(entries, ({ path }) => path);
  const files = [...byPath].map(([path, sides]): ConflictingFile | undefined => {
    const [base, ours, theirs] = ['1', '2', '3'].map((side) => sides.find((s) => s.side === side));
    if (base === undefined || ours === undefined || theirs === undefined) return undefined;
    const { mode } = base;
    const isPlain = /^100/.test(mode) && sides.every((side) => side.mode === mode);
    return isPlain ? { path, mode, base: base.id, ours: ours.id, theirs: theirs.id } : undefined;
  });
  const isOfContent =
    end >= 0 && kindsOf(parts.slice(end + 1)).every((kind) => contentKinds.has(kind));
  const plain = files.filter((file) => file !== undefined);
  return {
    tree: parts[0] ?? '',
    paths: [...byPath.keys()],
    files: isOfContent && plain.length === files.length ? plain : undefined,
  };
}

const contentKinds = new Set(['Auto-merging', 'CONFLICT (contents)']);

/** Kinds of messages; each is a count of paths, the paths, the kind, and a text for people. */
function kindsOf(parts: readonly string[]): string[] {
  const kinds: string[] = [];
  for (let at = 0; at + 1 < parts.length;) {
    const kindAt = at + 1 + Number(parts[at]);
    // What we cannot read is of no kind that we know.
    if (!Number.isInteger(kindAt)) return ['unknown'];
    kinds.push(parts[kindAt] ?? 'unknown');
    at = kindAt + 2;
  }
  return kinds;
}

/** Runs git in the mirror; what fails is thrown. */
type RunGit = (
  args: readonly string[],
  more: { readonly env: Readonly<Record<string, string>>; readonly stdin?: string },
) => Promise<GitResult>;

/**
 * Puts the files together without regard to the amount of white space. Answers the tree of the whole merge, or undefined
 * when something else stands against it. @throws WORKSPACE_FAILED
 */
export async function mergeIgnoringSpace(
  run: RunGit,
  { tree, files }: { readonly tree: string; readonly files: readonly ConflictingFile[] },
): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'ado-merge-'));
  const env = {
    GIT_INDEX_FILE: join(folder, 'index'),
    GIT_WORK_TREE: join(folder, 'files'),
  };
  const ask = async (args: readonly string[], stdin?: string): Promise<string> => {
    const result = await run(args, { env, ...(stdin === undefined ? {} : { stdin }) });
    if (result.exitCode !== 0)
      throw new AppError('WORKSPACE_FAILED', `Cannot merge: ${gitMessage(result)}`);
    return result.stdout.toString().trim();
  };
  const treeOf = (side: 'base' | 'ours' | 'theirs'): Promise<string> =>
    ask(['mktree'], files.map((file, place) => `100644 blob ${file[side]}\t${place}\n`).join(''));
  try {
    await mkdir(env.GIT_WORK_TREE);
    const [base, ours, theirs] = [
      await treeOf('base'),
      await treeOf('ours'),
      await treeOf('theirs'),
    ];
    await ask(['read-tree', ours]);
    const sides = [base, '--', ours, theirs];
    const merged = await run(['merge-recursive', '--ignore-space-change', ...sides], { env });
    if (merged.exitCode !== 0) return undefined;
    const listed = await ask(['ls-files', '--stage']);
    const ids = new Map(
      listed.split('\n').map((line) => {
        const [, id = '', place = ''] = /^\d+ ([0-9a-f]{40}) 0\t(\d+)$/.exec(line) ?? [];
        return [Number(place), id];
      }),
    );
    await ask(['read-tree', tree]);
    const lines = files.map(
      ({ mode, path }, place) => `${mode} ${ids.get(place) ?? ''}\t${path}\0`,
    );
    await ask(['update-index', '-z', '--index-info'], lines.join(''));
    return await ask(['write-tree']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}
