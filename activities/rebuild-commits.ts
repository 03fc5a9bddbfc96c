/**
 * Making the commits of a task again, on a host that lacks them: the one that made them is gone, with its disk. The message
 * and the date of a commit follow from its task, the rest is on record: its step, the commit before, and the change. So they
 * are the same commits, to the byte, and nothing that knows them notices.
 */
import type { RecordedCommit, TaskRecord, Workspace } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import { commitMessage } from './commit-message.ts';
import type { ActivityDeps } from './deps.ts';
import { workspaceKey } from './workspace-key.ts';

/** A patch of 5 MB on a slow disk. */
const applyTimeoutMs = 45_000;

/**
 * Makes what this host lacks of the commits from the task's base to its head, and records that it has them now. Repeated,
 * it finds them.
 * @throws COMMITS_LOST when one is not on record to the byte · WORKSPACE_FAILED when it may go better another time
 */
export async function rebuildCommits(
  deps: ActivityDeps,
  task: TaskRecord,
  signal?: AbortSignal,
): Promise<void> {
  const { ref, repository, baseCommit, branch } = task;
  const commits = await deps.journal.findCommits(ref);
  if (commits === undefined) throw lost(task, 'not all of its commits are on record');
  const missing = await findMissing(deps, repository, commits);
  let before = commits[commits.length - missing.length - 1];
  const headCommit = before?.commit ?? baseCommit;
  // Not the task's own: what is left of it here belongs to the commits, or is of no use.
  const key = `${workspaceKey(ref)}.rebuilt`;
  const prepared = { key, repository, baseCommit, headCommit, branch };
  let workspace = await deps.workspaces.prepare(signal ? { ...prepared, signal } : prepared);
  try {
    for (const next of missing) {
      await changeTree(deps, task, { workspace, before, next, signal });
      const made = await deps.workspaces.commit(workspace, {
        message: commitMessage(task),
        date: task.createdAt,
        ...{ effectId: next.effectId, branch, baseCommit },
      });
      // Text that is not UTF-8 is on record with replacements.
      if (made.commit !== next.commit)
        throw lost(task, `the change on record does not make the same files as ${next.commit}`);
      workspace = { ...workspace, headCommit: made.commit };
      before = next;
    }
    await deps.journal.recordRebuilt(ref, deps.hostId);
  } finally {
    await deps.workspaces.discard(key).catch(() => undefined);
  }
}

/** The newest commits, after the last one that this host has. */
async function findMissing(
  { workspaces }: ActivityDeps,
  repository: string,
  commits: readonly RecordedCommit[],
): Promise<readonly RecordedCommit[]> {
  for (let place = commits.length; place > 0; place -= 1) {
    const commit = commits[place - 1]?.commit ?? '';
    if (await workspaces.hasCommit({ repository, commit })) return commits.slice(place);
  }
  return commits;
}

/** Makes the files of one commit those of the next: patches go from the base, so the one before is taken back. */
async function changeTree(
  { journal, workspaces }: ActivityDeps,
  task: TaskRecord,
  {
    workspace,
    before,
    next,
    signal,
  }: {
    readonly workspace: Workspace;
    readonly before: RecordedCommit | undefined;
    readonly next: RecordedCommit;
    readonly signal: AbortSignal | undefined;
  },
): Promise<void> {
  for (const [commit, options] of [
    [before, ['--reverse']],
    [next, []],
  ] as const) {
    const patch = commit && (await journal.findPatch(task.ref, commit.patchSha256));
    if (commit !== undefined && patch === undefined)
      throw lost(task, `the change of ${commit.commit} was too long to be kept whole`);
    // Work that came to nothing has an empty one, which git refuses.
    if (patch === undefined || patch === '') continue;
    const run = {
      argv: ['git', 'apply', '--whitespace=nowarn', ...options, '-'],
      ...{ input: patch, sandbox: task.sandbox, timeoutMs: applyTimeoutMs },
    };
    const applied = await workspaces.run(workspace, signal ? { ...run, signal } : run);
    signal?.throwIfAborted();
    if (applied.exitCode === undefined)
      throw new AppError(
        'WORKSPACE_FAILED',
        `The change of ${next.commit} took too long to apply.`,
      );
    if (applied.exitCode !== 0) throw lost(task, applied.stderr.trim().slice(-500));
  }
}

function lost({ ref, worker }: TaskRecord, why: string): AppError {
  return new AppError(
    'COMMITS_LOST',
    `The commits of ${ref.taskId} were on the host ${worker ?? 'that worked on it'}, and cannot be made again here: ${why}.`,
  );
}
