// Items are handed out in pages.
//   - the same page key answers the same items; no item is handed out twice
//   - what opted out or is known already is ended instead
import type { Actor } from '../../../adapters/ports.ts';
import { batchCalls } from './batch-calls.ts';
import { aCommit, createPostgresWorld, someItems, type PostgresWorld } from './postgres-world.ts';

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

describe('taking items', () => {
  test('hands them out in their order, and marks the batch running', async () => {
    const items = someItems(5);
    const { id } = await submit(items);

    const first = await take(id, '0', 3);
    const second = await take(id, '1', 3);

    expect(first.exhausted).toBe(false);
    expect(second.exhausted).toBe(true);
    expect([...first.items, ...second.items]).toEqual(
      items.map((item) => ({ taskId: item.id, attempt: 1, repository: item.repository })),
    );
    expect(await read(id)).toMatchObject({
      status: 'running',
      startedAt: new Date(world.clock.now()).toISOString(),
    });
    expect(await world.eventTypes(actor, id)).toEqual(['batch-queued', 'batch-started']);
  });

  test('with the same key answers the same items', async () => {
    const { id } = await submit(someItems(5));
    const first = await take(id, '0', 3);

    const again = await take(id, '0', 3);

    expect(again).toEqual(first);
  });

  test('at once never hands an item out twice', async () => {
    const { id } = await submit(someItems(60));

    const pages = await Promise.all(
      Array.from({ length: 10 }, (_, page) => take(id, String(page), 10)),
    );

    const ids = pages.flatMap((page) => page.items.map((item) => item.taskId));
    expect(new Set(ids).size).toBe(ids.length);
    const rest = await take(id, 'rest');
    expect(ids.length + rest.items.length).toBe(60);
  });

  test('ends what opted out and what is known already, and looks further for work', async () => {
    const source = await world.aRunningTask(actor, { contentKey: 'known', branch: 'ado/source' });
    await world.journal.finish(source, { outcome: 'succeeded', commit: aCommit });
    const kinds = ['optout', 'known', 'known', 'work', 'known', 'work', 'work'];
    const items = someItems(7, (index) =>
      kinds[index] === 'known'
        ? { contentKey: 'known' }
        : kinds[index] === 'optout'
          ? { skip: 'optout' }
          : {},
    );
    const { id } = await submit(items);

    const page = await take(id, '0', 2);

    expect(page.items.map((item) => item.taskId)).toEqual([items[3]?.id, items[5]?.id]);
    expect(page.exhausted).toBe(false);
    expect((await read(id)).counts.byOutcome).toMatchObject({
      skipped_unchanged: 3,
      skipped_optout: 1,
    });
    expect(await world.store.getTask(actor, items[1]?.id ?? '')).toMatchObject({
      status: 'succeeded',
      reason: 'cached',
      sourceTaskId: source.ref.taskId,
      branch: 'ado/source',
      commit: aCommit,
    });
    const events = await world.eventsOf(actor, id);
    expect(events.filter((event) => event.type === 'item-ended')).toHaveLength(4);
    expect(await world.eventTypes(actor, items[0]?.id ?? '')).toEqual([
      'task-queued',
      'task-ended',
    ]);
  });

  test('of a batch that is known from end to end leaves nothing to do', async () => {
    const source = await world.aRunningTask(actor, { contentKey: 'known' });
    await world.journal.finish(source, { outcome: 'succeeded' });
    const { id } = await submit(someItems(1_200, () => ({ contentKey: 'known' })));

    const page = await take(id, '0', 10);
    await end(id);

    expect(page).toEqual({ items: [], exhausted: true });
    expect(await read(id)).toMatchObject({
      status: 'succeeded',
      result: 'success',
      counts: { byOutcome: { skipped_unchanged: 1_200 } },
    });
  });

  test('after a cancel answers nothing', async () => {
    const { id } = await submit(someItems(3));
    await take(id, '0', 1);
    await world.store.cancelBatch(actor, id, undefined);

    expect(await take(id, '1')).toEqual({ items: [], exhausted: true });
  });

  test('passes over an item that was cancelled', async () => {
    const items = someItems(3);
    const { id } = await submit(items);
    await world.store.cancelTask(actor, items[1]?.id ?? '', undefined);

    const page = await take(id, '0');

    expect(page.items.map((item) => item.taskId)).toEqual([items[0]?.id, items[2]?.id]);
    expect(await world.eventTypes(actor, id)).toEqual([
      'batch-queued',
      'item-ended',
      'batch-started',
    ]);
  });
});

describe('the slots', () => {
  test('are those of the running items', async () => {
    const { id } = await submit(someItems(3), { parallel: 7 });
    const { items } = await take(id, '0');
    await Promise.all(items.slice(0, 2).map((item) => world.start(actor, item)));
    const single = await world.aRunningTask(actor);

    const slots = await world.batches.slotState(actor.tenantId, id);

    expect(slots?.parallel).toBe(7);
    expect([...(slots?.running ?? [])].sort()).toEqual(
      items.slice(0, 2).map((item) => item.taskId),
    );
    expect(await world.batches.runningTasks(actor.tenantId)).toHaveLength(3);
    expect(await world.batches.runningTasks(actor.tenantId)).toContain(single.ref.taskId);
    expect(await world.batches.slotState(actor.tenantId, 'batch-none')).toBeUndefined();
  });
});
