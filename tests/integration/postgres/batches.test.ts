// A batch of many tasks as one object: stored once, listed, changed, and added up from its items.
import type { Actor } from '../../../adapters/ports.ts';
import { batchSchema } from '../../../contracts/batch.schema.ts';
import { batchCalls } from './batch-calls.ts';
import {
  aBatch,
  aTask,
  createPostgresWorld,
  someItems,
  type PostgresWorld,
} from './postgres-world.ts';

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

test('a stored batch is queued, and its workflow is woken with what it needs', async () => {
  const batch = await world.store.createBatch(
    actor,
    aBatch(someItems(3), { failureBudget: 0.5, name: 'renames' }),
    undefined,
  );

  expect(batchSchema.parse(batch)).toMatchObject({
    status: 'queued',
    round: 1,
    failureBudget: 0.5,
    counts: { total: 3, byStatus: { queued: 3 } },
  });
  expect(await world.eventTypes(actor, batch.id)).toEqual(['batch-queued']);
  expect(await world.drainOutbox()).toEqual([
    {
      kind: 'wake-batch',
      input: {
        tenantId: actor.tenantId,
        batchId: batch.id,
        name: 'renames',
        agent: 'command',
        parallel: 10,
        total: 3,
        failureBudget: 2,
        timeoutMs: 60_000,
        maxCostMicroUsd: 5_000_000,
        priority: 3,
      },
      change: {},
    },
  ]);
});

test('20 equal submits of a batch at once make one', async () => {
  const claim = { key: 'k', requestHash: 'h' };
  const answers = await Promise.all(
    Array.from({ length: 20 }, () => world.store.createBatch(actor, aBatch(someItems(5)), claim)),
  );

  expect(new Set(answers.map((batch) => batch.id)).size).toBe(1);
  expect((await world.store.listBatches(actor, { limit: 100 })).items).toHaveLength(1);
  expect((await world.store.listTasks(actor, { limit: 100 })).items).toHaveLength(5);
});

test('batches are listed newest first, page by page', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 5; index += 1) ids.unshift((await submit(someItems(1))).id);

  const first = await world.store.listBatches(actor, { limit: 3 });
  const rest = await world.store.listBatches(actor, {
    limit: 3,
    cursor: first.nextCursor ?? undefined,
  });

  expect([...first.items, ...rest.items].map((batch) => batch.id)).toEqual(ids);
  expect(rest.nextCursor).toBeNull();
});

test('a change of a live batch is kept, told and sent', async () => {
  const { id } = await submit(someItems(10));

  const batch = await world.store.changeBatch(actor, id, { parallel: 3, failureBudget: 0.25 });

  expect(batch).toMatchObject({ parallel: 3, failureBudget: 0.25 });
  expect((await world.eventsOf(actor, id)).at(-1)).toMatchObject({
    type: 'batch-changed',
    data: { parallel: 3, failureBudget: 0.25 },
  });
  expect(await world.drainOutbox()).toMatchObject([
    {
      kind: 'wake-batch',
      input: { parallel: 3, failureBudget: 3 },
      change: { parallel: 3, failureBudget: 3 },
    },
  ]);
});

test('the expected end follows from the pace of the items that worked', async () => {
  const { id } = await submit([...someItems(4), aTask({ skip: 'optout' })]);
  const { items } = await take(id, '0', 4);
  await take(id, '1');
  const started = await Promise.all(items.slice(0, 2).map((item) => world.start(actor, item)));
  expect((await read(id)).etaAt).toBeUndefined();
  world.clock.nowMs += 10_000;
  for (const fence of started) await world.journal.finish(fence, { outcome: 'succeeded' });

  expect((await read(id)).etaAt).toBe(new Date(world.clock.now() + 10_000).toISOString());
});

test('cost and tokens of a batch are those of its items, all attempts', async () => {
  const { id } = await submit(someItems(2));
  const { items } = await take(id, '0');
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
  for (const item of items)
    await world.journal.finish(
      await world.start(actor, item),
      { outcome: 'failed', failureClass: 'agent' },
      { usage },
    );
  await world.store.retryBatch(actor, id, { cancelled: false });
  for (const item of (await take(id, '1')).items)
    await world.journal.finish(await world.start(actor, item), { outcome: 'succeeded' }, { usage });

  await end(id);

  expect(await read(id)).toMatchObject({ costMicroUsd: 1_200, inputTokens: 40, outputTokens: 20 });
  expect((await world.eventsOf(actor, id)).at(-1)).toMatchObject({
    type: 'batch-ended',
    data: { result: 'success', total: 2, costMicroUsd: 1_200 },
  });
});

test('items are listed in their order, page by page, and by what became of them', async () => {
  const { id } = await submit(someItems(5));
  const { items } = await take(id, '0');
  await world.run(actor, items[3] ?? { taskId: '', attempt: 0 }, {
    outcome: 'failed',
    failureClass: 'gate',
  });

  const first = await world.store.listTasks(actor, { batchId: id, limit: 3 });
  const rest = await world.store.listTasks(actor, {
    batchId: id,
    limit: 3,
    cursor: first.nextCursor ?? undefined,
  });
  const failed = await world.store.listTasks(actor, {
    batchId: id,
    failureClass: ['gate'],
    limit: 3,
  });

  expect([...first.items, ...rest.items].map((task) => task.itemIndex)).toEqual([0, 1, 2, 3, 4]);
  expect(failed.items.map((task) => task.itemIndex)).toEqual([3]);
  expect(
    await world.batches.endedOf(
      actor.tenantId,
      items.map((item) => item.taskId),
    ),
  ).toEqual([{ taskId: items[3]?.taskId, failed: true }]);
});

test('10,000 items are stored, counted, cancelled and listed like ten', async () => {
  const { id } = await submit(someItems(10_000));
  const { items } = await take(id, '0', 10);

  await world.store.cancelBatch(actor, id, undefined);

  expect(await read(id)).toMatchObject({
    status: 'running',
    counts: { byStatus: { queued: 10, cancelled: 9_990 } },
  });
  expect(items).toHaveLength(10);
  expect(await world.eventsOf(actor, id)).toHaveLength(3 + 9_990);
  const page = await world.store.listTasks(actor, { batchId: id, status: ['queued'], limit: 20 });
  expect(page.items.map((task) => task.id)).toEqual(items.map((item) => item.taskId));
});
