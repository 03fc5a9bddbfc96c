/** The workspace and the slot of a task, as every activity that works on it needs them first. */
import type { Workspace } from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';
import { rebuildCommits } from './rebuild-commits.ts';
import { runSetup } from './run-setup.ts';
import { takeSlot } from './take-slot.ts';
import type { TaskSession } from './task-session.ts';
import { workspaceKey } from './workspace-key.ts';

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

async function prepare(
  deps: ActivityDeps,
  session: TaskSession,
  { keep }: { readonly keep: boolean },
): Promise<Workspace> {
  const { task, signal } = session;
  const { repository, baseCommit, headCommit: commit } = task;
  const request = { ...task, key: workspaceKey(task.ref), keep, signal };
  try {
    return await deps.workspaces.prepare(request);
  } catch (error) {
    signal.throwIfAborted();
    if (commit === baseCommit || (await deps.workspaces.hasCommit({ repository, commit })))
      throw error;
    await session.record({ activity: `make the commits of ${task.worker ?? 'a lost host'} again` });
    await rebuildCommits(deps, task, signal);
    return await deps.workspaces.prepare(request);
  }
}
