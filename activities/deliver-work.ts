/** The last step of a task that passed: its branch goes to the repository, and the result on record. */
import type { CommitResult, JournalEntry, TaskEnding } from '../adapters/ports.ts';
import type { TaskResult } from '../contracts/activities.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import type { TaskSession } from './task-session.ts';

/** What is known of the whole work when it is delivered. */
export type Work = Pick<CommitResult, 'commit' | 'diffStat'>;

/**
 * Delivers the branch when there is something on it, and ends the task as succeeded. A push repeated after a crash finds
 * the branch as it should be. `unrecorded` is what the step before left to be written with the end.
 */
export async function deliverWork(
  deps: ActivityDeps,
  session: TaskSession,
  step: number,
  {
    work,
    summary,
    unrecorded = {},
  }: { readonly work: Work; readonly summary: string; readonly unrecorded?: JournalEntry },
): Promise<TaskResult> {
  const { task } = session;
  const changed = work.commit !== task.baseCommit;
  const events: NewEvent[] = [...(unrecorded.events ?? [])];
  const started = deps.clock.now();
  if (changed) {
    await deps.workspaces.deliver({
      repository: task.repository,
      branch: task.branch,
      commit: work.commit,
      ours: [task.headCommit],
    });
    await deps.crashpoint('deliver.afterPush.beforeRecord');
    events.push({ type: 'branch-delivered', data: { branch: task.branch, commit: work.commit } });
  }
  const ended = deps.clock.now();
  const ending: TaskEnding = {
    outcome: 'succeeded',
    changed,
    summary,
    ...(changed ? { commit: work.commit, diffStat: work.diffStat } : {}),
  };
  const result = await session.finish(ending, {
    events,
    steps: [
      ...(unrecorded.steps ?? []),
      ...(changed
        ? [
            {
              step,
              kind: 'deliver' as const,
              effectId: effectIdOf(task.ref, step, 'deliver'),
              status: 'succeeded' as const,
              summary: task.branch,
              commit: work.commit,
              startedAt: new Date(started),
              endedAt: new Date(ended),
            },
          ]
        : []),
    ],
  });
  await deps.crashpoint('task.afterFinish.beforeReturn');
  return result;
}
