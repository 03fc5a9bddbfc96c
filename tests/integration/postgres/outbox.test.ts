// A message that was committed is delivered, at least once and in practice once.
import type { Actor } from '../../../adapters/ports.ts';
import { AppError } from '../../../contracts/errors.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
  actor = await world.aTenant();
});
afterAll(() => world.close());
beforeEach(async () => {
  world.clock.nowMs += 3_600_000;
  await world.drainOutbox();
});

async function submit(count: number): Promise<string[]> {
  const ids: string[] = [];
  for (let index = 0; index < count; index += 1)
    ids.push((await world.store.createTask(actor, aTask(), undefined)).id);
  return ids;
}

function idOf(message: OutboxMessage): string {
  return message.kind === 'wake-batch' ? message.input.batchId : message.workflowId;
}

test('three relays share the work: each message is delivered by one of them', async () => {
  const ids = await submit(60);
  const delivered: string[] = [];
  const relayAll = async (): Promise<number> => {
    let total = 0;
    for (;;) {
      const count = await world.outbox.relay(5, async (message) => {
        delivered.push(idOf(message));
        await new Promise(setImmediate);
      });
      if (count === 0) return total;
      total += count;
    }
  };

  const counts = await Promise.all([relayAll(), relayAll(), relayAll()]);

  expect([...delivered].sort()).toEqual([...ids].sort());
  expect(counts.reduce((sum, count) => sum + count, 0)).toBe(60);
});

test('what cannot be delivered comes again, later and later, and holds up nothing else', async () => {
  const [broken, fine] = await submit(2);
  const tries: number[] = [];
  const begunMs = world.clock.nowMs;
  const deliver = async (message: OutboxMessage): Promise<void> => {
    if (idOf(message) !== broken) return;
    tries.push(world.clock.nowMs - begunMs);
    throw new AppError('ENGINE_UNAVAILABLE', 'Temporal does not answer');
  };

  expect(await world.outbox.relay(10, deliver)).toBe(1);
  for (let step = 0; step < 120; step += 1) {
    world.clock.nowMs += 200;
    await world.outbox.relay(10, deliver);
  }

  const delays = tries.slice(1).map((at, index) => at - (tries[index] ?? 0));
  expect(delays.slice(0, 7)).toEqual([200, 400, 800, 1_600, 3_200, 5_000, 5_000]);
  const rows = await world.database.asSystem(({ db }) =>
    db.selectFrom('outbox').select(['workflow_id', 'error']).execute(),
  );
  expect(rows).toEqual([{ workflow_id: broken, error: 'AppError: Temporal does not answer' }]);
  expect(rows.map((row) => row.workflow_id)).not.toContain(fine);
});

test('the messages of one workflow are delivered in order, and none overtakes one that failed', async () => {
  const [id] = await submit(1);
  await world.store.cancelTask(actor, id ?? '', undefined);
  const kinds: string[] = [];

  await world.outbox.relay(10, async (message) => {
    kinds.push(message.kind);
    throw new Error('not yet');
  });
  for (const waitedMs of [0, 200, 0]) {
    world.clock.nowMs += waitedMs;
    await world.outbox.relay(10, async (message) => {
      kinds.push(message.kind);
    });
  }

  expect(kinds).toEqual(['start-task', 'start-task', 'cancel-workflow']);
});

test('a message of a change that was rolled back is never seen', async () => {
  const task = aTask();
  await world.store.createTask(actor, task, undefined);
  await expect(world.store.createTask(actor, task, undefined)).rejects.toThrow('duplicate key');

  expect(await world.drainOutbox()).toHaveLength(1);
});
