/** The last step of a task that passed: its work goes where the task says, and the result on record. */
import type { CommitResult, JournalEntry, TaskEnding, TaskRecord } from '../adapters/ports.ts';
import type { TaskResult } from '../contracts/activities.ts';
import { AppError, codeOf, type ErrorCode } from '../contracts/errors.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { isRemote } from '../contracts/is-remote.ts';
import { shortId } from '../contracts/names.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { mergeWork } from './merge-work.ts';
import { openPullRequest, tellForgeWait } from './pull-request.ts';
import type { TaskSession } from './task-session.ts';

/** What is known of the whole work when it is delivered. */
export type Work = Pick<CommitResult, 'commit' | 'diffStat'>;

/** The work, and what is to be written with its end. */
export interface Delivery {
  readonly work: Work;
  readonly summary: string;
  /** What the step before left to be written. */
  readonly unrecorded?: JournalEntry;
  /** Tells apart the tries that a person asked for; 0 is the first. */
  readonly tries?: number;
}

/** Where the work went. */
interface Delivered {
  /** One line for the step. */
  readonly summary: string;
  readonly events: readonly NewEvent[];
  readonly pullRequestUrl?: string;
}

/**
 * Delivers the work when there is any, and ends the task as succeeded. Repeated after a crash it finds what it delivered.
 * @throws BRANCH_CONFLICT · MERGE_CONFLICT · GATE_FAILED of a merge · PUBLISH_FAILED: but for the first one the branch was
 * delivered then, and is on record
 */
export async function deliverWork(
  deps: ActivityDeps,
  session: TaskSession,
  step: number,
  { work, summary, unrecorded = {}, tries = 0 }: Delivery,
): Promise<TaskResult> {
  const { task } = session;
  const changed = work.commit !== task.baseCommit;
  const startedAt = new Date(deps.clock.now());
  const entryOf = (status: 'succeeded' | 'failed', { summary, events }: Delivered) => ({
    events: [...(unrecorded.events ?? []), ...events],
    steps: [
      ...(unrecorded.steps ?? []),
      {
        ...{ step, kind: 'deliver' as const, status, summary, commit: work.commit, startedAt },
        effectId: effectIdOf(task.ref, step, 'deliver', tries === 0 ? '' : String(tries)),
        endedAt: new Date(deps.clock.now()),
      },
    ],
  });
  let entry = unrecorded;
  let delivered: Delivered | undefined;
  if (changed) {
    try {
      delivered = await send(deps, session, { work, step, summary });
      entry = entryOf('succeeded', delivered);
    } catch (error) {
      await tellForgeWait(deps, session, error);
      if (!needsPerson(error)) throw error;
      const branch = await sendBranch(deps, session, work);
      const why = `${error.message} The work is on the branch ${task.branch}.`;
      await session.record(entryOf('failed', { ...branch, summary: why.slice(0, 500) }));
      throw new AppError(error.code, why, { cause: error });
    }
  }
  const ending: TaskEnding = {
    outcome: 'succeeded',
    changed,
    summary,
    ...(changed ? { commit: work.commit, diffStat: work.diffStat } : {}),
    ...(delivered?.pullRequestUrl === undefined
      ? {}
      : { pullRequestUrl: delivered.pullRequestUrl }),
  };
  const result = await session.finish(ending, entry);
  await deps.crashpoint('task.afterFinish.beforeReturn');
  return result;
}

/** Sends the work where the task says. */
async function send(
  deps: ActivityDeps,
  session: TaskSession,
  { work, step, summary }: Pick<Delivery, 'work' | 'summary'> & { readonly step: number },
): Promise<Delivered> {
  const { task, signal } = session;
  switch (task.delivery.mode) {
    case 'patch':
      // It is on record with the commit; whoever wants it takes it.
      return { summary: 'patch', events: [] };
    case 'merge': {
      const { target, commit, spaceIgnoredIn } = await mergeWork(deps, session, { work, step });
      await deps.crashpoint('deliver.afterPush.beforeRecord');
      const event: NewEvent = { type: 'branch-delivered', data: { branch: target, commit } };
      const ignored =
        spaceIgnoredIn.length === 0 ? '' : `, white space ignored in ${spaceIgnoredIn.join(', ')}`;
      const summary = `merged into ${target} as ${commit.slice(0, 12)}${ignored}`.slice(0, 500);
      return { summary, events: [event] };
    }
    case 'branch':
      if (isRemote(task.repository) && task.delivery.publish !== true) return kept(session);
      return await sendBranch(deps, session, work);
    case 'pull-request': {
      const { branch } = task;
      const { commit, diffStat } = work;
      await sendBranch(deps, session, work);
      const url = await openPullRequest(deps, { task, summary, diffStat }, signal);
      const data = { branch, commit, pullRequestUrl: url };
      return {
        summary: `${branch}: ${url}`.slice(0, 500),
        events: [{ type: 'branch-delivered', data }],
        pullRequestUrl: url,
      };
    }
  }
}

/** Leaves the work where it is: the commits in the mirror of this host, the change as a patch on record. */
function kept({ task }: TaskSession): Delivered {
  return { summary: `kept unpublished: \`ado publish ${shortId(task.ref.taskId)}\``, events: [] };
}

/** Pushes the task's branch. Repeated, it finds the branch as it should be. */
async function sendBranch(
  deps: ActivityDeps,
  { task }: TaskSession,
  { commit }: Work,
): Promise<Delivered> {
  const { repository, branch } = task;
  await deps.workspaces.deliver({ repository, branch, commit, ours: oursOf(task) });
  await deps.crashpoint('deliver.afterPush.beforeRecord');
  return {
    summary: branch,
    events: [{ type: 'branch-delivered', data: { branch, commit } }],
  };
}

/** Where the branch may stand in the repository without being somebody else's: what was delivered of it, by any attempt. */
export function oursOf({
  headCommit,
  publishedCommit,
}: Pick<TaskRecord, 'headCommit' | 'publishedCommit'>): string[] {
  return [headCommit, publishedCommit].filter((commit) => commit !== undefined);
}

const personCodes: readonly (ErrorCode | undefined)[] = [
  'MERGE_CONFLICT',
  'GATE_FAILED',
  'REF_NOT_FOUND',
  'PUBLISH_FAILED',
];

/** Whether an error says that the work cannot go where it was to go, and a person has to look. */
function needsPerson(error: unknown): error is AppError {
  return personCodes.includes(codeOf(error));
}
