/** The LiveWorkers port: a zset of those whose last beat is not too old. */
import type { Redis } from 'ioredis';
import type { LiveWorkers } from '../ports.ts';
import { loadScript } from './script.ts';

const workersKey = 'rl1:workers';

/** Counts the workers on one Redis. A worker that missed three beats of 5 s is not counted any more. */
export function createLiveWorkers(options: {
  readonly redis: Redis;
  /** Of this process, and of no other. */
  readonly workerId: string;
  /** Life of a beat. Default 15 s. */
  readonly lifeMs?: number;
}): LiveWorkers {
  const { redis, workerId, lifeMs = 15_000 } = options;
  const countWorkers = loadScript(redis, 'limiter/count-workers.lua');
  let last = 1;
  return {
    async beat() {
      last = await countWorkers([workersKey], [workerId, lifeMs]);
      return last;
    },
    count: () => last,
  };
}
