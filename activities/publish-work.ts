/** Publishing the work that an ended task has kept: its branch, and the pull request where one is asked for. */
import type { AgentActivities } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import { hostQueue } from '../contracts/names.ts';
import type { ActivityDeps } from './deps.ts';
import { oursOf } from './deliver-work.ts';
import { translated } from './failures.ts';
import { openPullRequest } from './pull-request.ts';
import { rebuildCommits } from './rebuild-commits.ts';

/**
 * Makes the activity `publishWork`. Its commits are in the mirror of the host that made them, so another host answers
 * where to ask; when nobody does there, it makes them again. Repeated, it finds the branch and the pull request as they
 * should be.
 */
export function createPublishWork(deps: ActivityDeps): AgentActivities['publishWork'] {
  return translated(async ({ ref, pullRequest, target, anyHost }) => {
    const { task } = await deps.journal.begin(ref);
    if (task.result === undefined)
      throw new AppError('TASK_NOT_ENDED', `${ref.taskId} has not ended.`);
    if (task.headCommit === task.baseCommit)
      throw new AppError('NOTHING_TO_PUBLISH', `${ref.taskId} has changed nothing.`);
    const { worker } = task;
    if (worker !== undefined && worker !== deps.hostId && !anyHost)
      return { next: 'host', hostQueue: hostQueue(worker) };
    const { repository, branch, headCommit: commit } = task;
    if (!(await deps.workspaces.hasCommit({ repository, commit })))
      await rebuildCommits(deps, task);
    await deps.workspaces.deliver({ repository, branch, commit, ours: oursOf(task) });
    // On record before the host is asked for more: it may refuse, or let us wait for longer than the caller does.
    const pushed = { branch, commit };
    await deps.journal.recordPublished(ref, pushed);
    const delivery = { ...task.delivery, ...(target === undefined ? {} : { target }) };
    const { diffStat } = task;
    const url = pullRequest
      ? await openPullRequest(deps, { task: { ...task, delivery }, diffStat })
      : undefined;
    const published = url === undefined ? pushed : { ...pushed, pullRequestUrl: url };
    if (url !== undefined) await deps.journal.recordPublished(ref, published);
    deps.live.publish({ kind: 'events', streamId: ref.taskId });
    return { next: 'end', published };
  });
}
