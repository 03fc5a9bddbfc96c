/**
 * The TaskStore port in memory: as much of its promises as tests of the API rest on. Tests move tasks on by `append`
 * and `endTask`, as a worker would.
 */
import type {
  Actor,
  IdempotencyClaim,
  NewBatch,
  NewTask,
  Page,
  TaskFilter,
  TaskStore,
} from '../../../adapters/ports.ts';
import type { Batch, BatchCounts } from '../../../contracts/batch.schema.ts';
import { AppError } from '../../../contracts/errors.ts';
import type { Event, NewEvent } from '../../../contracts/event.schema.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';
import { taskWorkflowId } from '../../../contracts/names.ts';
import type { Task } from '../../../contracts/task.schema.ts';
import {
  failureClasses,
  isFinal,
  outcomes,
  statusOfOutcome,
  taskStatuses,
  type Outcome,
} from '../../../contracts/task-status.ts';

interface Owned<T> {
  readonly tenantId: string;
  readonly contentKey?: string;
  value: T;
}

/** The store, and what tests do to it. */
export interface MemoryTaskStore extends TaskStore {
  /** Appends events to a stream, as a worker does. */
  append(streamId: string, ...events: readonly NewEvent[]): void;
  /** Changes a task without an event. */
  changeTask(taskId: string, change: Partial<Task>): void;
  /** Ends the current attempt of a task with its event. */
  endTask(taskId: string, outcome: Outcome): void;
  /** What was put into the outbox, oldest first. */
  readonly outbox: OutboxMessage[];
  /** Number of stored tasks, of all tenants. */
  readonly taskCount: () => number;
}

