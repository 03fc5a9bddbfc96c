/** Puts a task's branch into its source repository: one push, which never goes over commits of others. */
import { join } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { Workspaces } from '../ports.ts';
import { gitMessage, type Git, type GitResult, type GitRun } from './git.ts';
import { openLocal } from './local-repository.ts';
import { mirrorPath } from './mirrors.ts';
import { locationOf } from './targets.ts';

const pushTimeoutMs = 600_000;

/**
 * How a local repository receives. Its own hooks and settings stay out: they are for people's pushes, and a background
 * process of it would outlive the task. Git starts this through a shell, without the environment of the pushing side.
 */
const receivePack = [
  'git -c core.hooksPath=/dev/null -c core.fsmonitor=false -c core.alternateRefsCommand=true',
  '-c gc.auto=0 -c receive.autogc=false -c receive.denyCurrentBranch=refuse receive-pack',
].join(' ');

type Delivery = Parameters<Workspaces['deliver']>[0];

/** Makes `deliver`. */
export function createDeliver({
  git,
  dataDir,
}: {
  readonly git: Git;
  readonly dataDir: string;
}): Workspaces['deliver'] {
  return async (delivery) => {
    const target = await openPushTarget(git, delivery.repository);
    const gitDir = mirrorPath(join(dataDir, 'mirrors'), delivery.repository);
    const push = (expected: string): Promise<PushOutcome> =>
      pushCommit(target, { ...delivery, gitDir, expected });

    const first = await push('');
    if (first.kind === 'delivered') return { delivered: true };
    if (first.kind === 'refused') throw refusal(delivery, first.why);

    // The branch is there. Ours may be replaced, by exactly what was looked at.
    const found = await currentCommit(target, delivery);
    if (found === undefined || !delivery.ours.includes(found)) {
      throw await conflict(git, delivery, { found, gitDir: target.gitDir });
    }
    const second = await push(found);
    if (second.kind === 'delivered') return { delivered: true };
    if (second.kind === 'refused') throw refusal(delivery, second.why);
    throw await conflict(git, delivery, {
      found: await currentCommit(target, delivery),
      gitDir: target.gitDir,
    });
  };
}

/** A repository that commits are pushed into. */
export interface PushTarget {
  readonly talk: (run: GitRun) => Promise<GitResult>;
  readonly options: readonly string[];
  /** Where commits of the target can be read; undefined for another host's. */
  readonly gitDir: string | undefined;
}

/** Finds out how to talk to a repository. @throws NOT_A_GIT_REPOSITORY · REPOSITORY_NOT_FOUND */
export async function openPushTarget(git: Git, repository: string): Promise<PushTarget> {
  const location = locationOf(repository);
  if (location.kind === 'remote') return { talk: git.remote, options: [], gitDir: undefined };
  const { gitDir } = await openLocal(location.path);
  return { talk: git.run, options: [`--receive-pack=${receivePack}`], gitDir };
}

/**
 * Pushes one commit to one branch, which must stand at `expected` (empty: must not be there).
 * @throws WORKSPACE_FAILED when the other side cannot be reached
 */
export async function pushCommit(
  target: PushTarget,
  push: {
    /** The mirror that has the commit. */
    readonly gitDir: string;
    readonly repository: string;
    readonly branch: string;
    readonly commit: string;
    readonly expected: string;
  },
): Promise<PushOutcome> {
  const ref = `refs/heads/${push.branch}`;
  const pushed = await target.talk({
    args: [
      `--git-dir=${push.gitDir}`,
      ...['push', '--porcelain', '--no-verify', '--no-progress', ...target.options],
      `--force-with-lease=${ref}:${push.expected}`,
      ...['--', push.repository, `${push.commit}:${ref}`],
    ],
    timeoutMs: pushTimeoutMs,
  });
  return readPush(pushed);
}

/** What became of a push. */
export type PushOutcome =
  | { readonly kind: 'delivered' }
  /** The branch does not stand where it was expected. */
  | { readonly kind: 'stale' }
  | { readonly kind: 'refused'; readonly why: string };

/**
 * Reads `git push --porcelain`: one line for the ref, its flag first, the reason last in parentheses.
 * @throws WORKSPACE_FAILED when the other side cannot be reached
 */
export function readPush(result: Omit<GitResult, 'cut'>): PushOutcome {
  const line = result.stdout
    .toString()
    .split('\n')
    .find((text) => /^[ +*=!-]\t/.test(text));
  if (line === undefined || (result.exitCode !== 0 && !line.startsWith('!')))
    throw new AppError('WORKSPACE_FAILED', `Cannot push: ${gitMessage(result)}`);
  if (!line.startsWith('!')) return { kind: 'delivered' };
  if (line.includes('(stale info)')) return { kind: 'stale' };
  return { kind: 'refused', why: /\(([^()]*)\)\s*$/.exec(line)?.[1] ?? line.slice(2) };
}

async function currentCommit(
  target: PushTarget,
  { repository, branch }: Delivery,
): Promise<string | undefined> {
  const ref = `refs/heads/${branch}`;
  const listed = await target.talk({
    args: ['ls-remote', '--', repository, ref],
    timeoutMs: pushTimeoutMs,
  });
  if (listed.exitCode !== 0)
    throw new AppError('WORKSPACE_FAILED', `Cannot read ${repository}: ${gitMessage(listed)}`);
  return new RegExp(`^([0-9a-f]{40})\t${ref.replace(/[.+]/g, '\\$&')}$`, 'm').exec(
    listed.stdout.toString(),
  )?.[1];
}

async function conflict(
  git: Git,
  { repository, branch }: Delivery,
  { found, gitDir }: { readonly found: string | undefined; readonly gitDir: string | undefined },
): Promise<AppError> {
  const commit = found === undefined ? 'other commits' : `commit ${found.slice(0, 12)}`;
  const shown =
    gitDir === undefined || found === undefined
      ? undefined
      : await git.run({
          args: [
            `--git-dir=${gitDir}`,
            'log',
            '-1',
            '--no-show-signature',
            '--format=%an <%ae>',
            found,
          ],
        });
  const author = shown?.exitCode === 0 ? ` by ${shown.stdout.toString().trim()}` : '';
  return new AppError(
    'BRANCH_CONFLICT',
    `The branch ${branch} of ${repository} holds ${commit}${author}, not made by this task.`,
  );
}

/** A push that the other side took and refused. What is in the way there needs a person; the rest may pass. */
function refusal({ repository, branch }: Delivery, why: string): AppError {
  const message = `${repository} refuses the branch ${branch}: ${why}.`;
  const isPassing =
    /unpacker error|unable to|No space|lock/i.test(why) && !/cannot lock ref/i.test(why);
  return new AppError(isPassing ? 'WORKSPACE_FAILED' : 'BRANCH_CONFLICT', message);
}
