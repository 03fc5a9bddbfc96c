/** What tests of the Redis adapters share: connections that are closed again, and a tenant of their own. */
import { randomUUID } from 'node:crypto';
import { Redis } from 'ioredis';
import { createRedis, createSubscriberRedis } from '../../../adapters/redis/client.ts';
import { createSlotLeases } from '../../../adapters/redis/slot-leases.ts';
import { createSubscriptions, type Subscriptions } from '../../../adapters/redis/subscriptions.ts';
import type { SlotLeases, SlotScope } from '../../../adapters/ports.ts';

const silent = { warn: () => undefined, info: () => undefined };

/** One process as Redis sees it: a connection for commands, and one for subscriptions. */
export interface RedisPeer {
  readonly redis: Redis;
  readonly subscriber: Redis;
  readonly subscriptions: Subscriptions;
}

/** Connections of one test file. */
export interface RedisWorld {
  /** A new pair of connections, ready. */
  peer(): Promise<RedisPeer>;
  /** Slot leases of a new process. */
  leases(leaseMs?: number): Promise<SlotLeases>;
  /** A connection without the product's settings, to look and to break things. */
  readonly raw: Redis;
  close(): void;
}

/** Opens connections to a Redis; close them in afterAll. */
export function openRedisWorld(url: string): RedisWorld {
  const raw = new Redis(url);
  const open = [raw];
  async function peer(): Promise<RedisPeer> {
    const redis = createRedis(url, silent);
    const subscriber = createSubscriberRedis(url, silent);
    open.push(redis, subscriber);
    await Promise.all([redis, subscriber].map(untilReady));
    return { redis, subscriber, subscriptions: createSubscriptions(subscriber) };
  }
  return {
    raw,
    peer,
    async leases(leaseMs) {
      const { redis, subscriptions } = await peer();
      const metrics = { slotRefilled: () => undefined };
      return createSlotLeases({
        redis,
        subscriptions,
        metrics,
        ...(leaseMs === undefined ? {} : { leaseMs }),
      });
    },
    close() {
      for (const redis of open) redis.disconnect();
    },
  };
}

async function untilReady(redis: Redis): Promise<void> {
  if (redis.status === 'ready') return;
  await new Promise((resolve) => redis.once('ready', resolve));
}

/** A tenant that no other test knows. */
export function aTenant(): string {
  return randomUUID();
}

/** A scope of a batch with nobody in it, as far as PostgreSQL knows. */
export function aScope(
  limit: number,
  holders: readonly string[] = [],
  name = 'batch:one',
): SlotScope {
  return { name, limit, holders: () => Promise.resolve(holders) };
}
