// Events of a stream are numbered without gaps, and a reader who goes on after the last number misses none.
import type { Actor } from '../../../adapters/ports.ts';
import { aBatch, createPostgresWorld, someItems, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 25 });
  actor = await world.aTenant();
});
afterAll(() => world.close());

/** Reads a stream from its start until `isDone`, always after the last number seen, while others write. */
async function follow(streamId: string, isDone: () => boolean): Promise<number[]> {
  const seen: number[] = [];
  for (;;) {
    const done = isDone();
    const events = await world.store.listEvents(actor, streamId, seen.at(-1) ?? 0, 7);
    seen.push(...events.map((event) => event.seq));
    if (done && events.length === 0) return seen;
  }
}

function upTo(count: number): number[] {
  return Array.from({ length: count }, (_, index) => index + 1);
}

test('20 writers of one task leave no gap, and a reader beside them misses none', async () => {
  const fence = await world.aRunningTask(actor);
  let writing = true;
  const reader = follow(fence.ref.taskId, () => !writing);

  await Promise.all(
    upTo(20).map(async (writer) => {
      for (const round of upTo(10)) {
        const text = `${String(writer)}/${String(round)}`;
        await world.journal.record(fence, {
          events: [
            { type: 'output', data: { step: 1, source: 'stdout', text } },
            { type: 'output', data: { step: 1, source: 'stderr', text } },
          ],
        });
      }
    }),
  );
  writing = false;

  expect(await reader).toEqual(upTo(2 + 400));
});

test('20 items of one batch that start and end at once leave no gap in its stream', async () => {
  const batch = await world.store.createBatch(actor, aBatch(someItems(40)), undefined);
  const page = await world.batches.takeItems({
    tenantId: actor.tenantId,
    batchId: batch.id,
    pageKey: '0',
    limit: 40,
  });
  let writing = true;
  const reader = follow(batch.id, () => !writing);

  await Promise.all(page.items.map((item) => world.run(actor, item)));
  writing = false;

  expect(await reader).toEqual(upTo(2 + 80));
  const types = await world.eventTypes(actor, batch.id);
  expect(types.filter((type) => type === 'item-ended')).toHaveLength(40);
});

test('the events of one entry stay in their order', async () => {
  const fence = await world.aRunningTask(actor);
  await world.journal.record(fence, {
    events: upTo(5).map((number) => ({
      type: 'output' as const,
      data: { step: 1, source: 'stdout' as const, text: String(number) },
    })),
  });

  const events = await world.store.listEvents(actor, fence.ref.taskId, 2, 100);

  expect(events.map((event) => (event.type === 'output' ? event.data.text : ''))).toEqual([
    '1',
    '2',
    '3',
    '4',
    '5',
  ]);
});
