/**
 * A batch on a real Temporal server, with activities faked (the window itself is the lease's business, tests/e2e).
 *   - all items end, children are started ahead of the window and never more than that
 *   - one item's failure stops nothing else; a failure budget stops new starts
 *   - a change of `parallel` counts for the next start; items added by a retry are taken
 *   - cancel starts nothing new and ends the batch as cancelled
 *   - continue-as-new loses no item and starts none twice
 */
import { randomUUID } from 'node:crypto';
import type { BatchItem, TaskResult } from '../../contracts/activities.ts';
import {
  changeBatchSignal,
  type AgentBatchInput,
  type AgentBatchResult,
} from '../../contracts/messages.ts';
import { taskQueues, workflowTypes } from '../../contracts/names.ts';
import { fakeActivities, succeeded, type FakeActivities } from '../support/fake-activities.ts';
import { openWorkflowWorld, type WorkflowWorld } from '../support/workflow-world.ts';

let world: WorkflowWorld;
beforeAll(async () => {
  world = await openWorkflowWorld();
});
afterAll(() => world.close());

function items(count: number): BatchItem[] {
  return Array.from({ length: count }, () => ({
    taskId: `task-${randomUUID()}`,
    attempt: 1,
    repository: '/repositories/one',
  }));
}

function aBatch(change: Partial<AgentBatchInput> = {}): AgentBatchInput {
  return {
    tenantId: 'tenant',
    batchId: `batch-${randomUUID()}`,
    name: 'a batch',
    agent: 'command',
    parallel: 4,
    total: 20,
    timeoutMs: 60_000,
    maxCostMicroUsd: 1_000_000,
    priority: 3,
    ...change,
  };
}

async function start(input: AgentBatchInput) {
  return await world.client.workflow.start(workflowTypes.batch, {
    workflowId: input.batchId,
    taskQueue: taskQueues.workflows,
    args: [input],
  });
}

async function run(fake: FakeActivities, input: AgentBatchInput): Promise<AgentBatchResult> {
  return await world.withWorkers(
    fake,
    async () => (await (await start(input)).result()) as AgentBatchResult,
  );
}

const failed = (taskId: string): TaskResult => ({
  taskId,
  status: 'failed',
  outcome: 'failed',
  costMicroUsd: 0,
});
/** Work that lasts until so many have been at work at once: a window that is too small never ends. */
async function untilPeak(fake: FakeActivities, count: number): Promise<void> {
  while (fake.peak() < count) await pause(20);
}
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms));

test('all items end, and no more children are open than the window and a quarter', async () => {
  const fake: FakeActivities = fakeActivities({
    items: items(20),
    performCommandTask: async ({ taskId }) => {
      await untilPeak(fake, 4);
      return succeeded(taskId);
    },
  });

  const result = await run(fake, aBatch());

  expect(result).toMatchObject({ ended: 20, failed: 0 });
  expect(fake.ended.size).toBe(20);
  expect(fake.peak()).toBeLessThanOrEqual(6);
  expect(fake.calls.at(-1)).toBe('endBatch finished');
});

test('a failed item stops nothing else', async () => {
  const list = items(6);
  const fake = fakeActivities({
    items: list,
    performCommandTask: ({ taskId }) =>
      Promise.resolve(taskId === list[0]?.taskId ? failed(taskId) : succeeded(taskId)),
  });

  const result = await run(fake, aBatch());

  expect(result).toMatchObject({ ended: 6, failed: 1 });
});

test('more failures than the budget stop new starts', async () => {
  const fake = fakeActivities({
    items: items(40),
    performCommandTask: ({ taskId }) => Promise.resolve(failed(taskId)),
  });

  const result = await run(fake, aBatch({ parallel: 1, failureBudget: 2 }));

  expect(result.failed).toBeGreaterThan(2);
  expect(result.ended).toBeLessThanOrEqual(6);
  expect(fake.calls.at(-1)).toBe('endBatch failure_budget');
});

test('a raised window counts for the next start', async () => {
  const fake: FakeActivities = fakeActivities({
    items: items(30),
    performCommandTask: async ({ taskId }) => {
      await untilPeak(fake, 10);
      return succeeded(taskId);
    },
  });

  await world.withWorkers(fake, async () => {
    const handle = await start(aBatch({ parallel: 1 }));
    await fake.seen('performCommandTask');
    await handle.signal(changeBatchSignal, { parallel: 12 });
    await handle.result();
  });

  expect(fake.peak()).toBeLessThanOrEqual(15);
});

test('a cancel starts nothing new and ends the batch as cancelled', async () => {
  const fake = fakeActivities({
    items: items(20),
    performCommandTask: async ({ taskId }, cancelled) => {
      await cancelled;
      return { ...failed(taskId), status: 'cancelled', outcome: 'cancelled' };
    },
  });

  await world.withWorkers(fake, async () => {
    const handle = await start(aBatch());
    await fake.seen('performCommandTask');
    await handle.cancel();
    await handle.result();
  });

  expect(fake.calls.at(-1)).toBe('endBatch cancelled');
  expect(fake.calls.filter((call) => call === 'performCommandTask').length).toBeLessThanOrEqual(6);
});

test('continue-as-new loses no item and starts none twice', async () => {
  const all = items(60);
  const fake = fakeActivities({
    items: all,
    performCommandTask: async ({ taskId }) => {
      // The first is still open when the run continues as new, however slow the machine is.
      if (taskId === all[0]?.taskId) await fake.seen('awaitItems');
      else await pause(200);
      return succeeded(taskId);
    },
  });
  const input = aBatch({ parallel: 6, total: 60, maxHistoryEvents: 150 });

  const { result, newRuns } = await world.withWorkers(fake, async () => {
    const handle = await start(input);
    const ended = (await handle.result()) as AgentBatchResult;
    const last = await world.client.workflow.getHandle(input.batchId).describe();
    return { result: ended, newRuns: last.runId !== handle.firstExecutionRunId };
  });

  expect(result.ended).toBe(60);
  expect(fake.ended.size).toBe(60);
  expect(fake.calls.filter((call) => call === 'performCommandTask')).toHaveLength(60);
  expect(fake.calls).toContain('awaitItems');
  expect(newRuns).toBe(true);
});
