/** The repository's instructions for other agents, copied for the one of a task. */
import type { CommitRequest, Workspace } from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/**
 * Makes sure of the copy, and answers what every commit of the task leaves out. To be asked after whatever changed the
 * tree last, as a formatter changes original and copy alike. Repeated, it changes nothing.
 */
export async function shareContext(
  { agents, workspaces }: Pick<ActivityDeps, 'agents' | 'workspaces'>,
  { task, signal }: Pick<TaskSession, 'task' | 'signal'>,
  workspace: Workspace,
): Promise<Pick<CommitRequest, 'exclude'>> {
  if (task.agent === 'builtin' || task.agent === 'command') return {};
  const copy = await agents[task.agent].shareContext((run) =>
    workspaces.run(workspace, { ...run, sandbox: task.sandbox, signal }),
  );
  return copy === undefined ? {} : { exclude: [copy] };
}
