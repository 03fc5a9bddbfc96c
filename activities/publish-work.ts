/** Publishing the work that an ended task has kept: its branch, and the pull request where one is asked for. */
import type { AgentActivities } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import { hostQueue } from '../contracts/names.ts';
import type { ActivityDeps } from './deps.ts';
import { translated } from './failures.ts';
import { openPullRequest } from './pull-request.ts';

/**
 * Makes the activity `publishWork`. Its commits are in the mirror of the host that made them, so another host answers
 * where to ask. Repeated, it finds the branch and the pull request as they should be.
 */
export function createPublishWork(deps: ActivityDeps): AgentActivities['publishWork'] {
  return translated(async ({ ref, pullRequest, target, anyHost }) => {
    const { task } = await deps.journal.begin(ref);
    if (task.result === undefined)
      throw new AppError('TASK_NOT_ENDED', `${ref.taskId} has not ended.`);
    const { repository, branch, headCommit: commit, worker } = task;
    if (commit === task.baseCommit)
      throw new AppError('NOTHING_TO_PUBLISH', `${ref.taskId} has changed nothing.`);
    if (worker !== undefined && worker !== deps.hostId && !anyHost)
      return { next: 'host', hostQueue: hostQueue(worker) };
    await deps.workspaces.deliver({ repository, branch, commit, ours: [commit] });
    const delivery = { ...task.delivery, ...(target === undefined ? {} : { target }) };
    const { diffStat } = task;
    const url = pullRequest
      ? await openPullRequest(deps, { task: { ...task, delivery }, diffStat })
      : undefined;
    const published = { branch, commit, ...(url === undefined ? {} : { pullRequestUrl: url }) };
    await deps.journal.recordPublished(ref, published);
    deps.live.publish({ kind: 'events', streamId: ref.taskId });
    return { next: 'end', published };
  });
}
