/**
 * A batch: a window of items, refilled at once when one ends.
 *
 * The window is held by slot leases in Redis, which the items' own activities take; this workflow starts children a little
 * ahead of it, so that workspaces and Temporal's hops hide behind the work of others. It pages item ids from PostgreSQL,
 * holds at most a page and the open ids in memory, and continues as new with its children running: they are abandoned on
 * purpose, and a waiting activity tells when those end that an earlier run had started.
 *
 * State: `buffer` (taken, not started), `open` (started, not seen to end), `exhausted` (PostgreSQL had no more). The batch
 * ends when all three say so. `stopped` (cancel, or failure budget used up) keeps the buffer from being started.
 */
import {
  allHandlersFinished,
  CancellationScope,
  condition,
  continueAsNew,
  isCancellation,
  ParentClosePolicy,
  startChild,
  setCurrentDetails,
  setHandler,
  TemporalFailure,
  type ChildWorkflowHandle,
  upsertSearchAttributes,
  WorkflowIdReusePolicy,
  workflowInfo,
} from '@temporalio/workflow';
import { defineSearchAttributeKey, SearchAttributeType } from '@temporalio/common';
import type { BatchItem, EndBatchInput } from '../contracts/activities.ts';
import {
  changeBatchSignal,
  getBatchProgress,
  type AgentBatchInput,
  type AgentBatchProgress,
  type AgentBatchResult,
  type AgentTaskInput,
} from '../contracts/messages.ts';
import { searchAttributes, taskQueues, taskWorkflowId } from '../contracts/names.ts';
import { glue, maxHistoryEvents, waiting } from './activity-options.ts';
import { agentTask } from './agent-task.ts';

const keyword = (name: string) => defineSearchAttributeKey(name, SearchAttributeType.KEYWORD);
const attributes = {
  tenantId: keyword(searchAttributes.tenantId),
  agentType: keyword(searchAttributes.agentType),
  taskStatus: keyword(searchAttributes.taskStatus),
  batchId: keyword(searchAttributes.batchId),
  repository: keyword(searchAttributes.repository),
  model: keyword(searchAttributes.model),
};

/** Items taken from PostgreSQL at once: a page is fetched while at least a window of items is still buffered. */
const pageSize = 100;

/**
 * Children to have open: the window, and half of it ahead (at least two), but those only when Temporal has started all of
 * the window's, so that at the beginning they take no turn from the first.
 */
function openLimit({ parallel, goesAhead }: Window): number {
  return goesAhead ? parallel + Math.max(2, Math.ceil(parallel / 2)) : parallel;
}

interface Window {
  pages: number;
  ended: number;
  failed: number;
  parallel: number;
  failureBudget: number | undefined;
  buffer: BatchItem[];
  exhausted: boolean;
  readonly open: Set<string>;
  /** Something happened that the loop has to look at. */
  dirty: boolean;
  /** Signals received by this run. */
  changes: number;
  fetching: boolean;
  cancelled: boolean;
  /** Children whose start Temporal has not confirmed: no continue-as-new before they are. */
  starting: number;
  /** A whole window has been started. */
  goesAhead: boolean;
  /** What a spawned part threw: rethrown by the loop, so that the workflow task fails and is tried again. */
  bug: unknown;
}

/** Workflow `agentBatch`. A repeated start finds nothing to take and ends at once. */
export async function agentBatch(input: AgentBatchInput): Promise<AgentBatchResult> {
  const window = openWindow(input);
  setHandler(changeBatchSignal, (change) => {
    window.parallel = change.parallel ?? window.parallel;
    window.failureBudget = change.failureBudget ?? window.failureBudget;
    if (change.moreItems === true) window.exhausted = false;
    window.changes += 1;
    window.dirty = true;
  });
  setHandler(getBatchProgress, () => ({ ...progressOf(window), buffered: window.buffer.length }));
  upsertSearchAttributes([{ key: attributes.taskStatus, value: 'running' }]);

  const carried = input.carried?.open ?? [];
  if (carried.length > 0) spawn(window, () => watchCarried(input, window, [...carried]));
  for (;;) {
    try {
      await runWindow(input, window);
    } catch (error) {
      if (!isCancellation(error)) throw error;
      window.cancelled = true;
      await CancellationScope.nonCancellable(() =>
        glue.cancelItems({ tenantId: input.tenantId, batchId: input.batchId }),
      );
      await CancellationScope.nonCancellable(() => runWindow(input, window));
    }
    if (needsNewRun(input, window)) {
      await CancellationScope.nonCancellable(() => condition(allHandlersFinished));
      await continueAsNew<typeof agentBatch>({ ...input, carried: progressOf(window) });
    }
    const because = endReason(window);
    const changesBefore = window.changes;
    await CancellationScope.nonCancellable(() =>
      glue.endBatch.executeWithOptions({ summary: `end · ${because}` }, [
        { tenantId: input.tenantId, batchId: input.batchId, because },
      ]),
    );
    // A retry may have added items while the end was written: endBatch has left the batch open then.
    if (window.changes === changesBefore || window.exhausted) break;
  }
  upsertSearchAttributes([
    { key: attributes.taskStatus, value: window.failed > 0 ? 'failed' : 'succeeded' },
  ]);
  return { batchId: input.batchId, ended: window.ended, failed: window.failed };
}

