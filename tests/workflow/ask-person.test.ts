/**
 * A task that asks a person, on a real Temporal server, with activities faked.
 *   - an answer lets the same turn go on, at once; where another pool asks the model, the slot is taken before
 *   - silence is reminded, then the default counts
 *   - an answer whose update was lost is found by the next reminder, one that comes early is not lost
 *   - an answer to another question, or a second one, is refused; delivering it again is harmless
 *   - waiting outlives the worker, and ends with a cancel
 */
import { randomUUID } from 'node:crypto';
import { WorkflowUpdateFailedError, type WorkflowHandle } from '@temporalio/client';
import {
  createWorkflowEngine,
  type TemporalEngine,
} from '../../adapters/temporal/workflow-engine.ts';
import type { TaskResult } from '../../contracts/activities.ts';
import type { ApprovalDecision } from '../../contracts/approval.ts';
import { approvalIdSchema } from '../../contracts/approval.schema.ts';
import { decideApprovalUpdate, type AgentTaskInput } from '../../contracts/messages.ts';
import { taskQueues, workflowTypes } from '../../contracts/names.ts';
import { testService } from '../support/environment.ts';
import { fakeActivities, type FakeActivities } from '../support/fake-activities.ts';
import { openWorkflowWorld, type WorkflowWorld } from '../support/workflow-world.ts';

let world: WorkflowWorld;
let engine: TemporalEngine;
beforeAll(async () => {
  world = await openWorkflowWorld();
  engine = createWorkflowEngine({
    address: testService('temporalAddress'),
    namespace: world.namespace.name,
  });
});
afterAll(async () => {
  await engine.close();
  await world.close();
});

const longMs = 600_000;

async function start(): Promise<WorkflowHandle> {
  const taskId = `task-${randomUUID()}`;
  const input: AgentTaskInput = {
    tenantId: 'tenant',
    taskId,
    attempt: 1,
    agent: 'builtin',
    repository: '/repositories/one',
    timeoutMs: 60_000,
  };
  return await world.client.workflow.start(workflowTypes.task, {
    workflowId: taskId,
    taskQueue: taskQueues.workflows,
    args: [input],
  });
}

/** Answers as the API does: PostgreSQL first, then the outbox. */
async function answer(
  fake: FakeActivities,
  { workflowId }: WorkflowHandle,
  decision: ApprovalDecision,
): Promise<void> {
  fake.approval.decision = decision;
  const approvalId = approvalIdSchema.parse(fake.approval.approvalId);
  await engine.deliver({ kind: 'decide-approval', workflowId, answer: { approvalId, decision } });
}

async function resultOf(handle: WorkflowHandle): Promise<TaskResult> {
  return (await handle.result()) as TaskResult;
}

test.each(['approve', 'reject'] as const)('%s lets the same turn go on', async (decision) => {
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs } });

  const result = await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    await answer(fake, handle, decision);
    return await resultOf(handle);
  });

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'openApproval', 'takeTurn 1']);
});

test('where the models pool asks, a turn takes the slot again before its call is made', async () => {
  const fake = fakeActivities({ asksElsewhere: true, asksAt: { step: 1, deadlineMs: longMs } });

  await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    await answer(fake, handle, 'approve');
    await handle.result();
  });

  expect(fake.calls).toEqual([
    'takeTurn 1',
    'callModel 1',
    'openApproval',
    'takeTurn 1',
    'callModel 1',
    'takeTurn 1',
  ]);
});

test('silence is reminded, and then the default counts', async () => {
  const fake = fakeActivities({
    asksAt: { step: 1, deadlineMs: 600, remindersMs: [100, 300] },
  });

  const result = await world.withWorkers(fake, async () => await resultOf(await start()));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual([
    'takeTurn 1',
    'openApproval',
    'remindApproval 1',
    'remindApproval 2',
    'expireApproval',
    'takeTurn 1',
  ]);
});

test('an answer that nobody told the workflow of is found by the next reminder', async () => {
  const fake = fakeActivities({
    asksAt: { step: 1, deadlineMs: longMs, remindersMs: [500] },
  });

  await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    fake.approval.decision = 'approve';
    await handle.result();
  });

  expect(fake.calls).toEqual(['takeTurn 1', 'openApproval', 'remindApproval 1', 'takeTurn 1']);
});

test('an answer that comes before the workflow knows that its question is on record counts', async () => {
  let open: () => void = () => undefined;
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs, opening } });

  const result = await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    await answer(fake, handle, 'approve');
    open();
    return await resultOf(handle);
  });

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'openApproval', 'takeTurn 1']);
});

test('an answer to another question and a second answer are refused, and delivered all the same', async () => {
  let open: () => void = () => undefined;
  const opening = new Promise<void>((resolve) => {
    open = resolve;
  });
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs, opening } });
  const refused: unknown[] = [];

  await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    const tell = async (approvalId: string): Promise<void> => {
      const args = [{ approvalId, decision: 'approve' }] as const;
      await handle.executeUpdate(decideApprovalUpdate, { args: [...args] }).then(
        () => refused.push('nothing'),
        (error: unknown) =>
          refused.push(error instanceof WorkflowUpdateFailedError ? error.cause : error),
      );
    };
    const { approvalId = '' } = fake.approval;

    await tell(`approval-${randomUUID()}`);
    await tell(approvalId);
    await tell(approvalId);
    await answer(fake, handle, 'approve');
    open();
    await handle.result();
    // The workflow is gone: there is nobody to wake.
    await answer(fake, handle, 'approve');
  });

  expect(refused).toMatchObject([
    { type: 'APPROVAL_NOT_FOUND' },
    'nothing',
    { type: 'APPROVAL_DECIDED' },
  ]);
});

test('waiting goes on in another worker', async () => {
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs } });
  const handle = await world.withWorkers(fake, async () => {
    const started = await start();
    await fake.seen('openApproval');
    return started;
  });

  const result = await world.withWorkers(fake, async () => {
    await answer(fake, handle, 'approve');
    return await resultOf(handle);
  });

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'openApproval', 'takeTurn 1']);
});

test('without a worker an answer is not delivered, so that the outbox brings it again', async () => {
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs } });
  const handle = await world.withWorkers(fake, async () => {
    const started = await start();
    await fake.seen('openApproval');
    return started;
  });

  await expect(answer(fake, handle, 'approve')).rejects.toMatchObject({ code: 'WORKER_LOST' });

  await handle.terminate();
  await answer(fake, handle, 'approve');
});

test('a cancel ends the wait', async () => {
  const fake = fakeActivities({ asksAt: { step: 1, deadlineMs: longMs } });

  const result = await world.withWorkers(fake, async () => {
    const handle = await start();
    await fake.seen('openApproval');
    await handle.cancel();
    return await resultOf(handle);
  });

  expect(result).toMatchObject({ status: 'cancelled', errorCode: 'TASK_CANCELLED' });
  expect(fake.calls).not.toContain('expireApproval');
});
