// Cancel wins, at once where nobody works; retry makes a new attempt.
import type { Actor } from '../../../adapters/ports.ts';
import { aCommit, aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 20 });
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  await world.drainOutbox();
});

describe('cancel', () => {
  test('ends a waiting task at once, and tells its workflow', async () => {
    const { id } = await world.store.createTask(actor, aTask(), undefined);
    await world.drainOutbox();

    const task = await world.store.cancelTask(actor, id, 'not needed');

    expect(task).toMatchObject({
      status: 'cancelled',
      outcome: 'cancelled',
      reason: 'user',
      errorCode: 'TASK_CANCELLED',
      cancelRequested: true,
    });
    expect(await world.eventTypes(actor, id)).toEqual([
      'task-queued',
      'cancel-requested',
      'task-ended',
    ]);
    expect(await world.drainOutbox()).toEqual([{ kind: 'cancel-workflow', workflowId: id }]);
  });

  test('of a running task is a request, and repeating it changes nothing', async () => {
    const { ref } = await world.aRunningTask(actor);
    await world.drainOutbox();

    const first = await world.store.cancelTask(actor, ref.taskId, undefined);
    const second = await world.store.cancelTask(actor, ref.taskId, undefined);

    expect(first).toMatchObject({ status: 'running', cancelRequested: true });
    expect(second).toEqual(first);
    expect(await world.drainOutbox()).toHaveLength(1);
    expect(await world.eventTypes(actor, ref.taskId)).toEqual([
      'task-queued',
      'task-started',
      'cancel-requested',
    ]);
  });

  test('of a cancelled task answers it, of another ended one is refused', async () => {
    const cancelled = await world.store.createTask(actor, aTask(), undefined);
    await world.store.cancelTask(actor, cancelled.id, undefined);
    const done = await world.aRunningTask(actor);
    await world.journal.finish(done, { outcome: 'succeeded' });

    expect((await world.store.cancelTask(actor, cancelled.id, undefined)).status).toBe('cancelled');
    await expect(world.store.cancelTask(actor, done.ref.taskId, undefined)).rejects.toMatchObject({
      code: 'TASK_ALREADY_ENDED',
    });
  });

  test('races with the end: there is one final status, and the loser is told', async () => {
    const fences = await Promise.all(Array.from({ length: 10 }, () => world.aRunningTask(actor)));

    const races = await Promise.all(
      fences.map(async (fence) => {
        const [result] = await Promise.allSettled([
          world.journal.finish(fence, { outcome: 'succeeded' }),
          world.store.cancelTask(actor, fence.ref.taskId, undefined),
        ]);
        return {
          result: result.status === 'fulfilled' ? result.value.status : result.reason,
          task: await world.store.getTask(actor, fence.ref.taskId),
        };
      }),
    );

    for (const { result, task } of races)
      expect(result).toBe(task.cancelRequested ? 'cancelled' : 'succeeded');
    for (const { result, task } of races) expect(task.status).toBe(result);
  });
});

describe('retry', () => {
  test('is a new attempt that goes on from the last commit', async () => {
    const fence = await world.aRunningTask(actor);
    const usage = {
      effectId: 'call',
      provider: 'scripted',
      model: 'one',
      requestId: undefined,
      inputTokens: 10,
      outputTokens: 5,
      cacheReadTokens: 0,
      cacheWriteTokens: 0,
      reasoningTokens: 0,
      costMicroUsd: 300,
    };
    const at = new Date(world.clock.now());
    const step = {
      step: 1,
      kind: 'model',
      effectId: 'call',
      status: 'succeeded',
      summary: '',
      commit: aCommit,
      startedAt: at,
      endedAt: at,
    } as const;
    await world.journal.record(fence, {
      usage,
      steps: [step],
      messages: [{ key: 'm', message: { role: 'user', content: [] } }],
    });
    await world.journal.finish(fence, {
      outcome: 'failed',
      failureClass: 'gate',
      errorCode: 'GATE_FAILED',
      error: 'red',
    });
    await world.drainOutbox();

    const task = await world.store.retryTask(actor, fence.ref.taskId);

    expect(task).toMatchObject({
      status: 'queued',
      attempt: 2,
      commit: aCommit,
      costMicroUsd: 300,
      steps: 0,
    });
    expect(task.outcome ?? task.errorCode ?? task.endedAt ?? task.startedAt).toBeUndefined();
    expect(await world.drainOutbox()).toMatchObject([
      { kind: 'start-task', workflowId: `${task.id}.2`, input: { attempt: 2 } },
    ]);
    const { task: record } = await world.journal.begin({ ...fence.ref, attempt: 2 });
    expect(record).toMatchObject({ headCommit: aCommit, costMicroUsd: 0 });
    expect(await world.journal.listMessages(record.ref)).toEqual([]);
  });

  test('keeps the steps of earlier attempts in the list, in order', async () => {
    const fence = await world.aRunningTask(actor);
    const at = new Date(world.clock.now());
    const step = {
      step: 1,
      kind: 'command',
      effectId: 'e',
      status: 'failed',
      summary: 'first',
      startedAt: at,
      endedAt: at,
    } as const;
    await world.journal.finish(fence, { outcome: 'failed' }, { steps: [step] });
    await world.store.retryTask(actor, fence.ref.taskId);
    const second = await world.start(actor, { taskId: fence.ref.taskId, attempt: 2 });
    await world.journal.record(second, {
      steps: [
        { ...step, summary: 'second' },
        { ...step, effectId: 'f', summary: 'third' },
      ],
    });

    const first = await world.store.listSteps(actor, fence.ref.taskId, { limit: 2 });
    const rest = await world.store.listSteps(actor, fence.ref.taskId, {
      limit: 2,
      cursor: first.nextCursor ?? undefined,
    });

    expect([...first.items, ...rest.items].map((item) => item.summary)).toEqual([
      'first',
      'second',
      'third',
    ]);
    expect(rest.nextCursor).toBeNull();
  });

  test('is refused while the task works, and when it succeeded', async () => {
    const { ref } = await world.aRunningTask(actor);
    const done = await world.aRunningTask(actor);
    await world.journal.finish(done, { outcome: 'succeeded' });

    await expect(world.store.retryTask(actor, ref.taskId)).rejects.toMatchObject({
      code: 'TASK_NOT_ENDED',
    });
    await expect(world.store.retryTask(actor, done.ref.taskId)).rejects.toMatchObject({
      code: 'NOTHING_TO_RETRY',
    });
  });

  test('sent twice at once is one attempt', async () => {
    const fence = await world.aRunningTask(actor);
    await world.journal.finish(fence, { outcome: 'failed' });

    const retries = await Promise.allSettled(
      [1, 2, 3].map(() => world.store.retryTask(actor, fence.ref.taskId)),
    );

    expect(retries.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
    expect((await world.store.getTask(actor, fence.ref.taskId)).attempt).toBe(2);
  });
});
