/**
 * The first half of the quarantine pipeline: git looks at the work tree, inside a second sandbox. Nothing of what the
 * agent left there (a replaced `.git`, nested repositories with filters, hooks, attributes) can run anything outside.
 *
 * Out of the sandbox comes one file, which the trusted side opened: empty when nothing changed, else the id of the new
 * tree, a newline, and a pack of the objects that the head does not have.
 */
import { closeSync, lstatSync, mkdirSync, openSync, readSync, utimesSync } from 'node:fs';
import { copyFile } from 'node:fs/promises';
import { join } from 'node:path';
import { AppError, codeOf } from '../../contracts/errors.ts';
import type { UncommittedFile } from '../ports.ts';
import { maxFiles, tooManyFiles } from './change-list.ts';
import type { HostView } from './host-view.ts';
import type { Exit, Launcher } from './launcher.ts';
import { launchInSandbox } from './run-sandboxed.ts';
import type { SandboxRequest } from './sandbox.ts';
import type { Worktree } from './worktrees.ts';

/** New content of a commit. Code hosts refuse single files of 100 MB; more than this in one step is no source code. */
const maxNewBytes = 256 * 1_048_576;
/** 20,000 files on a slow disk. */
const snapshotTimeoutMs = 600_000;
/** `ulimit -f` counts blocks of 512 bytes. */
const fileBlocks = maxNewBytes / 512;

const tooManyExit = 64;
const tooLargeExit = 65;
/** How a shell reports SIGXFSZ. */
const sizeSignalExit = 153;

/**
 * `add -v` names what it changes in the index: silence means that nothing changed. The pack is not compressed, so that
 * the limit on its size is one on the content; no deltas are looked for, as it lives for milliseconds.
 */
const script = `
set -e
ulimit -f ${fileBlocks}
check() {
  [ "$1" -ne 0 ] || return 0
  [ "$1" -eq ${sizeSignalExit} ] || exit "$1"
  find . -type f -size +65536 | head -n 5 >&2
  exit ${tooLargeExit}
}
added=$QUARANTINE/added
code=0
left=$#
while [ "$left" -gt 0 ]; do
  path=$1 blob=$2
  shift 2
  left=$((left - 2))
  if [ -f "$path" ] && [ ! -L "$path" ] && [ -z "$(git ls-files -- ":(literal)$path")" ] &&
    [ "$(git hash-object --no-filters -- "$path")" = "$blob" ]; then
    set -- "$@" ":(exclude,literal)$path"
  fi
done
git add --all --verbose -- . "$@" >"$added" || code=$?
check "$code"
[ -s "$added" ] || exit 0
[ "$(wc -l <"$added")" -le ${maxFiles} ] || exit ${tooManyExit}
tree=$(git write-tree)
printf '%s\\n' "$tree"
printf '%s\\n^%s\\n' "$tree" "$HEAD_COMMIT" |
  git -c pack.compression=0 -c pack.window=0 -c pack.threads=1 pack-objects --revs --stdout -q || check "$?"
`;

/** What a work tree holds. */
export interface Snapshot {
  readonly tree: string;
  /** The file with tree id and pack. */
  readonly file: string;
  /** Number of objects in the pack. */
  readonly objects: number;
  /** The index that goes with the tree. */
  readonly index: string;
}

/**
 * Takes snapshots. `folder` is a new folder for what comes out; files of `exclude` that git does not track are left out
 * while they are as said. Answers undefined when nothing changed.
 */
export type TakeSnapshot = (
  worktree: Worktree,
  folder: string,
  exclude: readonly UncommittedFile[],
) => Promise<Snapshot | undefined>;

/** Makes the taker of snapshots. @throws COMMIT_REFUSED · WORKSPACE_FAILED · SANDBOX_UNAVAILABLE (on use) */
export function createTakeSnapshot(deps: {
  readonly launcher: Launcher;
  readonly host: () => Promise<HostView>;
  readonly allowUnsandboxed: boolean;
}): TakeSnapshot {
  return async (worktree, folder, exclude) => {
    const quarantine = join(folder, 'quarantine');
    mkdirSync(join(quarantine, 'objects'), { recursive: true });
    const index = join(quarantine, 'index');
    await copyIndex(join(worktree.gitDir, 'index'), index);

    const file = join(folder, 'pack');
    const request: SandboxRequest = {
      readOnly: [join(worktree.mirror, 'objects'), worktree.gitDir, worktree.tree],
      writable: [quarantine],
      workDir: worktree.tree,
      env: {
        ...gitEnvironment(worktree, index),
        GIT_OBJECT_DIRECTORY: join(quarantine, 'objects'),
        GIT_ALTERNATE_OBJECT_DIRECTORIES: join(worktree.mirror, 'objects'),
        QUARANTINE: quarantine,
        HEAD_COMMIT: worktree.headCommit,
      },
    };
    const stderr: Uint8Array[] = [];
    const exit = await launchOverTree(deps, {
      argv: [
        'sh',
        '-c',
        script,
        'snapshot',
        ...exclude.flatMap(({ path, blobId }) => [path, blobId]),
      ],
      request,
      stdoutFile: file,
      timeoutMs: snapshotTimeoutMs,
      onOutput: (_stream, bytes) => {
        if (stderr.length < 16) stderr.push(bytes);
      },
    });
    if (exit.exitCode !== 0) throw failure(exit, Buffer.concat(stderr).toString());
    const head = readHead(file);
    return head === undefined ? undefined : { ...head, file, index };
  };
}

