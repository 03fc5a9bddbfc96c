/**
 * Delivery into a branch of the repository: a fast-forward, or a merge that the gates have passed too.
 *
 * Everything may be repeated: a target that has the work already is the end, and the same merge is the same commit. What
 * cannot be merged is delivered as a branch, so that a person can, and the task ends with the reason.
 */
import type { MergePlan } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import { describeConflicts, isFreeOfSpace } from './classify-conflict.ts';
import type { Work } from './deliver-work.ts';
import type { ActivityDeps } from './deps.ts';
import { runGates } from './run-gates.ts';
import { runSetup } from './run-setup.ts';
import type { TaskSession } from './task-session.ts';
import { workspaceKey } from './workspace-key.ts';

/** Times that others may move the target while the gates look at the merge. */
const maxTries = 5;

/** Where the work is now. */
export interface Merged {
  readonly target: string;
  /** Head of the target with the work in it. */
  readonly commit: string;
  /** Files in which one side's changes of white space were given up. */
  readonly spaceIgnoredIn: readonly string[];
}

/** Work that git cannot put together with its target. */
export class MergeConflict extends AppError {
  readonly target: string;
  readonly files: readonly string[];

  constructor(target: string, files: readonly string[]) {
    super('MERGE_CONFLICT', `The work conflicts with ${target} (${describeConflicts(files)}).`);
    this.target = target;
    this.files = files;
  }
}

/**
 * Merges the work.
 * @throws MERGE_CONFLICT · GATE_FAILED · REF_NOT_FOUND when it cannot be merged; nothing was moved then
 */
export async function mergeWork(
  deps: ActivityDeps,
  session: TaskSession,
  { work, step }: { readonly work: Work; readonly step: number },
): Promise<Merged> {
  const { task } = session;
  for (let tries = 1; ; tries += 1) {
    const plan = await deps.workspaces.planMerge({
      repository: task.repository,
      target: task.delivery.target,
      commit: work.commit,
      message: `Merge ${task.branch}\n\nAdo-Task: ${task.ref.taskId}\n`,
      date: task.createdAt,
      mayIgnoreSpace: isFreeOfSpace,
      signal: session.signal,
    });
    const { target, targetHead } = plan;
    if (plan.kind === 'contained') return { target, commit: targetHead, spaceIgnoredIn: [] };
    if (plan.kind === 'conflict') throw new MergeConflict(target, plan.files);
    if (plan.kind === 'merge') await checkMerge(deps, session, { ...plan, step });
    const { repository } = task;
    const { commit } = plan;
    const pushed = await deps.workspaces.pushMerge({ repository, target, targetHead, commit });
    const spaceIgnoredIn = plan.kind === 'merge' ? plan.spaceIgnoredIn : [];
    if (pushed === 'merged') return { target, commit, spaceIgnoredIn };
    if (tries === maxTries)
      throw new AppError(
        'WORKSPACE_FAILED',
        `${target} moved ${String(maxTries)} times while the work was merged.`,
      );
  }
}

/** Runs the gates on a merge, in a worktree of its own. */
async function checkMerge(
  deps: ActivityDeps,
  session: TaskSession,
  { commit, target, step }: Extract<MergePlan, { commit: string }> & { readonly step: number },
): Promise<void> {
  const { task } = session;
  const key = `${workspaceKey(task.ref)}.merge`;
  const workspace = await deps.workspaces.prepare({
    ...{ key, repository: task.repository, baseCommit: task.baseCommit, headCommit: commit },
    ...{ branch: task.branch, signal: session.signal },
  });
  await runSetup(deps, session, workspace);
  const failure = await runGates(deps, session, workspace, step);
  await deps.workspaces.discard(key).catch(() => undefined);
  if (failure !== undefined)
    throw new AppError('GATE_FAILED', `Merged with ${target}, ${failure.message}.`);
}
