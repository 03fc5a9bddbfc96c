/**
 * The API over PostgreSQL and Redis: what the fakes only promise.
 *   - one Idempotency-Key is one task and one start, however many ask at once
 *   - what is committed is relayed, by as many relays as there are, none of it twice while nobody dies
 *   - every answer of the real stores fits its schema
 *   - a stream read through another process, cut at any points while it is written, is whole and without doubles
 */
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import type { ApiDeps } from '../../../api/deps.ts';
import { startOutboxRelay, type OutboxRelay } from '../../../api/outbox-relay.ts';
import { createLiveChannel } from '../../../adapters/redis/live-channel.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';
import { roleScopes } from '../../../contracts/http.schema.ts';
import { testService } from '../../support/environment.ts';
import { aKey, createPostgresWorld, type PostgresWorld } from '../postgres/postgres-world.ts';
import { openRedisWorld, type RedisWorld } from '../redis/redis-world.ts';
import { aBatch, aTask, startApi, type TestApi } from './api-world.ts';
import { readEvents, readFrames } from './read-stream.ts';

let postgres: PostgresWorld;
let redis: RedisWorld;
beforeAll(async () => {
  postgres = await createPostgresWorld();
  redis = openRedisWorld(testService('redisUrl'));
});
afterAll(async () => {
  redis.close();
  await postgres.close();
});

let key: string;
let apis: TestApi[];
let relays: OutboxRelay[];
let delivered: OutboxMessage[];
beforeEach(async () => {
  key = aKey();
  await postgres.keys.ensureKey(randomUUID(), 'test', key, roleScopes.admin);
  await postgres.drainOutbox();
  [apis, relays, delivered] = [[], [], []];
});
afterEach(async () => {
  await Promise.all(apis.map((api) => api.stop()));
  await Promise.all(relays.map((relay) => relay.stop()));
});

const relayed = new EventTarget();

/** An API process: an app, and a relay that notes what Temporal would get. */
async function aProcess(replaced: Partial<ApiDeps> = {}): Promise<TestApi> {
  const peer = await redis.peer();
  const silent = () => undefined;
  const relay = startOutboxRelay({
    outbox: postgres.outbox,
    engine: {
      deliver: async (message) => {
        delivered.push(message);
        relayed.dispatchEvent(new Event('relayed'));
      },
    },
    crashPoint: async () => undefined,
    metrics: { outboxDelivered: silent },
    log: { info: silent, warn: silent, error: silent },
    timing: { idleMs: 20, maxBackOffMs: 20 },
  });
  const api = await startApi({
    store: postgres.store,
    keys: postgres.keys,
    live: createLiveChannel(peer.redis, peer.subscriptions),
    wakeRelay: relay.wake,
    ...replaced,
  });
  relays.push(relay);
  apis.push(api);
  return api;
}

async function untilDelivered(count: number): Promise<void> {
  while (delivered.length < count) await once(relayed, 'relayed');
}

test('fifty equal requests at two processes make one task and one start', async () => {
  const [here, there] = [await aProcess(), await aProcess()];
  const sent = { key, body: aTask(), headers: { 'idempotency-key': 'once' } };

  const tasks = await Promise.all(
    Array.from({ length: 50 }, (_, n) => (n % 2 === 0 ? here : there).call('submitTask', sent)),
  );
  await untilDelivered(1);

  expect(new Set(tasks.map((task) => task.id)).size).toBe(1);
  const { items } = await here.call('listTasks', { key });
  expect(items).toHaveLength(1);
  expect(delivered).toMatchObject([{ kind: 'start-task', workflowId: tasks[0]?.id }]);
});

test('many tasks at two processes are each started once', async () => {
  const [here, there] = [await aProcess(), await aProcess()];

  const tasks = await Promise.all(
    Array.from({ length: 40 }, (_, n) =>
      (n % 2 === 0 ? here : there).call('submitTask', {
        key,
        body: aTask({ prompt: `Task ${n}` }),
      }),
    ),
  );
  await untilDelivered(40);

  const started = delivered.map((message) => message.kind === 'start-task' && message.workflowId);
  expect(started.sort()).toEqual(tasks.map((task) => task.id).sort());
});

