/**
 * Merges work into a branch of its repository without a work tree: the merge is made in the mirror by git's plumbing, and
 * reaches the repository by one push that asks for the head that was merged with. Planning writes objects only, and the
 * same work on the same head makes the same commit, so both may be repeated.
 */
import { join } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { Workspaces } from '../ports.ts';
import { openPushTarget, pushCommit, type PushTarget } from './delivery.ts';
import { gitMessage, type Git, type GitResult } from './git.ts';
import { mirrorPath, type Mirrors } from './mirrors.ts';
import { mergeIgnoringSpace, readConflicts } from './space-merge.ts';

/** A large merge on a slow disk. */
const mergeTimeoutMs = 600_000;
const listTimeoutMs = 60_000;
/** Conflicting files that are named; beyond it they are cut off. */
const maxConflictBytes = 1_048_576;
/** Files in conflict of which it is asked whether white space is all: beyond it somebody has to look anyway. */
const maxSpaceFiles = 100;

type MergeRequest = Parameters<Workspaces['planMerge']>[0];

/** Makes `planMerge` and `pushMerge`. */
export function createMerging({
  git,
  mirrors,
  dataDir,
}: {
  readonly git: Git;
  readonly mirrors: Mirrors;
  readonly dataDir: string;
}): Pick<Workspaces, 'planMerge' | 'pushMerge'> {
  return {
    async planMerge(request) {
      const { repository, commit } = request;
      const target = await findTarget(await openPushTarget(git, repository), request);
      const mirror = await mirrors.open(repository);
      await mirrors.update(repository, target.targetHead, request.signal);
      const run = (args: readonly string[], more: object = {}): Promise<GitResult> =>
        git.run({ args: [`--git-dir=${mirror}`, ...args], timeoutMs: mergeTimeoutMs, ...more });
      const holds = async (descendant: string, ancestor: string): Promise<boolean> => {
        const asked = await run(['merge-base', '--is-ancestor', ancestor, descendant]);
        if (asked.exitCode !== 0 && asked.exitCode !== 1) throw failed('compare commits', asked);
        return asked.exitCode === 0;
      };
      const { targetHead } = target;
      if (await holds(targetHead, commit)) return { ...target, kind: 'contained' };
      if (await holds(commit, targetHead)) return { ...target, kind: 'fast-forward', commit };

      const { tree, paths } = await mergeTrees(run, { targetHead, ...request });
      if (tree === undefined) return { ...target, kind: 'conflict', files: paths };
      const date = `${String(Math.floor(request.date.getTime() / 1_000))} +0000`;
      const made = await run(['commit-tree', tree, '-p', targetHead, '-p', commit], {
        stdin: request.message,
        env: {
          GIT_AUTHOR_NAME: 'ado',
          GIT_AUTHOR_EMAIL: 'ado@localhost',
          GIT_AUTHOR_DATE: date,
          GIT_COMMITTER_DATE: date,
        },
      });
      const mergeCommit = made.stdout.toString().trim();
      if (made.exitCode !== 0 || !/^[0-9a-f]{40}$/.test(mergeCommit)) throw failed('merge', made);
      return { ...target, kind: 'merge', commit: mergeCommit, spaceIgnoredIn: paths };
    },
    async pushMerge({ repository, target, targetHead, commit }) {
      const gitDir = mirrorPath(join(dataDir, 'mirrors'), repository);
      const pushed = await pushCommit(await openPushTarget(git, repository), {
        ...{ gitDir, repository, commit, branch: target, expected: targetHead },
      });
      if (pushed.kind === 'delivered') return 'merged';
      if (pushed.kind === 'stale') return 'stale';
      // Somebody pushed between its look at the branch and the update: as stale as before it.
      if (/cannot lock ref|non-fast-forward|fetch first/.test(pushed.why)) return 'stale';
      const why = /checked out/.test(pushed.why)
        ? `The branch ${target} is checked out in ${repository}, and is not pulled away under its user.`
        : `${repository} refuses the merge into ${target}: ${pushed.why}.`;
      throw new AppError('MERGE_CONFLICT', why);
    },
  };
}

/**
 * Merges two commits as trees. Answers the tree with the files in which white space was ignored, or without a tree the
 * files in conflict. @throws WORKSPACE_FAILED
 */
async function mergeTrees(
  run: (args: readonly string[], more?: object) => Promise<GitResult>,
  request: Pick<MergeRequest, 'commit' | 'mayIgnoreSpace'> & { readonly targetHead: string },
): Promise<{ readonly tree: string | undefined; readonly paths: readonly string[] }> {
  const { targetHead, commit, mayIgnoreSpace } = request;
  const merged = await run(['merge-tree', '--write-tree', '-z', targetHead, commit], {
    maxOutputBytes: maxConflictBytes,
  });
  const { tree, paths, files } = readConflicts(merged.stdout.toString());
  // Conflicts are all that makes it so long; the last path may be half of one.
  if (merged.cut) return { tree: undefined, paths: paths.slice(0, -1) };
  if (merged.exitCode === 1) {
    const isTrivial =
      files !== undefined && files.length <= maxSpaceFiles && paths.every(mayIgnoreSpace);
    return { tree: isTrivial ? await mergeIgnoringSpace(run, { tree, files }) : undefined, paths };
  }
  if (merged.exitCode !== 0 || !/^[0-9a-f]{40}$/.test(tree)) throw failed('merge', merged);
  return { tree, paths };
}

/** The branch to merge into: the named one, or the one that HEAD names. @throws REF_NOT_FOUND */
async function findTarget(
  source: PushTarget,
  { repository, target }: { readonly repository: string; readonly target?: string | undefined },
): Promise<{ readonly target: string; readonly targetHead: string }> {
  const name = target === undefined ? 'HEAD' : `refs/heads/${target}`;
  const listed = await source.talk({
    args: ['ls-remote', '--symref', '--', repository, name],
    timeoutMs: listTimeoutMs,
  });
  if (listed.exitCode !== 0)
    throw new AppError('WORKSPACE_FAILED', `Cannot read ${repository}: ${gitMessage(listed)}`);
  const lines = listed.stdout.toString().split('\n');
  const targetHead = lines
    .map((line) => line.split('\t'))
    .find(([id = '', ref]) => ref === name && /^[0-9a-f]{40}$/.test(id))?.[0];
  const branch =
    target ?? lines.map((line) => /^ref: refs\/heads\/(\S+)\tHEAD$/.exec(line)?.[1]).find(Boolean);
  if (targetHead === undefined || branch === undefined) {
    const what = target === undefined ? 'HEAD of it names no branch' : `no branch ${target}`;
    throw new AppError(
      'REF_NOT_FOUND',
      `${repository} cannot be merged into: ${what}. Name one with \`--target\`.`,
    );
  }
  return { target: branch, targetHead };
}

function failed(what: string, result: GitResult): AppError {
  return new AppError('WORKSPACE_FAILED', `Cannot ${what}: ${gitMessage(result)}`);
}
