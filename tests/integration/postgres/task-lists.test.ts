// Lists show everything once, page by page.
import type { Actor } from '../../../adapters/ports.ts';
import { aTask, anId, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 20 });
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
});

test('show the newest first, page by page, each task once', async () => {
  const ids: string[] = [];
  for (let index = 0; index < 7; index += 1) {
    world.clock.nowMs += index % 2;
    ids.unshift((await world.store.createTask(actor, aTask(), undefined)).id);
  }

  const seen: string[] = [];
  let cursor: string | undefined;
  do {
    const page = await world.store.listTasks(actor, { limit: 3, cursor });
    seen.push(...page.items.map((task) => task.id));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);

  expect(seen).toEqual(ids);
});

test('filter by status, repository and label', async () => {
  const wanted = await world.store.createTask(
    actor,
    aTask({ repository: '/a', labels: { team: 'x=y' } }),
    undefined,
  );
  await world.store.createTask(actor, aTask({ repository: '/b' }), undefined);
  const running = await world.aRunningTask(actor, { repository: '/a' });
  const idsOf = async (filter: object) =>
    (await world.store.listTasks(actor, { limit: 10, ...filter })).items.map((task) => task.id);

  expect(await idsOf({ label: 'team=x=y' })).toEqual([wanted.id]);
  expect(await idsOf({ repository: '/a', status: ['queued', 'paused'] })).toEqual([wanted.id]);
  expect(await idsOf({ status: ['running'] })).toEqual([running.ref.taskId]);
  expect(await idsOf({ outcome: ['failed'], failureClass: ['gate'] })).toEqual([]);
  expect(await idsOf({ inBatch: false, repository: '/b' })).toHaveLength(1);
  expect(await idsOf({ inBatch: true })).toEqual([]);
});

test.each([
  'x',
  'bm9wZQ',
  Buffer.from('["a",1]').toString('base64url'),
  Buffer.from('5').toString('base64url'),
])('refuse the cursor %s', async (cursor) => {
  await expect(world.store.listTasks(actor, { limit: 3, cursor })).rejects.toMatchObject({
    code: 'INVALID_REQUEST',
    problems: [{ path: 'cursor' }],
  });
});

test('a transcript is paged', async () => {
  const fence = await world.aRunningTask(actor);
  const messages = ['one', 'two', 'three'].map((text) => ({
    key: text,
    message: { role: 'user' as const, content: [{ type: 'text' as const, text }] },
  }));
  await world.journal.record(fence, { messages });

  const first = await world.store.listMessages(actor, fence.ref.taskId, { limit: 2 });
  const rest = await world.store.listMessages(actor, fence.ref.taskId, {
    limit: 2,
    cursor: first.nextCursor ?? undefined,
  });

  expect([...first.items, ...rest.items].map((item) => item.seq)).toEqual([1, 2, 3]);
  expect(rest.items[0]).toMatchObject({
    role: 'user',
    content: [{ type: 'text', text: 'three' }],
  });
});

test('an unknown task is not found', async () => {
  await expect(world.store.getTask(actor, anId('task'))).rejects.toMatchObject({
    code: 'TASK_NOT_FOUND',
  });
});