/** What git needs to look at a work tree with an index of its own. */
export function gitEnvironment(
  { gitDir, tree }: Worktree,
  index: string,
): Readonly<Record<string, string>> {
  return {
    GIT_DIR: gitDir,
    GIT_WORK_TREE: tree,
    GIT_INDEX_FILE: index,
    GIT_CONFIG_NOSYSTEM: '1',
    LC_ALL: 'C',
  };
}

/** What programs over a work tree are run with. */
export type TreeDeps = Parameters<typeof createTakeSnapshot>[0];

/** Runs a program of ours over a tree that an agent has touched, in a second sandbox. @throws SANDBOX_UNAVAILABLE */
export async function launchOverTree(
  deps: TreeDeps,
  launched: Omit<Parameters<typeof launchInSandbox>[2], 'signal'>,
): Promise<Exit> {
  const host = await deps.host();
  try {
    return await launchInSandbox(deps.launcher, host, launched);
  } catch (error) {
    // An agent that ran without a sandbox had every right already: there is nothing left to protect from its tree.
    if (codeOf(error) !== 'SANDBOX_UNAVAILABLE' || !deps.allowUnsandboxed) throw error;
    const { argv, request, ...rest } = launched;
    const [file = 'sh', ...args] = argv;
    const env = {
      ...request.env,
      PATH: host.path,
      HOME: join(request.workDir, '..'),
      GIT_CONFIG_GLOBAL: '/dev/null',
    };
    return deps.launcher.launch({
      ...rest,
      file,
      args,
      env,
      cwd: request.workDir,
      ownsGroup: true,
    });
  }
}

/**
 * The copy keeps the index's time. Git looks into every file that is not older than the index (one second is its
 * measure), so a later time would hide what was changed within the second of the checkout.
 */
export async function copyIndex(source: string, target: string): Promise<void> {
  const { mtime, atime } = lstatSync(source);
  await copyFile(source, target);
  utimesSync(target, atime, mtime);
}

/** Reads the tree's id and the pack's number of objects; undefined when the file is empty. */
function readHead(file: string): { readonly tree: string; readonly objects: number } | undefined {
  const descriptor = openSync(file, 'r');
  try {
    const buffer = Buffer.alloc(53);
    const bytesRead = readSync(descriptor, buffer);
    if (bytesRead === 0) return undefined;
    const tree = buffer.subarray(0, 40).toString('latin1');
    const isPack = bytesRead === 53 && buffer.subarray(40, 45).toString('latin1') === '\nPACK';
    if (!/^[0-9a-f]{40}$/.test(tree) || !isPack) {
      throw new AppError(
        'COMMIT_REFUSED',
        'The work tree made git answer something that is not a pack.',
      );
    }
    return { tree, objects: buffer.readUInt32BE(49) };
  } finally {
    closeSync(descriptor);
  }
}

function failure(exit: Exit, stderr: string): AppError {
  const said = stderr.trim().split('\n').slice(-5).join('; ').slice(0, 1_000);
  if (exit.timedOut)
    return new AppError('COMMIT_REFUSED', 'Looking for changes took over 10 minutes.');
  if (exit.exitCode === tooManyExit) return tooManyFiles();
  if (exit.exitCode === tooLargeExit) {
    const large = stderr.match(/^\.\/.+$/gm) ?? [];
    const files =
      large.length === 0 ? '' : ` Large files: ${large.map((path) => path.slice(2)).join(', ')}.`;
    return new AppError(
      'COMMIT_REFUSED',
      `More than ${maxNewBytes / 1_048_576} MB of new content.${files}`,
    );
  }
  const isOurs =
    exit.exitCode === undefined ||
    /No space left|Input\/output error|Cannot allocate|out of memory/i.test(said);
  return isOurs
    ? new AppError('WORKSPACE_FAILED', `Looking for changes failed: ${said}`)
    : new AppError('COMMIT_REFUSED', `Git cannot take the work tree as it is: ${said}`);
}
