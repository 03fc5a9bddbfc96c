/** The workspace and the slot of a task, as every activity that works on it needs them first. */
import type { Workspace } from '../adapters/ports.ts';
import type { TaskRef } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { runSetup } from './run-setup.ts';
import { takeSlot } from './take-slot.ts';
import type { TaskSession } from './task-session.ts';

/** Name of the worktree of one attempt of a task. */
export function workspaceKey(ref: TaskRef): string {
  return `${ref.taskId}.${String(ref.attempt)}`;
}

/**
 * Takes the task's slot, and before it prepares the workspace of a task whose work has not begun, so that preparing costs
 * nobody a turn. Of one whose work has begun the slot comes first, as its lease may be about to end; its workspace is opened
 * when it is needed: undefined. The set-up is work: it runs with the slot.
 */
export async function beginWork(
  deps: ActivityDeps,
  session: TaskSession,
): Promise<Workspace | undefined> {
  const workspace =
    session.startedAt === undefined ? await prepare(deps, session, { keep: false }) : undefined;
  await takeSlot(deps, session);
  if (workspace !== undefined) await runSetup(deps, session, workspace);
  return workspace;
}

/**
 * Opens the workspace of a task whose work has begun. The worktree that the last activity left is taken back when it is on
 * this host and stands at the task's last commit; an activity that is repeated gets a fresh one, as nobody knows what the
 * attempt before did to the old, unless it asks to keep it. A fresh one gets the task's set-up.
 */
export async function openWorkspace(
  deps: ActivityDeps,
  session: TaskSession,
  keep = session.activityAttempt === 1,
): Promise<Workspace> {
  const workspace = await prepare(deps, session, { keep });
  if (workspace.isKept !== true) await runSetup(deps, session, workspace);
  return workspace;
}

function prepare(
  deps: ActivityDeps,
  { task, signal }: TaskSession,
  { keep }: { readonly keep: boolean },
): Promise<Workspace> {
  return deps.workspaces.prepare({ ...task, key: workspaceKey(task.ref), keep, signal });
}
