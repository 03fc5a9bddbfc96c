/**
 * One attempt of one task, on a real Temporal server, with activities faked.
 *   - a command task is one activity and at most 25 history events
 *   - a builtin task asks, runs tools, checks; what fails a check goes back to the model
 *   - the same failure three times asks for another approach, then ends it as stuck; ten rounds end it anyway
 *   - where people are asked, one lets it go on with fresh rounds, or ends it; a command asks before its delivery
 *   - a failure that no retry mends ends it as failed, a cancel as cancelled, each on record once
 *   - when the host of its worktree is gone, the next step runs elsewhere
 */
import { randomUUID } from 'node:crypto';
import type { AgentTaskInput } from '../../contracts/messages.ts';
import type { AskingHold, TaskResult } from '../../contracts/activities.ts';
import { taskQueues, workflowTypes } from '../../contracts/names.ts';
import {
  failing,
  fakeActivities,
  succeeded,
  untilCancelled,
  type FakeActivities,
} from '../support/fake-activities.ts';
import { openWorkflowWorld, type WorkflowWorld } from '../support/workflow-world.ts';

let world: WorkflowWorld;
beforeAll(async () => {
  world = await openWorkflowWorld();
});
afterAll(() => world.close());

function aTask(agent: AgentTaskInput['agent']): AgentTaskInput {
  return {
    tenantId: 'tenant',
    taskId: `task-${randomUUID()}`,
    attempt: 1,
    agent,
    repository: '/repositories/one',
    timeoutMs: 60_000,
    maxCostMicroUsd: 1_000_000,
  };
}

async function start(input: AgentTaskInput) {
  return await world.client.workflow.start(workflowTypes.task, {
    workflowId: input.taskId,
    taskQueue: taskQueues.workflows,
    args: [input],
  });
}

async function run(fake: FakeActivities, input: AgentTaskInput): Promise<TaskResult> {
  return await world.withWorkers(
    fake,
    async () => (await (await start(input)).result()) as TaskResult,
  );
}

test('a command task is one activity and at most 25 history events', async () => {
  const fake = fakeActivities();
  const input = aTask('command');

  const result = await run(fake, input);

  const description = await world.client.workflow.getHandle(input.taskId).describe();
  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['performCommandTask']);
  expect(description.historyLength).toBeLessThanOrEqual(25);
});

test('a builtin task is one activity a turn', async () => {
  const fake = fakeActivities({ takeTurn: (step) => (step < 5 ? 'tools' : undefined) });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'takeTurn 3', 'takeTurn 5']);
});

test('where the host of the worktree asks no models, the models pool is asked before each turn', async () => {
  const fake = fakeActivities({
    asksElsewhere: true,
    takeTurn: (step) => (step < 3 ? 'tools' : undefined),
  });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual([
    'takeTurn 1',
    'callModel 1',
    'takeTurn 1',
    'callModel 3',
    'takeTurn 3',
  ]);
});

test('a failed check goes back to the model, and its repair is delivered', async () => {
  const fake = fakeActivities({
    takeTurn: (step) => (step < 3 ? { fingerprint: 'a' } : undefined),
  });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'takeTurn 3']);
});

test('the same failure three times asks for another approach, three more end the task', async () => {
  const fake = fakeActivities({ takeTurn: () => ({ fingerprint: 'same' }) });

  const result = await run(fake, aTask('builtin'));

  expect(result).toMatchObject({ status: 'failed', errorCode: 'AGENT_STUCK' });
  expect(fake.calls).toEqual([
    ...['takeTurn 1', 'takeTurn 3', 'takeTurn 5'],
    ...['takeTurn 7, other than: red', 'takeTurn 9', 'takeTurn 11', 'endTask AGENT_STUCK'],
  ]);
  expect(fake.summaries).toEqual([expect.stringMatching(/gate test still fails.* 6 rounds/)]);
});

test('who is told to try another approach and succeeds is done', async () => {
  const fake = fakeActivities({
    takeTurn: (step) => (step < 9 ? { fingerprint: 'same' } : undefined),
  });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
});