/** Makes an empty store. */
export function createMemoryTaskStore(): MemoryTaskStore {
  const tasks = new Map<string, Owned<Task>>();
  const batches = new Map<string, Owned<Batch>>();
  const streams = new Map<string, Event[]>();
  const claims = new Map<string, { readonly requestHash: string; readonly id: string }>();
  const outbox: OutboxMessage[] = [];

  const append = (stream: string, ...events: readonly NewEvent[]): void => {
    const log = streams.get(stream) ?? [];
    streams.set(stream, log);
    for (const event of events) log.push({ stream, seq: log.length + 1, at: now(), ...event });
  };
  const ownTask = (actor: Actor, id: string): Owned<Task> => {
    const owned = tasks.get(id);
    if (owned?.tenantId !== actor.tenantId) throw new AppError('TASK_NOT_FOUND', `no task ${id}`);
    return owned;
  };
  const ownBatch = (actor: Actor, id: string): Owned<Batch> => {
    const owned = batches.get(id);
    if (owned?.tenantId !== actor.tenantId) throw new AppError('BATCH_NOT_FOUND', `no batch ${id}`);
    return owned;
  };
  const itemsOf = (batchId: string) =>
    [...tasks.values()].map(({ value }) => value).filter((task) => task.batchId === batchId);
  const batchNow = (owned: Owned<Batch>): Batch => ({
    ...owned.value,
    counts: countsOf(itemsOf(owned.value.id)),
  });
  const claimedBy = (actor: Actor, claim: IdempotencyClaim | undefined): string | undefined => {
    const known = claim && claims.get(`${actor.tenantId} ${claim.key}`);
    if (known === undefined) return undefined;
    if (known.requestHash !== claim?.requestHash) {
      throw new AppError('IDEMPOTENCY_KEY_REUSED', 'the key was used for another request');
    }
    return known.id;
  };
  const remember = (actor: Actor, claim: IdempotencyClaim | undefined, id: string): void => {
    if (claim !== undefined) {
      claims.set(`${actor.tenantId} ${claim.key}`, { requestHash: claim.requestHash, id });
    }
  };
  const resultFor = (actor: Actor, contentKey: string): string | undefined =>
    [...tasks.values()].find(
      (owned) =>
        owned.tenantId === actor.tenantId &&
        owned.contentKey === contentKey &&
        owned.value.outcome === 'succeeded',
    )?.value.id;
  const store = (actor: Actor, task: NewTask, place: Partial<Task> = {}): Task => {
    const value = { ...toTask(task), ...place };
    tasks.set(task.id, { tenantId: actor.tenantId, contentKey: task.contentKey, value });
    append(task.id, { type: 'task-queued', data: { attempt: 1 } });
    const sourceTaskId = task.reuse ? resultFor(actor, task.contentKey) : undefined;
    if (sourceTaskId !== undefined) {
      Object.assign(value, { sourceTaskId, reason: 'cached' });
      endTask(task.id, 'skipped_unchanged');
    }
    return value;
  };
  const start = (actor: Actor, task: Task): void => {
    const { id: taskId, attempt, agent, repository, timeoutMs, maxCostMicroUsd } = task;
    outbox.push({
      kind: 'start-task',
      workflowId: taskWorkflowId(taskId, attempt),
      priority: task.priority,
      input: {
        tenantId: actor.tenantId,
        taskId,
        attempt,
        agent,
        repository,
        timeoutMs,
        maxCostMicroUsd,
      },
    });
  };
  const endTask = (taskId: string, outcome: Outcome): void => {
    const owned = tasks.get(taskId);
    if (owned === undefined) throw new Error(`no task ${taskId}`);
    const status = statusOfOutcome(outcome);
    Object.assign(owned.value, { status, outcome, endedAt: now() });
    append(taskId, { type: 'task-ended', data: { status, outcome, costMicroUsd: 0 } });
  };

  return {
    outbox,
    append,
    endTask,
    taskCount: () => tasks.size,
    changeTask: (taskId, change) => void Object.assign(tasks.get(taskId)?.value ?? {}, change),

    createTask: async (actor, task, claim) => {
      const known = claimedBy(actor, claim);
      if (known !== undefined) return ownTask(actor, known).value;
      remember(actor, claim, task.id);
      const stored = store(actor, task);
      if (!isFinal(stored.status)) start(actor, stored);
      return stored;
    },
    createBatch: async (actor, batch, claim) => {
      const known = claimedBy(actor, claim);
      if (known !== undefined) return batchNow(ownBatch(actor, known));
      remember(actor, claim, batch.id);
      batch.items.forEach((item, itemIndex) =>
        store(actor, item, { batchId: batch.id, itemIndex }),
      );
      const owned = { tenantId: actor.tenantId, value: toBatch(batch) };
      batches.set(batch.id, owned);
      append(batch.id, { type: 'batch-queued', data: { total: batch.items.length } });
      return batchNow(owned);
    },
    findClaimed: async (actor, claim) => claimedBy(actor, claim),
    findResults: async (actor, keys) =>
      new Map(
        keys.flatMap((key) => {
          const id = resultFor(actor, key);
          return id === undefined ? [] : [[key, id] as const];
        }),
      ),
    getTask: async (actor, id) => ownTask(actor, id).value,
    listTasks: async (actor, filter) => {
      const own = [...tasks.values()]
        .filter((owned) => owned.tenantId === actor.tenantId)
        .map(({ value }) => value)
        .filter((task) => fits(task, filter));
      return pageOf(own, filter);
    },
    cancelTask: async (actor, id, reason) => {
      const { value } = ownTask(actor, id);
      if (value.status === 'cancelled') return value;
      if (isFinal(value.status)) throw new AppError('TASK_ALREADY_ENDED', `${id} has ended`);
      value.cancelRequested = true;
      append(id, { type: 'cancel-requested', data: { reason } });
      if (value.status === 'queued') endTask(id, 'cancelled');
      return value;
    },
    retryTask: async (actor, id) => {
      const { value } = ownTask(actor, id);
      if (!isFinal(value.status)) throw new AppError('TASK_NOT_ENDED', `${id} has not ended`);
      if (value.status === 'succeeded') throw new AppError('NOTHING_TO_RETRY', `${id} succeeded`);
      Object.assign(value, { status: 'queued', attempt: value.attempt + 1, outcome: undefined });
      append(id, { type: 'task-queued', data: { attempt: value.attempt } });
      start(actor, value);
      return value;
    },
    listSteps: async (actor, id, page) => {
      ownTask(actor, id);
      return pageOf([], page);
    },
    listMessages: async (actor, id, page) => {
      ownTask(actor, id);
      return pageOf([], page);
    },
    getDiff: async (actor, id) =>
      ownTask(actor, id).value.changed === true ? 'diff --git a b\n' : '',
    getBatch: async (actor, id) => batchNow(ownBatch(actor, id)),
    listBatches: async (actor, page) =>
      pageOf(
        [...batches.values()].filter((owned) => owned.tenantId === actor.tenantId).map(batchNow),
        page,
      ),
    changeBatch: async (actor, id, change) => {
      const owned = ownBatch(actor, id);
      if (isFinal(owned.value.status)) throw new AppError('BATCH_ALREADY_ENDED', `${id} has ended`);
      Object.assign(owned.value, change);
      append(id, { type: 'batch-changed', data: change });
      return batchNow(owned);
    },
    cancelBatch: async (actor, id, reason) => {
      const owned = ownBatch(actor, id);
      owned.value.cancelRequested = true;
      append(id, { type: 'cancel-requested', data: { reason } });
      return batchNow(owned);
    },
    retryBatch: async (actor, id) => {
      const owned = ownBatch(actor, id);
      const failed = itemsOf(id).filter((task) => task.status === 'failed');
      if (failed.length === 0) throw new AppError('NOTHING_TO_RETRY', `${id} has no failed item`);
      for (const task of failed)
        Object.assign(task, { status: 'queued', attempt: task.attempt + 1 });
      append(id, {
        type: 'items-retried',
        data: { count: failed.length, round: owned.value.round },
      });
      return { batch: batchNow(owned), retried: failed.length };
    },
    listEvents: async (actor, id, afterSeq, limit) => {
      if (id.startsWith('task-')) ownTask(actor, id);
      else ownBatch(actor, id);
      return (streams.get(id) ?? []).slice(afterSeq, afterSeq + limit);
    },
  };
}

