// A retry takes up the items of the classes asked for, in the live batch or in a new round of an ended one.
import type { Actor } from '../../../adapters/ports.ts';
import type { RetryBatch } from '../../../contracts/batch.schema.ts';
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

describe('retry', () => {
  const failures = ['input', 'infra', 'conflict', 'gate', 'agent', undefined] as const;

  async function anEndedBatch(): Promise<string> {
    const { id } = await submit(someItems(8));
    const { items } = await take(id, '0', 7);
    for (const [index, item] of items.entries()) {
      await world.run(
        actor,
        item,
        index < failures.length
          ? { outcome: 'failed', failureClass: failures[index] }
          : { outcome: 'succeeded' },
      );
    }
    await end(id, 'failure_budget');
    await world.drainOutbox();
    return id;
  }

  const cases: [string, RetryBatch, number[]][] = [
    [
      'by default all but class input, and those without a result',
      { cancelled: false },
      [1, 2, 3, 4, 5],
    ],
    ['only the classes named', { only: ['input', 'gate'], cancelled: false }, [0, 3]],
    ['cancelled ones too', { only: ['infra'], cancelled: true }, [1, 7]],
  ];
  test.each(cases)('takes up %s', async (_name, retry, indexes) => {
    const id = await anEndedBatch();

    const { batch, retried } = await world.store.retryBatch(actor, id, retry);

    expect(retried).toBe(indexes.length);
    expect(batch).toMatchObject({
      status: 'queued',
      round: 2,
      counts: { byStatus: { queued: indexes.length } },
    });
    expect(batch.result ?? batch.endedAt).toBeUndefined();
    expect(await world.drainOutbox()).toMatchObject([
      { kind: 'wake-batch', input: { batchId: id }, change: { moreItems: true } },
    ]);
    expect((await world.eventsOf(actor, id)).at(-1)).toMatchObject({
      type: 'items-retried',
      data: { count: indexes.length, round: 2 },
    });
    const { items } = await take(id, 'round-2');
    expect(items.map((item) => item.attempt)).toEqual(indexes.map(() => 2));
    const queued = await world.store.listTasks(actor, {
      batchId: id,
      status: ['queued'],
      limit: 10,
    });
    expect(queued.items.map((task) => task.itemIndex)).toEqual(indexes);
  });

  test('with nothing to take up is refused', async () => {
    const { id } = await submit(someItems(1));
    const { items } = await take(id, '0');
    for (const item of items) await world.run(actor, item);

    await expect(world.store.retryBatch(actor, id, { cancelled: true })).rejects.toMatchObject({
      code: 'NOTHING_TO_RETRY',
    });
  });

  test('in a live batch stays in its round', async () => {
    const { id } = await submit(someItems(2));
    const { items } = await take(id, '0');
    for (const item of items.slice(0, 1))
      await world.run(actor, item, { outcome: 'failed', failureClass: 'infra' });

    const { batch } = await world.store.retryBatch(actor, id, { cancelled: false });

    expect(batch).toMatchObject({
      status: 'running',
      round: 1,
      counts: { byStatus: { queued: 2 } },
    });
    expect((await take(id, '0')).items.map((item) => item.attempt)).toEqual([1]);
    expect((await take(id, '1')).items.map((item) => item.attempt)).toEqual([2]);
  });

  test('of an item that a late end meets is left alone', async () => {
    const id = await anEndedBatch();
    await world.store.retryBatch(actor, id, { cancelled: true });

    await end(id, 'failure_budget');

    expect(await read(id)).toMatchObject({ status: 'queued', counts: { byStatus: { queued: 6 } } });
  });

  test('and the end at once never lose an item', async () => {
    for (let round = 0; round < 10; round += 1) {
      const { id } = await submit(someItems(4));
      const { items } = await take(id, '0');
      for (const item of items)
        await world.run(actor, item, { outcome: 'failed', failureClass: 'infra' });

      await Promise.all([end(id), world.store.retryTask(actor, items[round % 4]?.taskId ?? '')]);

      const batch = await read(id);
      expect(batch.counts.byStatus).toMatchObject({ queued: 1, failed: 3 });
      expect(['1 running', '2 queued']).toContain(`${String(batch.round)} ${batch.status}`);
    }
  });
});
