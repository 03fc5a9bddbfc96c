// However a batch ends, each of its items has exactly one end, and the verdict follows from them.
import type { Actor } from '../../../adapters/ports.ts';
import type { Batch } from '../../../contracts/batch.schema.ts';
import { batchCalls } from './batch-calls.ts';
import { createPostgresWorld, someItems, type PostgresWorld } from './postgres-world.ts';

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
const { submit, take, end, read } = batchCalls(() => ({ world, actor }));

describe('the end', () => {
  const cases: [string, ('succeeded' | 'failed')[], Batch['result'], Batch['status']][] = [
    ['all succeeded', ['succeeded', 'succeeded'], 'success', 'succeeded'],
    ['one failed', ['succeeded', 'failed'], 'partial', 'failed'],
    ['none succeeded', ['failed', 'failed'], 'failed', 'failed'],
  ];
  test.each(cases)('when %s', async (_name, outcomes, result, status) => {
    const { id } = await submit(someItems(2));
    const { items } = await take(id, '0');
    for (const [index, item] of items.entries())
      await world.run(actor, item, { outcome: outcomes[index] ?? 'failed', failureClass: 'gate' });

    await end(id);
    await end(id);

    expect(await read(id)).toMatchObject({ result, status });
    const types = await world.eventTypes(actor, id);
    expect(types.at(-1)).toBe('batch-ended');
    expect(types.filter((type) => type === 'batch-ended')).toHaveLength(1);
  });

  test('by the failure budget cancels what never started', async () => {
    const { id } = await submit(someItems(4));
    const { items } = await take(id, '0', 2);
    for (const item of items.slice(0, 1))
      await world.run(actor, item, { outcome: 'failed', failureClass: 'agent' });

    await end(id, 'failure_budget');

    expect(await read(id)).toMatchObject({
      result: 'failed',
      counts: { byOutcome: { failed: 1, cancelled: 3 } },
    });
    const cancelled = await world.store.listTasks(actor, {
      batchId: id,
      outcome: ['cancelled'],
      limit: 10,
    });
    expect(new Set(cancelled.items.map((task) => task.reason))).toEqual(
      new Set(['failure_budget']),
    );
  });

  test('of an item that was handed out and left no result is a failure of ours', async () => {
    const { id } = await submit(someItems(2));
    const { items } = await take(id, '0');
    for (const item of items.slice(0, 1)) await world.run(actor, item);

    await end(id);

    expect(await read(id)).toMatchObject({
      result: 'partial',
      counts: { byFailureClass: { infra: 1 } },
    });
    expect(await world.store.getTask(actor, items[1]?.taskId ?? '')).toMatchObject({
      outcome: 'failed',
      reason: 'no_result',
      errorCode: 'WORKER_LOST',
    });
  });

  test('does not come while a retried item waits', async () => {
    const { id } = await submit(someItems(2));
    const { items } = await take(id, '0');
    for (const item of items)
      await world.run(actor, item, { outcome: 'failed', failureClass: 'infra' });
    await world.store.retryTask(actor, items[0]?.taskId ?? '');

    await end(id);

    expect(await read(id)).toMatchObject({
      status: 'running',
      round: 1,
      counts: { byStatus: { queued: 1, failed: 1 } },
    });
    expect((await take(id, '1')).items).toMatchObject([{ taskId: items[0]?.taskId, attempt: 2 }]);
  });
});

describe('cancel', () => {
  test('of a batch that never began ends it at once', async () => {
    const { id } = await submit(someItems(3));

    const batch = await world.store.cancelBatch(actor, id, 'wrong prompt');

    expect(batch).toMatchObject({
      status: 'cancelled',
      result: 'cancelled',
      cancelRequested: true,
      counts: { byOutcome: { cancelled: 3 } },
    });
    expect(await world.eventTypes(actor, id)).toEqual([
      'batch-queued',
      'cancel-requested',
      'item-ended',
      'item-ended',
      'item-ended',
      'batch-ended',
    ]);
    expect(await world.drainOutbox()).toEqual([{ kind: 'cancel-workflow', workflowId: id }]);
    await end(id, 'cancelled');
    expect(await read(id)).toEqual(batch);
  });

  test('ends what waits, stops what runs, and the batch ends when that has ended', async () => {
    const { id } = await submit(someItems(5));
    const { items } = await take(id, '0', 3);
    const [done, working, taken] = items;
    if (done === undefined || working === undefined || taken === undefined)
      throw new Error('a page of three was asked for');
    await world.run(actor, done);
    const fence = await world.start(actor, working);

    const asked = await world.store.cancelBatch(actor, id, undefined);
    const left = await world.batches.cancelItems(actor.tenantId, id);

    expect(asked).toMatchObject({
      status: 'running',
      cancelRequested: true,
      counts: { byOutcome: { cancelled: 2 } },
    });
    expect(left).toEqual([working.taskId, taken.taskId]);
    expect(await world.journal.isCancelRequested(fence.ref)).toBe(true);
    await world.journal.finish(fence, { outcome: 'succeeded' });
    await end(id, 'cancelled');
    expect(await read(id)).toMatchObject({
      status: 'cancelled',
      result: 'cancelled',
      counts: { byOutcome: { succeeded: 1, cancelled: 4 } },
    });
    expect(await world.store.cancelBatch(actor, id, undefined)).toMatchObject({
      status: 'cancelled',
    });
  });

  test('of an ended batch is refused', async () => {
    const { id } = await submit(someItems(1));
    const { items } = await take(id, '0');
    for (const item of items) await world.run(actor, item);
    await end(id);

    await expect(world.store.cancelBatch(actor, id, undefined)).rejects.toMatchObject({
      code: 'BATCH_ALREADY_ENDED',
    });
    await expect(world.store.changeBatch(actor, id, { parallel: 3 })).rejects.toMatchObject({
      code: 'BATCH_ALREADY_ENDED',
    });
  });

  test('beside pages being taken and items that end leaves every item with one end', async () => {
    const { id } = await submit(someItems(60));

    await Promise.all([
      ...Array.from({ length: 6 }, async (_, page) => {
        const { items } = await take(id, String(page), 10);
        await Promise.allSettled(items.slice(0, 5).map((item) => world.run(actor, item)));
      }),
      world.store.cancelBatch(actor, id, undefined),
      world.batches.cancelItems(actor.tenantId, id),
    ]);
    await world.batches.cancelItems(actor.tenantId, id);
    await end(id, 'cancelled');

    const batch = await read(id);
    expect(batch.endedAt).toBeDefined();
    expect(batch.counts.byOutcome.succeeded + batch.counts.byOutcome.cancelled).toBe(60);
    const ended = (await world.eventsOf(actor, id)).filter((event) => event.type === 'item-ended');
    expect(new Set(ended.map((event) => event.data.taskId)).size).toBe(60);
    expect(ended).toHaveLength(60);
  });
});