function now(): string {
  return new Date().toISOString();
}

function toTask(task: NewTask): Task {
  const { contentKey: _key, reuse: _reuse, skip: _skip, ...shown } = task;
  return {
    ...shown,
    status: 'queued',
    attempt: 1,
    costMicroUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    steps: 0,
    cancelRequested: false,
    createdAt: now(),
  };
}

function toBatch({ id, name, prompt, agent, parallel, failureBudget }: NewBatch): Batch {
  return {
    id,
    name,
    prompt,
    agent,
    parallel,
    failureBudget,
    status: 'queued',
    round: 1,
    counts: countsOf([]),
    costMicroUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    cancelRequested: false,
    createdAt: now(),
  };
}

function countsOf(items: readonly Task[]): BatchCounts {
  const tally = <Word extends string>(
    words: readonly Word[],
    wordOf: (task: Task) => string | undefined,
  ) =>
    Object.fromEntries(
      words.map((word) => [word, items.filter((task) => wordOf(task) === word).length]),
    ) as Record<Word, number>;
  return {
    total: items.length,
    byStatus: tally(taskStatuses, (task) => task.status),
    byOutcome: tally(outcomes, (task) => task.outcome),
    byFailureClass: tally(failureClasses, (task) => task.failureClass),
  };
}

function fits(task: Task, filter: TaskFilter): boolean {
  return (
    (filter.status?.includes(task.status) ?? true) &&
    (filter.batchId === undefined || filter.batchId === task.batchId) &&
    (filter.inBatch === undefined || filter.inBatch === (task.batchId !== undefined)) &&
    (filter.repository === undefined || filter.repository === task.repository)
  );
}

function pageOf<T>(
  all: readonly T[],
  page: { limit: number; cursor?: string | undefined },
): Page<T> {
  const from = Number(page.cursor ?? 0);
  const next = from + page.limit;
  return { items: all.slice(from, next), nextCursor: next < all.length ? String(next) : null };
}