function openWindow(input: AgentBatchInput): Window {
  const carried = input.carried;
  return {
    pages: carried?.pages ?? 0,
    ended: carried?.ended ?? 0,
    failed: carried?.failed ?? 0,
    parallel: carried?.parallel ?? input.parallel,
    failureBudget: carried?.failureBudget ?? input.failureBudget,
    buffer: [...(carried?.buffer ?? [])],
    exhausted: carried?.exhausted ?? false,
    open: new Set(carried?.open ?? []),
    dirty: true,
    changes: 0,
    fetching: false,
    cancelled: false,
    starting: 0,
    goesAhead: carried !== undefined,
    bug: undefined,
  };
}

/** Starts and refills until all items have ended, or the run has to be continued as new. */
async function runWindow(input: AgentBatchInput, window: Window): Promise<void> {
  for (;;) {
    window.dirty = false;
    if (window.bug !== undefined) throw toError(window.bug);
    if (needsNewRun(input, window)) {
      await condition(() => window.starting === 0 && !window.fetching);
      return;
    }
    window.goesAhead ||= window.starting === 0 && window.open.size > 0;
    const stopped = isStopped(window);
    while (!stopped && window.buffer.length > 0 && window.open.size < openLimit(window)) {
      const item = window.buffer.shift();
      if (item !== undefined) startItem(input, window, item);
    }
    if (
      !stopped &&
      !window.exhausted &&
      !window.fetching &&
      window.buffer.length < openLimit(window)
    ) {
      window.fetching = true;
      spawn(window, () => fetchPage(input, window));
    }
    const nothingToStart = stopped || (window.buffer.length === 0 && window.exhausted);
    if (nothingToStart && !window.fetching && window.open.size === 0) return;
    await condition(() => window.dirty);
  }
}

function isStopped(window: Window): boolean {
  return window.cancelled || overFailureBudget(window);
}

function overFailureBudget(window: Window): boolean {
  return window.failureBudget !== undefined && window.failed > window.failureBudget;
}

function endReason(window: Window): EndBatchInput['because'] {
  if (window.cancelled) return 'cancelled';
  return overFailureBudget(window) ? 'failure_budget' : 'finished';
}

function needsNewRun(input: AgentBatchInput, window: Window): boolean {
  const { continueAsNewSuggested, historyLength } = workflowInfo();
  const workLeft = window.open.size > 0 || window.buffer.length > 0 || !window.exhausted;
  return (
    workLeft &&
    !isStopped(window) &&
    (continueAsNewSuggested || historyLength > (input.maxHistoryEvents ?? maxHistoryEvents))
  );
}

async function fetchPage(input: AgentBatchInput, window: Window): Promise<void> {
  // The first run's id tells this start of the batch from a later round; the number is the page within it.
  const pageKey = `${workflowInfo().firstExecutionRunId}/${String(window.pages)}`;
  const page = await glue.takeItems.executeWithOptions(
    { summary: `items · page ${String(window.pages + 1)}` },
    [{ tenantId: input.tenantId, batchId: input.batchId, pageKey, limit: pageSize }],
  );
  window.pages += 1;
  window.buffer.push(...page.items);
  window.exhausted = page.exhausted;
  window.fetching = false;
}