test('a person lets a stuck agent go on, each time with fresh rounds, until they say no', async () => {
  const fake = fakeActivities({
    takeTurn: () => ({ fingerprint: 'same' }),
    lastWords: ['approve', 'reject'],
  });

  const result = await run(fake, aTask('builtin'));

  expect(result).toMatchObject({ status: 'failed', errorCode: 'AGENT_STUCK' });
  expect(fake.calls).toEqual([
    ...['takeTurn 1', 'takeTurn 3', 'takeTurn 5'],
    ...['takeTurn 7, other than: red', 'takeTurn 9', 'takeTurn 11', 'openApproval quality_gate:1'],
    ...['takeTurn 13, advised by quality_gate:1', 'takeTurn 15', 'takeTurn 17'],
    ...[
      'takeTurn 19, other than: red',
      'takeTurn 21',
      'takeTurn 23',
      'openApproval quality_gate:2',
    ],
    'endTask AGENT_STUCK',
  ]);
  expect(fake.summaries).toEqual([expect.stringMatching(/6 rounds.* did not let it go on/)]);
});

test('a person lets an agent go on that had its ten rounds', async () => {
  const fake = fakeActivities({
    takeTurn: (step) => (step <= 21 ? { fingerprint: String(step) } : undefined),
    lastWords: ['approve'],
  });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls.slice(10)).toEqual([
    'openApproval quality_gate:1',
    'takeTurn 21, advised by quality_gate:1',
    'takeTurn 23',
  ]);
});

test('a command whose delivery asks a person goes on afterwards, on the host that has the work', async () => {
  const facts = { commit: 'c', diffStat: { files: 1, insertions: 1, deletions: 0 } };
  const question = {
    ...{ kind: 'edits_review', title: 'May it?', key: 'edits_review:c' },
    facts: { ...facts, summary: 'done', passedGates: [] },
  } as const;
  const asks = { next: 'hold', hostQueue: 'ado-agents@test', hold: { kind: 'ask', question } };
  let calls = 0;
  const fake = fakeActivities({
    performCommandTask({ taskId }) {
      calls += 1;
      return Promise.resolve(calls === 1 ? (asks as AskingHold) : succeeded(taskId));
    },
    lastWords: ['approve'],
  });

  const result = await run(fake, aTask('command'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual([
    'performCommandTask',
    'openApproval edits_review:c',
    'performCommandTask',
  ]);
});

test('ten rounds of different failures end the task', async () => {
  const fake = fakeActivities({ takeTurn: (step) => ({ fingerprint: String(step) }) });

  const result = await run(fake, aTask('builtin'));

  expect(result).toMatchObject({ status: 'failed', errorCode: 'ROUNDS_EXCEEDED' });
  expect(fake.calls.filter((call) => call.startsWith('takeTurn'))).toHaveLength(10);
});

test('a failure that no retry mends ends the task with its code', async () => {
  const fake = fakeActivities({ performCommandTask: () => failing('BRANCH_CONFLICT') });

  const result = await run(fake, aTask('command'));

  expect(result).toMatchObject({ status: 'failed', errorCode: 'BRANCH_CONFLICT' });
  expect(fake.calls).toEqual(['performCommandTask', 'endTask BRANCH_CONFLICT']);
});

test('a cancel of the workflow ends the task as cancelled', async () => {
  const fake = fakeActivities({ performCommandTask: untilCancelled });

  const result = await world.withWorkers(fake, async () => {
    const handle = await start(aTask('command'));
    await fake.seen('performCommandTask');
    await handle.cancel();
    return (await handle.result()) as TaskResult;
  });

  expect(result).toMatchObject({ status: 'cancelled', errorCode: 'TASK_CANCELLED' });
});

test('a turn whose host is gone runs on another one', async () => {
  const fake = fakeActivities({
    hostQueue: 'ado-agents@gone',
    takeTurn: (step) => (step < 3 ? 'tools' : undefined),
  });

  const result = await run(fake, aTask('builtin'));

  expect(result.status).toBe('succeeded');
  expect(fake.calls).toEqual(['takeTurn 1', 'takeTurn 3']);
});
