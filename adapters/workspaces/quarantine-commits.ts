/**
 * From a work tree to a commit: snapshot in a second sandbox, import and judgement on the trusted side, then one
 * compare-and-swap of the attempt's ref in the mirror.
 *
 * The commit's id depends on tree, parent, message, date and effect id only: an attempt that is repeated makes the same
 * commit, and finds it there. One that made another tree finds the commit of its step (by trailer and parent) and takes
 * that: the first commit of a step is the one that counts. Whatever is killed on the way leaves files in its own
 * worktree's folder, which is never used again.
 */
import { lstatSync, mkdirSync, readdirSync, renameSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AppError } from '../../contracts/errors.ts';
import type { CommitRequest, CommitResult, CrashPoint } from '../ports.ts';
import {
  assertCommittable,
  diffArguments,
  madeLinks,
  maxDiffBytes,
  noChange,
  parseChange,
  type Change,
} from './change-list.ts';
import { createCommit, isCommitOf, type CommitObject } from './commit-object.ts';
import { gitMessage, type Git } from './git.ts';
import type { Launcher } from './launcher.ts';
import { removeTree } from './remove-tree.ts';
import type { Snapshot, TakeSnapshot } from './snapshot.ts';
import { readRef, refOf, type Worktree, type Worktrees } from './worktrees.ts';

/** As in git's own receive-pack: below, loose objects; from there on, one pack. */
const unpackLimit = 100;
const importTimeoutMs = 600_000;
/** A ref is locked for microseconds; a lock this old belongs to a process that was killed with its host. */
const staleLockMs = 10_000;

/** Shell words that import the pack behind the file's first line, then print the change. */
const importScript = (importer: string): string =>
  `{ IFS= read -r _ && ${importer}; } <"$1" >/dev/null && shift && exec git "$@"`;
const unpack = 'git unpack-objects -q --strict';
const index = 'git index-pack --stdin --strict --fix-thin --threads=1';

/**
 * Turns what is in a worktree into a commit on top of `headCommit`.
 * @throws COMMIT_REFUSED · SUPERSEDED · WORKSPACE_FAILED · SANDBOX_UNAVAILABLE
 */
export type CommitWork = (
  worktree: Worktree,
  headCommit: string,
  request: CommitRequest,
) => Promise<CommitResult>;