function startItem(input: AgentBatchInput, window: Window, item: BatchItem): void {
  window.open.add(item.taskId);
  window.starting += 1;
  spawn(window, () => runItem(input, window, item));
}

/** Runs one item to its end. A child that ended without a result (terminated by hand) is recorded as lost. */
async function runItem(input: AgentBatchInput, window: Window, item: BatchItem): Promise<void> {
  let confirmed = false;
  const confirm = (): void => {
    if (!confirmed) window.starting -= 1;
    confirmed = true;
    if (window.starting === 0) window.dirty = true;
  };
  try {
    const child = await startTask(input, item);
    confirm();
    const result = await child.result();
    if (result.status === 'failed') window.failed += 1;
  } catch (error) {
    if (!(error instanceof TemporalFailure)) throw error;
    const result = await glue.endTask({
      tenantId: input.tenantId,
      taskId: item.taskId,
      attempt: item.attempt,
      status: 'failed',
      errorCode: 'WORKER_LOST',
      error: `the item's workflow ended without a result: ${error.cause?.message ?? error.message}`,
    });
    if (result.status === 'failed') window.failed += 1;
  } finally {
    confirm();
    itemEnded(input, window, item.taskId);
  }
}

function itemEnded(input: AgentBatchInput, window: Window, taskId: string): void {
  window.open.delete(taskId);
  window.ended += 1;
  setCurrentDetails(
    `${String(window.ended)} of ${String(input.total)} ended · ${String(window.failed)} failed · ${String(window.open.size)} open`,
  );
}

async function startTask(
  input: AgentBatchInput,
  item: BatchItem,
): Promise<ChildWorkflowHandle<typeof agentTask>> {
  const task: AgentTaskInput = {
    tenantId: input.tenantId,
    taskId: item.taskId,
    attempt: item.attempt,
    agent: input.agent,
    repository: item.repository,
    batchId: input.batchId,
    timeoutMs: input.timeoutMs,
    maxCostMicroUsd: input.maxCostMicroUsd,
    ...(input.model === undefined ? {} : { model: input.model }),
  };
  return await startChild(agentTask, {
    workflowId: taskWorkflowId(item.taskId, item.attempt),
    taskQueue: taskQueues.workflows,
    args: [task],
    workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
    parentClosePolicy: ParentClosePolicy.ABANDON,
    staticSummary: `${input.agent} · ${item.repository}`.slice(0, 200),
    typedSearchAttributes: [
      { key: attributes.tenantId, value: input.tenantId },
      { key: attributes.agentType, value: input.agent },
      { key: attributes.taskStatus, value: 'running' },
      { key: attributes.batchId, value: input.batchId },
      { key: attributes.repository, value: item.repository.slice(-255) },
      ...(input.model === undefined
        ? []
        : [{ key: attributes.model, value: input.model.slice(-255) }]),
    ],
  });
}

/** Sees the items to their end that an earlier run of this workflow had started. */
async function watchCarried(
  input: AgentBatchInput,
  window: Window,
  taskIds: readonly string[],
): Promise<void> {
  let rest = taskIds;
  while (rest.length > 0) {
    const ended = await waiting.awaitItems.executeWithOptions(
      { summary: `wait · ${String(rest.length)} items` },
      [{ tenantId: input.tenantId, batchId: input.batchId, taskIds: rest }],
    );
    for (const item of ended) {
      if (item.failed) window.failed += 1;
      itemEnded(input, window, item.taskId);
    }
    rest = rest.filter((taskId) => window.open.has(taskId));
    window.dirty = true;
  }
}

/** Runs something beside the loop, out of reach of a cancel of the batch; its end wakes the loop, its bug fails it. */
function spawn(window: Window, run: () => Promise<void>): void {
  CancellationScope.nonCancellable(run)
    .catch((error: unknown) => {
      window.bug = error;
    })
    .finally(() => {
      window.dirty = true;
    });
}

function toError(thrown: unknown): Error {
  return thrown instanceof Error ? thrown : new Error(String(thrown));
}

function progressOf(window: Window): AgentBatchProgress {
  const { pages, ended, failed, parallel, failureBudget, buffer, exhausted, open } = window;
  return {
    pages,
    ended,
    failed,
    parallel,
    open: [...open],
    buffer,
    exhausted,
    ...(failureBudget === undefined ? {} : { failureBudget }),
  };
}
