/**
 * Worktrees: one folder per key and attempt, `worktrees/<key>/<random>/`:
 *
 *   <name>/      the work tree, named like the repository; all that an agent may write to
 *   git/         its git folder, read-only for agents: HEAD, index, one branch, objects borrowed from the mirror
 *   state.json   repository, mirror and the commit that the work tree stands at
 *
 * `git worktree add` would take a lock in the mirror and three processes; these files and one `read-tree` do the same.
 * A worktree is never used again by another attempt, so whatever a killed or overtaken one still does, it does in a
 * folder that nobody looks at.
 */
import { randomBytes, createHash } from 'node:crypto';
import { lstatSync, mkdirSync, renameSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { Workspace, Workspaces } from '../ports.ts';
import { gitMessage, type Git } from './git.ts';
import type { Launcher } from './launcher.ts';
import { readableName, type Mirrors } from './mirrors.ts';
import { removeTree } from './remove-tree.ts';
import { findText, makePrivateFolder, namesIn, replaceFile } from './small-files.ts';

/** A large tree on a slow disk. */
const checkoutTimeoutMs = 600_000;

/** A worktree that exists. */
export interface Worktree {
  readonly tree: string;
  readonly gitDir: string;
  /** Names the task's attempt. */
  readonly key: string;
  readonly mirror: string;
  readonly repository: string;
  readonly branch: string;
  /** The commit that it was checked out at, or that was last made from it. */
  readonly headCommit: string;
}

/** What `state.json` holds. */
type State = Pick<Worktree, 'key' | 'mirror' | 'repository' | 'branch' | 'headCommit'>;

/** The worktrees of this host. */
export interface Worktrees {
  prepare: Workspaces['prepare'];
  discard: Workspaces['discard'];
  /** Works in the worktree of a workspace. @throws WORKSPACE_FAILED when it is gone, or was taken away meanwhile */
  use<T>(workspace: Workspace, work: (worktree: Worktree) => Promise<T>): Promise<T>;
  /** Records that a commit was made from the worktree, with the index that it was made with. */
  advance(worktree: Worktree, commit: string, index: string): void;
  /** Empties the work tree and checks out another commit at the same path. */
  reset(worktree: Worktree, commit: string): Promise<void>;
  /** Removes worktrees whose last use is older than `before`. Answers how many. */
  sweep(before: Date): Promise<number>;
}

/** Makes the worktrees of a data folder. */
export function createWorktrees(deps: {
  readonly git: Git;
  readonly launcher: Launcher;
  readonly mirrors: Mirrors;
  readonly dataDir: string;
}): Worktrees {
  const { git, launcher, mirrors } = deps;
  const folder = join(deps.dataDir, 'worktrees');

  const checkOut = async (
    worktree: Worktree,
    commit: string,
    signal?: AbortSignal,
  ): Promise<string | undefined> => {
    rmSync(join(worktree.gitDir, 'index'), { force: true });
    const result = await git.run({
      args: [
        `--git-dir=${worktree.gitDir}`,
        `--work-tree=${worktree.tree}`,
        'read-tree',
        '-m',
        '-u',
        commit,
      ],
      timeoutMs: checkoutTimeoutMs,
      signal,
    });
    return result.exitCode === 0 ? undefined : gitMessage(result);
  };

  const makeFolders = (worktree: Worktree): void => {
    const { tree, gitDir, mirror } = worktree;
    makePrivateFolder(folder);
    mkdirSync(join(gitDir, 'objects', 'info'), { recursive: true });
    mkdirSync(dirname(join(gitDir, 'refs', 'heads', worktree.branch)), { recursive: true });
    mkdirSync(tree);
    writeFileSync(join(gitDir, 'HEAD'), `ref: refs/heads/${worktree.branch}\n`);
    writeFileSync(
      join(gitDir, 'config'),
      '[core]\n\trepositoryformatversion = 0\n\tbare = false\n',
    );
    writeFileSync(join(gitDir, 'objects', 'info', 'alternates'), `${join(mirror, 'objects')}\n`);
    writeFileSync(join(tree, '.git'), `gitdir: ${gitDir}\n`);
    const shallow = findText(join(mirror, 'shallow'));
    if (shallow !== undefined) writeFileSync(join(gitDir, 'shallow'), shallow);
    setHead(worktree, worktree.headCommit);
  };

  const list = (key: string): Worktree[] => {
    const slots = namesIn(join(folder, nameOf(key))).map((slot) =>
      readWorktree(join(folder, nameOf(key), slot)),
    );
    return slots.filter((worktree) => worktree !== undefined);
  };

  const removeWorktrees = (key: string): Promise<void> =>
    removeTree(launcher, join(folder, nameOf(key)));

  return {
    async prepare({ key, repository, headCommit, branch, keep = false, signal }) {
      const known = keep
        ? list(key).find((worktree) => worktree.headCommit === headCommit)
        : undefined;
      if (known !== undefined) {
        touch(known);
        return { path: known.tree, headCommit, isKept: true };
      }
      await removeWorktrees(key);
      const slot = join(folder, nameOf(key), randomBytes(4).toString('hex'));
      const worktree: Worktree = {
        tree: join(slot, readableName(repository)),
        gitDir: join(slot, 'git'),
        mirror: await mirrors.open(repository),
        ...{ key, repository, branch, headCommit },
      };
      makeFolders(worktree);
      const failed = await checkOut(worktree, headCommit, signal);
      if (failed !== undefined) {
        await mirrors.update(repository, headCommit, signal);
        await emptyTree(launcher, worktree);
        const failedAgain = await checkOut(worktree, headCommit, signal);
        if (failedAgain !== undefined) {
          await removeTree(launcher, slot);
          throw new AppError(
            'WORKSPACE_FAILED',
            `Cannot check out ${headCommit} of ${repository}: ${failedAgain}`,
          );
        }
      }
      await dropStaleRef(git, worktree);
      writeState(worktree);
      return { path: worktree.tree, headCommit, isKept: false };
    },
    async discard(key) {
      // Its work is delivered, or of no use: the ref would only make every later push from the mirror slower.
      for (const { mirror } of list(key)) rmSync(join(mirror, refOf(key)), { force: true });
      await removeWorktrees(key);
    },
    async use({ path }, work) {
      const assertThere = (): Worktree => {
        const worktree = readWorktree(dirname(path));
        if (worktree?.tree === path) return worktree;
        throw new AppError('WORKSPACE_FAILED', `The worktree ${path} is gone.`);
      };
      const worktree = assertThere();
      touch(worktree);
      try {
        return await work(worktree);
      } finally {
        // Once a newer attempt has thrown it away, no outcome says anything about the work.
        assertThere();
      }
    },
    advance(worktree, commit, index) {
      renameSync(index, join(worktree.gitDir, 'index'));
      setHead(worktree, commit);
      writeState({ ...worktree, headCommit: commit });
    },
    async reset(worktree, commit) {
      await emptyTree(launcher, worktree);
      const failed = await checkOut(worktree, commit);
      if (failed !== undefined)
        throw new AppError('WORKSPACE_FAILED', `Cannot check out ${commit}: ${failed}`);
      setHead(worktree, commit);
      writeState({ ...worktree, headCommit: commit });
    },
    async sweep(before) {
      let removed = 0;
      for (const name of namesIn(folder)) {
        if (lastUse(join(folder, name)) >= before.getTime()) continue;
        await removeTree(launcher, join(folder, name));
        removed += 1;
      }
      return removed;
    },
  };
}

/** Marks a worktree as used, so that the sweep leaves it alone. */
function touch(worktree: Worktree): void {
  const now = new Date();
  utimesSync(join(dirname(worktree.tree), 'state.json'), now, now);
}

/** A name for folders and refs from any key. Plain words joined by dots, as the names of attempts are, stand for themselves. */
function nameOf(key: string): string {
  const isPlain = /^\w[\w-]*(\.[\w-]+)*$/.test(key) && !key.endsWith('.lock') && key.length <= 120;
  return isPlain ? key : createHash('sha256').update(key).digest('hex');
}

/**
 * The ref that an attempt of a task owns in the mirror. Not the branch's name: an attempt of the same task that was
 * given up, and still runs somewhere, must not stand in the way of the next one.
 */
export function refOf(key: string): string {
  return `refs/ado/tasks/${nameOf(key)}`;
}

/** Reads a ref as git stores it; the mirror's are never packed. */
export function readRef(mirror: string, ref: string): string | undefined {
  return findText(join(mirror, ref))?.trim();
}

/**
 * The attempt's ref stands where its work does, or one commit further when that is not on record yet. Else the work went on
 * at another host meanwhile: the ref is of no use.
 */
async function dropStaleRef(git: Git, { mirror, key, headCommit }: Worktree): Promise<void> {
  const ref = refOf(key);
  const standsAt = readRef(mirror, ref);
  if (standsAt === undefined || standsAt === headCommit) return;
  const parent = await git.run({
    args: [`--git-dir=${mirror}`, 'rev-parse', '--verify', '--quiet', `${standsAt}^`],
  });
  if (parent.stdout.toString().trim() !== headCommit) rmSync(join(mirror, ref), { force: true });
}

async function emptyTree(launcher: Launcher, worktree: Worktree): Promise<void> {
  await removeTree(launcher, worktree.tree);
  mkdirSync(worktree.tree);
  writeFileSync(join(worktree.tree, '.git'), `gitdir: ${worktree.gitDir}\n`);
}

function setHead(worktree: Worktree, commit: string): void {
  replaceFile(join(worktree.gitDir, 'refs', 'heads', worktree.branch), `${commit}\n`);
}

function writeState({ tree, key, mirror, repository, branch, headCommit }: Worktree): void {
  const state: State & { name: string } = {
    key,
    mirror,
    repository,
    branch,
    headCommit,
    name: basename(tree),
  };
  replaceFile(join(dirname(tree), 'state.json'), JSON.stringify(state));
}

function readWorktree(slot: string): Worktree | undefined {
  const text = findText(join(slot, 'state.json'));
  if (text === undefined) return undefined;
  const { name, ...state } = JSON.parse(text) as State & { readonly name: string };
  return { ...state, tree: join(slot, name), gitDir: join(slot, 'git') };
}

/** The last use of any worktree of a key; of one that was never finished, when its folder was made. */
function lastUse(keyFolder: string): number {
  const states = namesIn(keyFolder).map((slot) => join(keyFolder, slot, 'state.json'));
  const times = [keyFolder, ...states].map(
    (path) => lstatSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0,
  );
  return Math.max(...times);
}
