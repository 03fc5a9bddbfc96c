/**
 * Some who want a slot, in a process of their own. Each takes it a few times; a counter in Redis tells how many are
 * inside at that moment, over all processes. Prints how many were served and the most that were inside.
 *
 *   node slot-holders.process.ts URL TENANT HOLDERS ROUNDS LIMIT
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { aScope, openRedisWorld } from './redis-world.ts';

const [url = '', tenantId = '', holders = '', rounds = '', limit = ''] = process.argv.slice(2);
const world = openRedisWorld(url);
const slots = await world.leases();
const inside = `test:inside:${tenantId}`;
let mostInside = 0;

async function hold(index: number): Promise<void> {
  const holder = `${process.pid}-${index}`;
  for (let round = 0; round < Number(rounds); round += 1) {
    const scopes = () => Promise.resolve([aScope(50, [], 'tenant:t'), aScope(Number(limit))]);
    await slots.acquire({ tenantId, holder, scopes, signal: new AbortController().signal });
    mostInside = Math.max(mostInside, await world.raw.incr(inside));
    await sleep(5);
    await world.raw.decr(inside);
    await slots.release(tenantId, holder, ['tenant:t', 'batch:one']);
  }
}

const served = await Promise.all(
  Array.from({ length: Number(holders) }, (_, index) => hold(index)),
);
await world.raw.expire(inside, 60);
world.close();
process.stdout.write(JSON.stringify({ served: served.length, mostInside }));
