/** Plays the life of tasks and batches on the fake API. */
import type { FakeApi } from '../../support/fake-api.ts';
import { countItems } from '../../support/fake-work.ts';
import type { Task } from '../../../contracts/task.schema.ts';
import type { FailureClass, Outcome } from '../../../contracts/task-status.ts';
import { statusOfOutcome } from '../../../contracts/task-status.ts';

/** How an item ends. */
export interface End {
  readonly outcome: Outcome;
  readonly failureClass?: FailureClass;
  readonly error?: string;
}

const commit = 'c'.repeat(40);

/** Lets a task begin. */
export function beginTask(api: FakeApi, id: string): void {
  api.changeTask(id, { status: 'running', startedAt: new Date().toISOString() });
  api.emit(id, { type: 'task-started', data: { attempt: 1, worker: 'worker-1' } });
}

/** Lets a task write something. */
export function writeOutput(api: FakeApi, id: string, text: string): void {
  api.emit(id, { type: 'output', data: { step: 1, source: 'stdout', text } });
}

/** Lets a task end. */
export function endTask(api: FakeApi, id: string, end: End): void {
  const change = endOf(end);
  api.changeTask(id, change);
  api.emit(id, {
    type: 'task-ended',
    data: { status: statusOfOutcome(end.outcome), costMicroUsd: 0, ...end },
  });
}

function endOf(end: End): Partial<Task> {
  const made =
    end.outcome === 'succeeded'
      ? { commit, changed: true, diffStat: { files: 1, insertions: 2, deletions: 1 } }
      : {};
  return {
    status: statusOfOutcome(end.outcome),
    endedAt: new Date().toISOString(),
    ...made,
    ...end,
  };
}

/** Lets a batch begin. */
export function beginBatch(api: FakeApi, id: string): void {
  const total = api.itemsOf(id).length;
  api.emit(id, { type: 'batch-started', data: { total, parallel: 10, round: 1 } });
}

/** Lets an item of a batch begin and end. */
export function playItem(api: FakeApi, task: Task, end: End): void {
  const batchId = task.batchId ?? '';
  const { id: taskId, repository, attempt, itemIndex = 0 } = task;
  const item = { taskId, itemIndex, repository, attempt };
  api.emit(batchId, { type: 'item-started', data: item });
  const branch = end.outcome === 'succeeded' ? { branch: task.branch } : {};
  api.changeTask(taskId, endOf(end));
  const items = api.itemsOf(batchId);
  api.changeBatch(batchId, { counts: countItems(items, items.length) });
  api.emit(batchId, {
    type: 'item-ended',
    data: { ...item, ...branch, costMicroUsd: 0, durationMs: 5, ...end },
  });
}

/** Lets a batch end; its items must have ended. */
export function endBatch(api: FakeApi, id: string): void {
  const items = api.itemsOf(id);
  const counts = countItems(items, items.length);
  const isSuccess = counts.byOutcome.failed === 0;
  const result = isSuccess ? 'success' : 'partial';
  api.changeBatch(id, {
    status: isSuccess ? 'succeeded' : 'failed',
    result,
    counts,
    endedAt: new Date().toISOString(),
  });
  api.emit(id, { type: 'batch-ended', data: { result, total: items.length, costMicroUsd: 0 } });
}

/** Plays a whole batch: the ends by repository name, success for all others. */
export function playBatch(
  api: FakeApi,
  id: string,
  ends: Readonly<Record<string, End>> = {},
): void {
  beginBatch(api, id);
  for (const task of api.itemsOf(id)) {
    if (task.outcome !== undefined) continue;
    const name = task.repository.slice(task.repository.lastIndexOf('/') + 1);
    playItem(api, task, ends[name] ?? { outcome: 'succeeded' });
  }
  endBatch(api, id);
}
