/** The repository's instructions for other agents, copied for the one of a task. */
import type { CommitRequest, Workspace } from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

type Deps = Pick<ActivityDeps, 'agents' | 'workspaces'>;
type Session = Pick<TaskSession, 'task' | 'signal'>;
type Shared = Pick<CommitRequest, 'exclude'>;

/** Removing one file. */
const removeTimeoutMs = 30_000;

/**
 * Makes sure of the copy, and answers what every commit of the task leaves out. To be asked after whatever changed the
 * tree last, as a formatter changes original and copy alike. Repeated, it changes nothing.
 */
export async function shareContext(
  { agents, workspaces }: Deps,
  { task, signal }: Session,
  workspace: Workspace,
): Promise<Shared> {
  if (task.agent === 'builtin' || task.agent === 'command') return {};
  const copy = await agents[task.agent].shareContext((run) =>
    workspaces.run(workspace, { ...run, sandbox: task.sandbox, signal }),
  );
  return copy === undefined ? {} : { exclude: [copy] };
}

/**
 * The same after a command that is not the agent's, and may have changed the copy or its original alone: what was the copy
 * before it is made anew.
 */
export async function renewContext(
  deps: Deps,
  session: Session,
  { workspace, before }: { readonly workspace: Workspace; readonly before: Shared },
): Promise<Shared> {
  const { task, signal } = session;
  for (const { path } of before.exclude ?? []) {
    const argv = ['rm', '-f', '--', path];
    const { sandbox } = task;
    await deps.workspaces.run(workspace, { argv, timeoutMs: removeTimeoutMs, sandbox, signal });
  }
  return shareContext(deps, session, workspace);
}
