/** The worktree of a `builtin` task between its activities. */
import type { Workspace } from '../adapters/ports.ts';
import type { TaskRef } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/** Name of the worktree of one attempt of a task. */
export function workspaceKey(ref: TaskRef): string {
  return `${ref.taskId}.${String(ref.attempt)}`;
}

/**
 * Takes back the worktree that the last activity left, when it is on this host and stands at the task's last commit. An
 * activity that is repeated gets a fresh one: nobody knows what the attempt before did to the old.
 */
export function takeWorkspace(deps: ActivityDeps, session: TaskSession): Promise<Workspace> {
  const { task, activityAttempt, signal } = session;
  return deps.workspaces.prepare({
    ...task,
    key: workspaceKey(task.ref),
    keep: activityAttempt === 1,
    signal,
  });
}
