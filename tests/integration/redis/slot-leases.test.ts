// Slots in Redis bound how many work at once.
//   - never more than the limit, over processes and clients, whatever repeats, expires or is lost
//   - a freed slot is taken at once, and nobody waits for ever
//   - who gives up, waits no longer
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { createSlotLeases } from '../../../adapters/redis/slot-leases.ts';
import type { SlotLeases, SlotScope } from '../../../adapters/ports.ts';
import { testService } from '../../support/environment.ts';
import { aScope, aTenant, openRedisWorld, type RedisWorld } from './redis-world.ts';

const forever = new AbortController().signal;

describe('slot leases', () => {
  let world: RedisWorld;
  beforeAll(() => {
    world = openRedisWorld(testService('redisUrl'));
  });
  afterAll(() => world.close());

  /** Takes a slot or tells at once that there is none. */
  async function isFree(
    slots: SlotLeases,
    tenantId: string,
    holder: string,
    scopes: readonly SlotScope[],
  ): Promise<boolean> {
    const stop = new AbortController();
    try {
      const onWait = (): void => stop.abort(new Error('full'));
      await slots.acquire({
        tenantId,
        holder,
        scopes: () => Promise.resolve(scopes),
        signal: stop.signal,
        onWait,
      });
      return true;
    } catch {
      return false;
    }
  }

  test('64 who wait in four processes are never more inside than the limit, and all get in', async () => {
    const tenantId = aTenant();
    const program = fileURLToPath(new URL('slot-holders.process.ts', import.meta.url));
    const run = () =>
      promisify(execFile)(process.execPath, [
        program,
        testService('redisUrl'),
        tenantId,
        '16',
        '4',
        '5',
      ]);

    const outputs = await Promise.all([run(), run(), run(), run()]);

    const most = outputs.map(
      ({ stdout }) => JSON.parse(stdout) as { served: number; mostInside: number },
    );
    expect(most.map(({ served }) => served)).toEqual([16, 16, 16, 16]);
    expect(Math.max(...most.map(({ mostInside }) => mostInside))).toBe(5);
  });

  test('a holder gets a slot in all scopes or in none', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    const tenant = aScope(2, [], 'tenant:t');
    await isFree(slots, tenantId, 'task-1', [tenant, aScope(1)]);

    const second = await isFree(slots, tenantId, 'task-2', [tenant, aScope(1)]);
    const other = await isFree(slots, tenantId, 'task-3', [tenant]);

    expect(second).toBe(false);
    expect(other).toBe(true);
  });

  test('a repeated acquire gets the same slot again, a repeated release frees one slot only', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    const scopes = [aScope(2)];
    await isFree(slots, tenantId, 'task-1', scopes);
    await isFree(slots, tenantId, 'task-2', scopes);

    expect(await isFree(slots, tenantId, 'task-1', scopes)).toBe(true);
    await slots.release(tenantId, 'task-1', ['batch:one']);
    await slots.release(tenantId, 'task-1', ['batch:one']);

    expect(await isFree(slots, tenantId, 'task-3', scopes)).toBe(true);
    expect(await isFree(slots, tenantId, 'task-4', scopes)).toBe(false);
  });

  test('a freed slot is taken in milliseconds', async () => {
    const tenantId = aTenant();
    const [first, second] = [await world.leases(), await world.leases()];
    const scopes = () => Promise.resolve([aScope(1)]);
    const refills: number[] = [];

    for (let turn = 0; turn < 60; turn += 1) {
      const [holder, waiter] = turn % 2 === 0 ? [first, second] : [second, first];
      await first.acquire({ tenantId, holder: `task-${turn}`, scopes, signal: forever });
      const { promise: waiting, resolve: onWait } = defer();
      const next = waiter.acquire({
        tenantId,
        holder: `task-${turn + 1}`,
        scopes,
        signal: forever,
        onWait,
      });
      await waiting;
      // The waiter now subscribes and looks once more; a slot freed before that would not show the wake-up.
      await world.raw.ping();
      await new Promise((resolve) => setTimeout(resolve, 20));
      const freedAt = performance.now();
      await holder.release(tenantId, `task-${turn}`, ['batch:one']);
      await next;
      refills.push(performance.now() - freedAt);
    }

    refills.sort((one, other) => one - other);
    expect(refills[30]).toBeLessThan(20);
    expect(refills[58]).toBeLessThan(100);
  });

  test('the slot of a dead holder is back after its lease', async () => {
    const tenantId = aTenant();
    const leaseMs = 1_500;
    const slots = await world.leases(leaseMs);
    const scopes = () => Promise.resolve([aScope(1)]);
    await slots.acquire({ tenantId, holder: 'dead', scopes, signal: forever });
    const began = performance.now();

    await slots.acquire({ tenantId, holder: 'next', scopes, signal: forever });

    const tookMs = performance.now() - began;
    expect(tookMs).toBeGreaterThan(leaseMs - 200);
    expect(tookMs).toBeLessThan(leaseMs + 1_200);
  });

  test('a renewed lease does not end', async () => {
    const tenantId = aTenant();
    const slots = await world.leases(900);
    await isFree(slots, tenantId, 'task-1', [aScope(1)]);

    for (let beat = 0; beat < 5; beat += 1) {
      await new Promise((resolve) => setTimeout(resolve, 300));
      await slots.renew(tenantId, 'task-1', ['batch:one']);
    }

    expect(await isFree(slots, tenantId, 'task-2', [aScope(1)])).toBe(false);
  });

  test('a renewal tells whether the slot is still there', async () => {
    const tenantId = aTenant();
    const leaseMs = 300;
    const slots = await world.leases(leaseMs);
    await isFree(slots, tenantId, 'task-1', [aScope(1)]);
    expect(await slots.renew(tenantId, 'task-1', ['batch:one'])).toBe(true);
    await new Promise((resolve) => setTimeout(resolve, leaseMs + 50));
    await isFree(slots, tenantId, 'task-2', [aScope(1)]);

    expect(await slots.renew(tenantId, 'task-1', ['batch:one'])).toBe(false);
  });

  test('after Redis lost everything, the holders that PostgreSQL knows count', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    const known = ['task-1', 'task-2'];
    for (const holder of known) await isFree(slots, tenantId, holder, [aScope(3, known)]);
    await forget(tenantId);

    const results = await Promise.all(
      ['task-3', 'task-4', 'task-5'].map((holder) =>
        isFree(slots, tenantId, holder, [aScope(3, known)]),
      ),
    );

    expect(results.filter(Boolean)).toHaveLength(1);
  });

  test('a renewal after the loss puts back a holder that PostgreSQL does not know yet', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    await isFree(slots, tenantId, 'task-1', [aScope(1)]);
    await forget(tenantId);

    await slots.renew(tenantId, 'task-1', ['batch:one']);

    expect(await isFree(slots, tenantId, 'task-2', [aScope(1, [])])).toBe(false);
  });

  test('while nobody could renew, as in an outage, leases end, but PostgreSQL still counts', async () => {
    const tenantId = aTenant();
    const leaseMs = 300;
    const slots = await world.leases(leaseMs);
    const scope = aScope(1, ['task-1']);
    await isFree(slots, tenantId, 'task-1', [scope]);
    await new Promise((resolve) => setTimeout(resolve, leaseMs + 50));

    expect(await isFree(slots, tenantId, 'task-2', [scope])).toBe(false);
  });

  test('a raised limit lets a waiter in, a lowered one lets nobody in and throws nobody out', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    let limit = 1;
    let looks = 0;
    const { promise: waiting, resolve: waitsInLine } = defer();
    const scopes = () => {
      looks += 1;
      // One look for the first, one for the second when it comes, and two in line: the last is the look of every second.
      if (looks === 4) waitsInLine();
      return Promise.resolve([aScope(limit)]);
    };
    await slots.acquire({ tenantId, holder: 'task-1', scopes, signal: forever });
    const second = slots.acquire({ tenantId, holder: 'task-2', scopes, signal: forever });
    await waiting;

    limit = 2;
    await second;
    limit = 1;
    await slots.release(tenantId, 'task-1', ['batch:one']);

    expect(await isFree(slots, tenantId, 'task-3', [aScope(limit)])).toBe(false);
    expect(await isFree(slots, tenantId, 'task-2', [aScope(limit)])).toBe(true);
  });

  test('who gives up rejects at once with the reason, and the next in line is served', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    const scopes = () => Promise.resolve([aScope(1)]);
    await slots.acquire({ tenantId, holder: 'task-1', scopes, signal: forever });
    const stop = new AbortController();
    const { promise: waiting, resolve: onWait } = defer();
    const second = slots.acquire({
      tenantId,
      holder: 'task-2',
      scopes,
      signal: stop.signal,
      onWait,
    });
    await waiting;
    const third = slots.acquire({ tenantId, holder: 'task-3', scopes, signal: forever });

    stop.abort(new Error('not needed any more'));

    await expect(second).rejects.toThrow('not needed any more');
    await slots.release(tenantId, 'task-1', ['batch:one']);
    await third;
  });

  test('two batches of a tenant that is full share what becomes free', async () => {
    const tenantId = aTenant();
    const slots = await world.leases();
    const tenant = aScope(1, [], 'tenant:t');
    const names = ['tenant:t', 'batch:a', 'batch:b'];
    const order: string[] = [];
    await slots.acquire({
      tenantId,
      holder: 'first',
      scopes: () => Promise.resolve([tenant]),
      signal: forever,
    });
    const holders = Array.from({ length: 40 }, (_, index) => `${index < 20 ? 'a' : 'b'}${index}`);
    const all = holders.map(async (holder) => {
      const batch = aScope(9, [], `batch:${holder.slice(0, 1)}`);
      await slots.acquire({
        tenantId,
        holder,
        scopes: () => Promise.resolve([tenant, batch]),
        signal: forever,
      });
      order.push(holder.slice(0, 1));
      await slots.release(tenantId, holder, names);
    });

    await slots.release(tenantId, 'first', names);
    await Promise.all(all);

    const early = order.slice(0, 20).filter((name) => name === 'b');
    expect(early.length).toBeGreaterThan(4);
    expect(early.length).toBeLessThan(16);
  });

  test('an unreachable Redis is LIMITER_UNAVAILABLE, and it works again after the return', async () => {
    const tenantId = aTenant();
    const { redis, subscriptions } = await world.peer();
    const slots = createSlotLeases({
      redis,
      subscriptions,
      metrics: { slotRefilled: () => undefined },
    });
    const scopes = () => Promise.resolve([aScope(1)]);
    const back = once(redis, 'ready');
    redis.disconnect(true);

    await expect(
      slots.acquire({ tenantId, holder: 'task-1', scopes, signal: forever }),
    ).rejects.toMatchObject({
      code: 'LIMITER_UNAVAILABLE',
    });
    await back;

    await slots.acquire({ tenantId, holder: 'task-1', scopes, signal: forever });
  });

  /** What FLUSHALL does, for one tenant, as other tests use the same Redis. */
  async function forget(tenantId: string): Promise<void> {
    const keys = await world.raw.keys(`*{${tenantId}}*`);
    await world.raw.del(...keys);
  }
});

function defer(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}
