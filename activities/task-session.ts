/**
 * What every activity on a task has in common: the fence, the heartbeat, the cancel, the lease, telling listeners, and the
 * end of a task that no retry can mend.
 *
 * A heartbeat goes out every 5 s. It renews the task's slot and asks PostgreSQL whether a cancel was requested; a cancel
 * also comes at once through the live channel, and from Temporal with the heartbeat's answer. Whichever is first aborts
 * the session's signal. A worker that stops, or that has lost the slot to somebody else, aborts it too, but that is no
 * cancel: the activity fails retryably, and another attempt goes on.
 */
import { CancelledFailure, Context } from '@temporalio/activity';
import type {
  Fence,
  JournalEntry,
  MovedBudget,
  TaskEnding,
  TaskRecord,
} from '../adapters/ports.ts';
import type { TaskRef, TaskResult } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import { endingOf } from '../contracts/failure-class.ts';
import type { ActivityDeps } from './deps.ts';
import { isFinalError, toActivityFailure } from './failures.ts';
import { createWaitedTime, type WaitedTime } from './waited-time.ts';

const heartbeatMs = 5_000;
/** Longest wait between two attempts for which a task keeps its slot; for a longer one it gives it up. */
export const longestKeptWaitMs = 300_000;
/** What a slot outlasts a wait by, so that the next attempt finds it. */
const slotGraceMs = 15_000;

/**
 * Attempts of one activity that may die with their worker before the task is given up as the cause. Six, as a fleet whose
 * workers are killed five times in a row must still finish everything.
 */
const maxWorkerDeaths = 6;

/** Carried by heartbeats and failures from one attempt to the next. */
interface Pulse {
  /** The attempt that told it. */
  readonly attempt: number;
  /** Attempts before it that ended with their worker. */
  readonly deaths: number;
  /** Set while the attempt is at work; one that fails takes it back. */
  readonly alive: boolean;
  /** What it does now, for whoever looks at the pending activity. */
  readonly activity?: string | undefined;
  /** A program agent's own name of its conversation. */
  readonly conversation?: string | undefined;
}

type Doing = Pick<Pulse, 'activity' | 'conversation'>;

/** One activity attempt at work on a task. */
export interface TaskSession {
  readonly task: TaskRecord;
  readonly fence: Fence;
  /** Temporal's attempt of the activity. */
  readonly activityAttempt: number;
  /** When the work of this attempt of the task began: its slot was taken. Undefined before. */
  readonly startedAt: Date | undefined;
  /** How long it has waited so far. */
  readonly waited: Omit<WaitedTime, 'recorded'>;
  /** Aborted by a cancel, a stopping worker and a lost slot; its reason is the error to throw. */
  readonly signal: AbortSignal;
  /** Records that the slot was taken and the work begins, and tells listeners. */
  markRunning(): Promise<void>;
  /** Writes an entry and tells listeners. Answers the budgets that a purchase in it has moved. */
  record(entry: JournalEntry): Promise<readonly MovedBudget[]>;
  /** Ends the attempt of the task, tells listeners, gives the slot back. */
  finish(ending: TaskEnding, entry?: JournalEntry): Promise<TaskResult>;
  /** Has heartbeats name the conversation of a program agent, for whoever looks at the pending activity. */
  tellConversation(sessionId: string): void;
  /** From here on heartbeats renew the slot. */
  holdSlot(): void;
  /** Keeps the slot for a wait between two attempts. Best effort: else the next attempt waits for one. */
  keepSlotFor(waitMs: number): Promise<void>;
  /** Gives the slot to others: a long wait follows. */
  giveUpSlot(): Promise<void>;
}

/** Names of the slots that a task holds. */
export function slotNames(task: Pick<TaskRecord, 'ref' | 'batchId'>): string[] {
  const tenant = `tenant:${task.ref.tenantId}`;
  return task.batchId === undefined ? [tenant] : [tenant, `batch:${task.batchId}`];
}

/**
 * Runs an activity's work on a task. When the attempt of the task has ended already, or an error that no retry can mend
 * ends it now, `ended` makes the answer of its result.
 * @throws ApplicationFailure with the code of what went wrong, to be tried again
 */
export async function inTask<T>(
  deps: ActivityDeps,
  ref: TaskRef,
  activity: {
    readonly work: (session: TaskSession) => Promise<T>;
    readonly ended: (result: TaskResult) => T;
  },
): Promise<T> {
  const context = Context.current();
  const attempt = context.info.attempt;
  const deaths = deathsSoFar(context.info.heartbeatDetails, attempt);
  const beat = (alive: boolean, doing?: Doing): void => {
    context.heartbeat({ attempt, deaths, alive, ...doing } satisfies Pulse);
  };
  try {
    const { task, fence } = await deps.journal.begin(ref);
    if (task.result !== undefined) return activity.ended(task.result);
    const session = openSession(deps, { task, fence, attempt, context, beat });
    try {
      if (deaths >= maxWorkerDeaths) {
        throw new AppError(
          'TASK_POISONED',
          `${String(deaths)} workers died while they worked on this task`,
        );
      }
      if (task.cancelRequested) throw new AppError('TASK_CANCELLED', 'cancelled');
      return await activity.work(session.face);
    } catch (error) {
      const code = isFinalError(error, attempt);
      if (code === undefined) throw error;
      const message = error instanceof Error ? error.message : String(error);
      return activity.ended(await session.face.finish(endingOf(code, message)));
    } finally {
      await session.close();
    }
  } catch (error) {
    beat(false);
    throw toActivityFailure(error, attempt);
  }
}