test('a batch and its items answer as the table says, through their whole life', async () => {
  const api = await aProcess();
  const batch = await api.call('submitBatch', { key, body: aBatch(['/a', '/b', '/c']) });
  const params = { batchId: batch.id };

  const page = await api.call('listItems', { key, params, query: { limit: '2' } });
  const rest = await api.call('listItems', {
    key,
    params,
    query: { limit: '2', cursor: page.nextCursor ?? '' },
  });
  const changed = await api.call('changeBatch', { key, params, body: { parallel: 2 } });
  const cancelled = await api.call('cancelBatch', { key, params });
  const listed = await api.call('listBatches', { key });

  expect([...page.items, ...rest.items].map((item) => item.repository)).toEqual(['/a', '/b', '/c']);
  expect([changed.parallel, cancelled.cancelRequested]).toEqual([2, true]);
  expect(listed.items.map(({ id }) => id)).toEqual([batch.id]);
});

test('a finished result is found by the next plan and reused by the next submit', async () => {
  const api = await aProcess();
  const actor = await postgres.keys.findActor(key);
  if (actor === undefined) throw new Error('the key was not stored');
  const { id } = await api.call('submitTask', { key, body: aTask() });
  await postgres.run(actor, { taskId: id, attempt: 1 });

  const plan = await api.call('planBatch', { key, body: aBatch(['/repos/one']) });
  const again = await api.call('submitTask', { key, body: aTask() });

  expect(plan.items).toMatchObject([{ skip: 'cached', sourceTaskId: id }]);
  expect(again).toMatchObject({ outcome: 'skipped_unchanged', sourceTaskId: id });
});

test('a stream that is written meanwhile, cut at any points and resumed elsewhere, is read whole', async () => {
  const [here, there] = [await aProcess(), await aProcess()];
  const actor = await postgres.keys.findActor(key);
  if (actor === undefined) throw new Error('the key was not stored');
  const { id } = await here.call('submitTask', { key, body: aTask() });
  const fence = await postgres.start(actor, { taskId: id, attempt: 1 });
  const write = async (): Promise<void> => {
    for (let n = 0; n < 150; n += 1) {
      const text = `line ${n}\n`;
      const events = [{ type: 'output', data: { step: 1, source: 'stdout', text } } as const];
      await postgres.journal.record(fence, { events });
    }
    await postgres.journal.finish(fence, { outcome: 'succeeded' });
  };
  const writing = write();

  const seen: number[] = [];
  let hasEnded = false;
  for (let turn = 0; !hasEnded; turn += 1) {
    const response = await (turn % 2 === 0 ? here : there).send('followTask', {
      key,
      params: { taskId: id },
      headers: { 'last-event-id': String(seen.at(-1) ?? 0) },
    });
    let left = 1 + Math.floor(Math.random() * 20);
    for await (const frame of readFrames(response)) {
      seen.push(Number(frame.id));
      hasEnded = frame.event === 'task-ended';
      left -= 1;
      if (left === 0) break;
    }
  }
  await writing;

  const stored = await postgres.eventsOf(actor, id);
  expect(seen).toEqual(stored.map(({ seq }) => seq));
});

test('a stream goes on by its looks at PostgreSQL while nothing comes through Redis', async () => {
  const live = { publish: () => undefined, subscribe: () => new Promise<never>(() => undefined) };
  const api = await aProcess({ live });
  const { id } = await api.call('submitTask', { key, body: aTask() });
  const frames = readFrames(await api.send('followTask', { key, params: { taskId: id } }));
  await frames.next();

  await api.call('cancelTask', { key, params: { taskId: id } });

  const rest: (string | undefined)[] = [];
  for await (const frame of frames) rest.push(frame.event);
  expect(rest.at(-1)).toBe('task-ended');
});

test('events are told to readers at other processes at once, not at their next look', async () => {
  const slow = { streams: { lookMs: 600_000, gapMs: 0, heartbeatMs: 600_000, stalledMs: 600_000 } };
  const [here, there] = [await aProcess(), await aProcess(slow)];
  const { id } = await here.call('submitTask', { key, body: aTask() });
  const response = await there.send('followTask', { key, params: { taskId: id } });
  const reading = readEvents(response);
  // Until the other process has subscribed.
  const channel = `ado:live:events:${id}`;
  while (Number((await redis.raw.pubsub('NUMSUB', channel))[1]) === 0) await redis.raw.ping();

  await here.call('cancelTask', { key, params: { taskId: id } });

  expect((await reading).map(({ type }) => type)).toEqual([
    'task-queued',
    'cancel-requested',
    'task-ended',
  ]);
});