/** Makes `CommitWork`. */
export function createCommitWork(deps: {
  readonly git: Git;
  readonly launcher: Launcher;
  readonly worktrees: Worktrees;
  readonly takeSnapshot: TakeSnapshot;
  readonly crashpoint: CrashPoint;
}): CommitWork {
  const { git, launcher, worktrees, takeSnapshot, crashpoint } = deps;

  /** Between two commits that the mirror has. */
  const changeBetween = async (mirror: string, base: string, commit: string): Promise<Change> => {
    if (base === commit) return noChange;
    const shown = await git.run({
      args: [`--git-dir=${mirror}`, ...diffArguments, base, commit],
      maxOutputBytes: maxDiffBytes,
      timeoutMs: importTimeoutMs,
    });
    if (shown.exitCode !== 0 && !shown.cut)
      throw new AppError('WORKSPACE_FAILED', `Cannot compare commits: ${gitMessage(shown)}`);
    return parseChange(shown.stdout, shown.cut);
  };

  /** Imports a snapshot into a folder of its own and judges it. @throws COMMIT_REFUSED */
  const importSnapshot = async (
    { mirror }: Worktree,
    snapshot: Snapshot,
    { objects, baseCommit }: { readonly objects: string; readonly baseCommit: string },
  ): Promise<Change> => {
    const env = {
      GIT_DIR: mirror,
      GIT_OBJECT_DIRECTORY: objects,
      GIT_ALTERNATE_OBJECT_DIRECTORIES: join(mirror, 'objects'),
    };
    const shown = await git.script(importScript(snapshot.objects < unpackLimit ? unpack : index), {
      args: [snapshot.file, ...diffArguments, baseCommit, snapshot.tree],
      env,
      maxOutputBytes: maxDiffBytes,
      timeoutMs: importTimeoutMs,
    });
    if (shown.exitCode !== 0 && !shown.cut) {
      throw new AppError(
        'COMMIT_REFUSED',
        `Git refuses the content of the work tree: ${gitMessage(shown)}`,
      );
    }
    const change = parseChange(shown.stdout, shown.cut);
    const links = madeLinks(change);
    const targets =
      links.length === 0
        ? []
        : await readTargets(
            links.map(({ objectId }) => objectId),
            env,
          );
    assertCommittable(change, targets);
    return change;
  };

  const readTargets = async (
    objectIds: readonly string[],
    env: Record<string, string>,
  ): Promise<string[]> => {
    const { stdout } = await git.run({
      args: ['cat-file', '--batch'],
      stdin: objectIds.map((objectId) => `${objectId}\n`).join(''),
      env,
      maxOutputBytes: 128 * 1_048_576,
    });
    const targets: string[] = [];
    for (let at = 0; at < stdout.length;) {
      const lineEnd = stdout.indexOf('\n', at);
      const size = Number(stdout.subarray(at, lineEnd).toString().split(' ')[2]);
      if (lineEnd < 0 || !Number.isSafeInteger(size)) break;
      targets.push(stdout.subarray(lineEnd + 1, lineEnd + 1 + size).toString());
      at = lineEnd + size + 2;
    }
    if (targets.length < objectIds.length)
      throw new AppError('COMMIT_REFUSED', 'The targets of its links are too long.');
    return targets;
  };

  /** Moves the attempt's ref from one commit to another. Answers what it stands at afterwards. */
  const moveRef = async (worktree: Worktree, from: string, to: string): Promise<string> => {
    const ref = refOf(worktree.key);
    for (let triesLeft = 10; ; triesLeft -= 1) {
      const current = readRef(worktree.mirror, ref);
      // A mirror that does not know the attempt yet, as its first commit was made on another host, learns of it here.
      if (current !== undefined && current !== from) return current;
      const expected = current ?? '0'.repeat(40);
      const moved = await git.run({
        args: [`--git-dir=${worktree.mirror}`, 'update-ref', ref, to, expected],
      });
      if (moved.exitCode === 0) return to;
      if (triesLeft === 0)
        throw new AppError('WORKSPACE_FAILED', `Cannot move ${ref}: ${gitMessage(moved)}`);
      breakStaleLock(join(worktree.mirror, `${ref}.lock`));
      await sleep(50);
    }
  };

  /** Answers a commit that the step has made before. @throws SUPERSEDED when it is another step's */
  const acknowledge = async (
    worktree: Worktree,
    commit: string,
    request: CommitRequest,
  ): Promise<CommitResult> => {
    const text = await git.run({
      args: [`--git-dir=${worktree.mirror}`, 'cat-file', 'commit', commit],
    });
    const mine = { parent: worktree.headCommit, effectId: request.effectId };
    if (!isCommitOf(text.stdout.toString(), mine)) {
      throw new AppError(
        'SUPERSEDED',
        `The branch ${request.branch} has moved on to ${commit}; a newer attempt has taken over.`,
      );
    }
    return {
      commit,
      committed: true,
      ...resultOf(await changeBetween(worktree.mirror, request.baseCommit, commit)),
    };
  };

  /** An earlier attempt has committed the step: the work tree becomes what that commit says. */
  const adopt = async (
    worktree: Worktree,
    commit: string,
    request: CommitRequest,
  ): Promise<CommitResult> => {
    const result = await acknowledge(worktree, commit, request);
    await worktrees.reset(worktree, commit);
    return result;
  };

  const commitSnapshot = async (
    worktree: Worktree,
    snapshot: Snapshot,
    { request, folder }: { readonly request: CommitRequest; readonly folder: string },
  ): Promise<CommitResult> => {
    const { mirror, headCommit: parent } = worktree;
    const objects = join(folder, 'incoming');
    mkdirSync(objects);
    const change = await importSnapshot(worktree, snapshot, {
      objects,
      baseCommit: request.baseCommit,
    });
    const { message, date, effectId } = request;
    const commit = createCommit({ tree: snapshot.tree, parent, message, date, effectId });
    await storeObject(objects, commit);
    moveObjects(objects, join(mirror, 'objects'));

    await crashpoint('git.afterImport.beforeRef');
    const standsAt = await moveRef(worktree, parent, commit.id);
    if (standsAt !== commit.id) return adopt(worktree, standsAt, request);
    await crashpoint('git.afterRef.beforeReturn');

    // It comes from the quarantine: a link there could name any file.
    if (!lstatSync(snapshot.index).isFile())
      throw new AppError('COMMIT_REFUSED', 'The index is not a file.');
    worktrees.advance(worktree, commit.id, snapshot.index);
    return { commit: commit.id, committed: true, ...resultOf(change) };
  };

  return async (found, headCommit, request) => {
    const worktree = { ...found, headCommit };
    // The caller still names the commit before: it asks again for one that was made from this very worktree.
    if (found.headCommit !== headCommit) return acknowledge(worktree, found.headCommit, request);

    // What the commit before left there goes here and not at its end: most worktrees make one and are thrown away.
    const folder = join(dirname(worktree.tree), 'commit');
    await removeTree(launcher, folder);
    mkdirSync(folder);
    const snapshot = await takeSnapshot(worktree, folder, request.exclude ?? []);
    if (snapshot !== undefined)
      return await commitSnapshot(worktree, snapshot, { request, folder });
    const standsAt = readRef(worktree.mirror, refOf(worktree.key)) ?? worktree.headCommit;
    if (standsAt !== worktree.headCommit) return await adopt(worktree, standsAt, request);
    const change = await changeBetween(worktree.mirror, request.baseCommit, worktree.headCommit);
    return { commit: worktree.headCommit, committed: false, ...resultOf(change) };
  };
}

function resultOf({ diffStat, patch }: Change): Pick<CommitResult, 'diffStat' | 'patch'> {
  return { diffStat, patch };
}

function breakStaleLock(lock: string): void {
  const found = lstatSync(lock, { throwIfNoEntry: false });
  if (found !== undefined && Date.now() - found.mtimeMs > staleLockMs)
    rmSync(lock, { force: true });
}

async function storeObject(objects: string, { id, bytes }: CommitObject): Promise<void> {
  const folder = join(objects, id.slice(0, 2));
  mkdirSync(folder, { recursive: true });
  await writeFile(join(folder, id.slice(2)), bytes, { flush: true, mode: 0o444 });
}

/** Moves imported objects into the mirror; a pack counts from the moment its index is there, so that comes last. */
function moveObjects(from: string, to: string): void {
  for (const folder of readdirSync(from)) {
    mkdirSync(join(to, folder), { recursive: true });
    const names = readdirSync(join(from, folder));
    const inOrder = names.sort(
      (one, other) => Number(one.endsWith('.idx')) - Number(other.endsWith('.idx')),
    );
    for (const name of inOrder) renameSync(join(from, folder, name), join(to, folder, name));
  }
}
