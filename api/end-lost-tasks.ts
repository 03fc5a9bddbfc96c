/**
 * Ends the tasks whose workflow was ended from outside, as by "Terminate" in Temporal's web UI: such a workflow has no last
 * word, and its task would stay open for ever. Temporal's lists are late by seconds and may repeat; ending a task is safe
 * to repeat, and one that has a result keeps it.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { LiveChannel, LostTask, TaskJournal, WorkflowEngine } from '../adapters/ports.ts';
import { codeOf } from '../contracts/errors.ts';
import { endingOf } from '../contracts/failure-class.ts';
import type { Logger } from './deps.ts';

/** Between two looks. */
const lookMs = 10_000;
/** How far a look goes back behind the one before: longer than Temporal's lists are late. */
const overlapMs = 60_000;
/** How far the first look goes back: as long as Temporal keeps ended workflows by default. */
const firstLookMs = 72 * 3_600_000;

/** What the search for lost tasks is given. */
export interface EndLostTasksDeps {
  readonly engine: Pick<WorkflowEngine, 'listLostTasks'>;
  readonly journal: Pick<TaskJournal, 'begin' | 'finish'>;
  readonly live: Pick<LiveChannel, 'publish'>;
  readonly log: Logger;
  /** Default 10 s; shorter in tests. */
  readonly lookMs?: number;
}

/** Looks until it is stopped; a look that fails is repeated with the next one. */
export async function endLostTasks(deps: EndLostTasksDeps, stopping: AbortSignal): Promise<void> {
  let since = Date.now() - firstLookMs;
  while (!stopping.aborted) {
    const began = Date.now();
    try {
      for (const lost of await deps.engine.listLostTasks(new Date(since))) await end(deps, lost);
      since = began - overlapMs;
    } catch (error) {
      // An outage is the relay's to tell.
      if (codeOf(error) === undefined) deps.log.error({ err: error }, 'lost-tasks-not-seen');
    }
    await sleep(deps.lookMs ?? lookMs, undefined, { signal: stopping }).catch(() => undefined);
  }
}

async function end({ journal, live, log }: EndLostTasksDeps, lost: LostTask): Promise<void> {
  try {
    const { task, fence } = await journal.begin(lost.ref);
    if (task.result !== undefined) return;
    const error = `its workflow was ended from outside: ${lost.how}`;
    await journal.finish(fence, endingOf('WORKER_LOST', error));
    live.publish({ kind: 'cancel', taskId: lost.ref.taskId });
    live.publish({ kind: 'events', streamId: lost.ref.taskId });
    if (task.batchId !== undefined) live.publish({ kind: 'events', streamId: task.batchId });
    log.warn({ taskId: lost.ref.taskId, how: lost.how }, 'lost-task-ended');
  } catch (error) {
    // Gone, or at a later attempt: there is nothing to end.
    const code = codeOf(error);
    if (code !== 'TASK_NOT_FOUND' && code !== 'SUPERSEDED') throw error;
  }
}
