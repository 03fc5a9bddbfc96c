// Where workers tell of themselves.
//   - the last word of each counts, and it is forgotten when the worker falls silent or says that it has ended
//   - what a worker of another version tells is passed over; the others are still seen
import { createWorkerRegistry } from '../../../adapters/redis/worker-registry.ts';
import type { Worker } from '../../../contracts/fleet.schema.ts';
import { startTestRedis, type TestRedis } from '../../support/services/redis.ts';
import { openRedisWorld, type RedisWorld } from './redis-world.ts';

let server: TestRedis;
let world: RedisWorld;
beforeAll(async () => {
  // One of its own: the real workers of other tests tell of themselves, too.
  server = await startTestRedis();
  world = openRedisWorld(server.url);
});
afterAll(async () => {
  world.close();
  await server.stop();
});
beforeEach(() => world.raw.flushall());

const registryOf = async (lifeMs?: number) => {
  const { redis } = await world.peer();
  return createWorkerRegistry({ redis, ...(lifeMs === undefined ? {} : { lifeMs }) });
};

function aWorker(id: string, change: Partial<Worker> = {}): Worker {
  return {
    id,
    hostId: id.split('/')[0] ?? '',
    version: '1.0.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'running',
    pools: [{ name: 'agents', slots: 4, busySlots: 0 }],
    ...change,
  };
}

test('everybody sees the last word of each worker, until it says that it has ended', async () => {
  const [here, there] = [await registryOf(), await registryOf()];
  const busy = { pools: [{ name: 'agents' as const, slots: 4, busySlots: 3 }] };

  await here.announce(aWorker('b/1'));
  await here.announce(aWorker('a/1'));
  await here.announce(aWorker('b/1', busy));
  const both = await there.list();
  await here.forget('b/1');
  await here.forget('b/1');
  const one = await there.list();

  expect(both).toEqual([aWorker('a/1'), aWorker('b/1', busy)]);
  expect(one).toEqual([aWorker('a/1')]);
});

test('a worker that falls silent is forgotten, and comes back with its next word', async () => {
  const [silent, steady] = [await registryOf(50), await registryOf()];

  await silent.announce(aWorker('silent/1'));
  await steady.announce(aWorker('steady/1'));
  let seen = await steady.list();
  while (seen.length === 2) seen = await steady.list();
  await silent.announce(aWorker('silent/1', { state: 'stopping' }));
  const back = await steady.list();

  expect(seen).toEqual([aWorker('steady/1')]);
  expect(back).toContainEqual(aWorker('silent/1', { state: 'stopping' }));
});

test('a word that cannot be read hides no other worker', async () => {
  const registry = await registryOf();

  await registry.announce({ id: 'odd/1', tells: 'something else' } as unknown as Worker);
  await registry.announce(aWorker('a/1'));

  expect(await registry.list()).toEqual([aWorker('a/1')]);
});

test('a Redis that is away is an error, not an empty fleet', async () => {
  const { redis } = await world.peer();
  const registry = createWorkerRegistry({ redis });
  redis.disconnect();

  await expect(registry.list()).rejects.toMatchObject({ code: 'LIMITER_UNAVAILABLE' });
});
