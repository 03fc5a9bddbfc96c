/** The workspace and the slot of a task, as every activity that works on it needs them first. */
import type { Workspace } from '../adapters/ports.ts';
import type { TaskRef } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { takeSlot } from './take-slot.ts';
import type { TaskSession } from './task-session.ts';

/** Name of the worktree of one attempt of a task. */
export function workspaceKey(ref: TaskRef): string {
  return `${ref.taskId}.${String(ref.attempt)}`;
}

/**
 * Prepares the workspace, then takes the slot, so that preparing costs nobody a turn. Of a task whose work has begun the
 * slot comes first: its lease may be about to end. The worktree that the last activity left is taken back when it is on
 * this host and stands at the task's last commit; an activity that is repeated gets a fresh one, as nobody knows what the
 * attempt before did to the old.
 */
export async function openWorkspace(deps: ActivityDeps, session: TaskSession): Promise<Workspace> {
  const { task, signal } = session;
  const hasBegun = session.startedAt !== undefined;
  if (hasBegun) await takeSlot(deps, session);
  const workspace = await deps.workspaces.prepare({
    ...task,
    key: workspaceKey(task.ref),
    keep: hasBegun && session.activityAttempt === 1,
    signal,
  });
  if (!hasBegun) await takeSlot(deps, session);
  return workspace;
}