/**
 * Counts the attempts that ended with their worker. Not every attempt begins with a heartbeat, as each sent one costs
 * Temporal a state transition: an attempt that left no word, neither a beat nor a failure, has died before its first.
 */
function deathsSoFar(details: unknown, attempt: number): number {
  const last = (details as Pulse | undefined) ?? { attempt: 0, deaths: 0, alive: false };
  const silent = attempt - 1 - last.attempt;
  return last.deaths + (last.alive ? 1 : 0) + silent;
}

interface SessionParts {
  readonly task: TaskRecord;
  readonly fence: Fence;
  readonly attempt: number;
  readonly context: Context;
  readonly beat: (alive: boolean, doing?: Doing) => void;
}

function openSession(
  deps: ActivityDeps,
  parts: SessionParts,
): { face: TaskSession; close: () => Promise<void> } {
  const { task, fence, context } = parts;
  const { tenantId, taskId } = task.ref;
  const stop = new AbortController();
  const cancel = (): void => {
    stop.abort(new AppError('TASK_CANCELLED', 'cancelled'));
  };
  const names = slotNames(task);
  let holding = false;
  let startedAt = task.startedAt;
  const waited = createWaitedTime(task, deps.clock);
  let doing: Doing = {};
  let isOver = false;

  const onTemporal = (): void => {
    stop.abort(stopReason(context.cancellationSignal.reason));
  };
  context.cancellationSignal.addEventListener('abort', onTemporal);
  if (context.cancellationSignal.aborted) onTemporal();
  const unsubscribed = deps.live.subscribe({ kind: 'cancel', taskId }, cancel);

  const timer = setInterval(() => {
    parts.beat(true, doing);
    // Best effort: what fails here is seen by the next write, or by the next beat.
    if (holding) {
      deps.slots.renew(tenantId, taskId, names).then(
        (held) => {
          if (holding && !held) stop.abort(new AppError('WORKER_LOST', 'its slot went to another'));
        },
        () => undefined,
      );
    }
    deps.journal.isCancelRequested(task.ref).then(
      (asked) => {
        if (asked) cancel();
      },
      () => undefined,
    );
  }, heartbeatMs);

  const announce = (): void => {
    deps.live.publish({ kind: 'events', streamId: taskId });
  };
  const announceBatch = (): void => {
    if (task.batchId !== undefined) deps.live.publish({ kind: 'events', streamId: task.batchId });
  };
  const face: TaskSession = {
    task,
    fence,
    activityAttempt: parts.attempt,
    get startedAt() {
      return startedAt;
    },
    waited,
    signal: stop.signal,
    async markRunning() {
      startedAt = await deps.journal.markRunning(fence, deps.hostId);
      announce();
      announceBatch();
    },
    async record(entry) {
      // What a step that failed had gathered must not be written into the next attempt's time.
      if (isOver) throw new AppError('SUPERSEDED', 'the attempt is over');
      if (entry.activity !== undefined) doing = { ...doing, activity: entry.activity };
      const told = entry.diff === undefined ? entry : { ...entry, host: deps.hostId };
      const moved = await deps.journal.record(fence, told);
      waited.recorded(entry.waitingFor);
      announce();
      return moved;
    },
    async finish(ending, entry) {
      const result = await deps.journal.finish(fence, ending, entry);
      announce();
      announceBatch();
      // After the end is on record: a slot given back before would let one too many be seen running.
      await deps.slots.release(tenantId, taskId, names).catch(() => undefined);
      holding = false;
      deps.metrics.taskEnded(result.status);
      return result;
    },
    tellConversation(sessionId) {
      doing = { ...doing, conversation: sessionId };
    },
    holdSlot() {
      holding = true;
    },
    async keepSlotFor(waitMs) {
      holding = false;
      const forMs = Math.ceil(waitMs) + slotGraceMs;
      await deps.slots.renew(tenantId, taskId, names, forMs).catch(() => false);
    },
    async giveUpSlot() {
      holding = false;
      await deps.slots.release(tenantId, taskId, names).catch(() => undefined);
    },
  };
  const close = async (): Promise<void> => {
    isOver = true;
    clearInterval(timer);
    context.cancellationSignal.removeEventListener('abort', onTemporal);
    await unsubscribed.then(
      (unsubscribe) => {
        unsubscribe();
      },
      () => undefined,
    );
  };
  return { face, close };
}

/** What a cancellation by Temporal means for the task. */
function stopReason(reason: unknown): Error {
  const word = reason instanceof CancelledFailure ? reason.message : '';
  if (word === 'WORKER_SHUTDOWN')
    return new AppError('WORKER_LOST', 'the worker is stopping; another one goes on', {
      retryAfterMs: 0,
    });
  if (word === 'TIMED_OUT' || word === 'NOT_FOUND')
    return new AppError('SUPERSEDED', 'a newer attempt has taken over');
  return new AppError('TASK_CANCELLED', 'cancelled');
}
