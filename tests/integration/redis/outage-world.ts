/** Workers with resilient limiters on one Redis, behind a proxy that does to it what happens to networks. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createLimiterRedis } from '../../../adapters/redis/client.ts';
import {
  createResilientLimiter,
  type ResilientLimiter,
} from '../../../adapters/redis/resilient-limiter.ts';
import { startFaultProxy, throughPort, type FaultProxy } from '../../support/faultproxy.ts';
import { startTestRedis } from '../../support/services/redis.ts';
import { openLimiterWorld, type LimiterWorld } from './limiter-world.ts';

const silent = { warn: () => undefined, info: () => undefined };
const clock = { now: () => Date.now() };

/** A fifth to a half of the product's, in about its proportions: a lost connection takes as long to come back. */
const times = { lookMs: 100, doubtMs: 300, quietMs: 650, beatMs: 500, graceMs: 60_000 };

/** One worker. */
export interface Worker extends ResilientLimiter {
  /** Commands that were given to the connection so far. */
  readonly commands: () => number;
}

/** What a test may ask of a worker. */
export interface WorkerOptions {
  readonly onDegraded?: (isDegraded: boolean) => void;
  readonly graceMs?: number;
  /** Whether Redis is there when it starts. Default true. */
  readonly meetsRedis?: boolean;
}

/** Workers of one test file. */
export interface OutageWorld {
  /** Past the proxy. */
  readonly direct: LimiterWorld;
  readonly proxy: FaultProxy;
  worker(workerId: string, options?: WorkerOptions): Promise<Worker>;
  /** Some workers that have counted each other. */
  workers(number: number): Promise<readonly Worker[]>;
  /** Ends all workers and faults, and empties Redis. */
  reset(): Promise<void>;
  close(): Promise<void>;
}

/** Starts a Redis of its own and a proxy; close it in afterAll. */
export async function openOutageWorld(): Promise<OutageWorld> {
  const redis = await startTestRedis();
  const direct = openLimiterWorld(redis.url);
  const proxy = await startFaultProxy(Number(new URL(redis.url).port));
  const open: { close(): void }[] = [];

  async function worker(workerId: string, options: WorkerOptions = {}): Promise<Worker> {
    const { onDegraded, graceMs = times.graceMs, meetsRedis = true } = options;
    const client = createLimiterRedis(throughPort(redis.url, proxy.port), silent);
    if (meetsRedis) await new Promise((resolve) => client.once('ready', resolve));
    let commands = 0;
    const send = client.evalsha.bind(client) as (...args: unknown[]) => Promise<unknown>;
    Object.assign(client, {
      evalsha: (...args: unknown[]) => {
        commands += 1;
        return send(...args);
      },
    });
    const limiter = createResilientLimiter({
      redis: client,
      clock,
      workerId,
      times: { ...times, graceMs },
      ...(onDegraded === undefined ? {} : { onDegraded }),
    });
    await limiter.start();
    open.push({
      close() {
        limiter.close();
        client.disconnect();
      },
    });
    return { ...limiter, commands: () => commands };
  }

  return {
    direct,
    proxy,
    worker,
    async workers(number) {
      const all = await Promise.all(Array.from({ length: number }, (_, n) => worker(`w${n}`)));
      // Each has counted all others once it has beaten after them.
      await sleep(2 * times.beatMs);
      return all;
    },
    async reset() {
      for (const each of open.splice(0)) each.close();
      await proxy.setFault({ kind: 'none' });
      await direct.raw.flushall();
    },
    async close() {
      direct.close();
      await proxy.close();
      await redis.stop();
    },
  };
}
