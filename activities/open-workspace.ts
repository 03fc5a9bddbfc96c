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
 * Takes the task's slot, and before it prepares the workspace of a task whose work has not begun, so that preparing costs
 * nobody a turn. Of one whose work has begun the slot comes first, as its lease may be about to end; its workspace is opened
 * when it is needed: undefined.
 */
export async function beginWork(
  deps: ActivityDeps,
  session: TaskSession,
): Promise<Workspace | undefined> {
  const workspace =
    session.startedAt === undefined ? await prepare(deps, session, { keep: false }) : undefined;
  await takeSlot(deps, session);
  return workspace;
}

/**
 * Opens the workspace of a task whose work has begun. The worktree that the last activity left is taken back when it is on
 * this host and stands at the task's last commit; an activity that is repeated gets a fresh one, as nobody knows what the
 * attempt before did to the old.
 */
export function openWorkspace(deps: ActivityDeps, session: TaskSession): Promise<Workspace> {
  return prepare(deps, session, { keep: session.activityAttempt === 1 });
}

function prepare(
  deps: ActivityDeps,
  { task, signal }: TaskSession,
  { keep }: { readonly keep: boolean },
): Promise<Workspace> {
  return deps.workspaces.prepare({ ...task, key: workspaceKey(task.ref), keep, signal });
}
