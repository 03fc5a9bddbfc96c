/** Connections to Redis. */
import { Redis } from 'ioredis';
import type { Logger } from '../telemetry/logger.ts';

/** Time for one command, in milliseconds. A stall of our own event loop must not look like a dead Redis. */
const commandTimeoutMs = 1_000;

/**
 * A connection for commands. It fails fast while Redis is away and comes back by itself: nothing is queued while
 * disconnected, and a command whose fate is unknown is not sent again.
 */
export function createRedis(url: string, log: Pick<Logger, 'warn' | 'info'>): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: commandTimeoutMs,
    autoResendUnfulfilledCommands: false,
    retryStrategy,
  });
  return withOutageLog(redis, log);
}

/**
 * A connection for the limiter alone. A call of 100 ms counts as lost: model calls then go on under a safe share rather
 * than wait, and a late reply must not hold up others.
 */
export function createLimiterRedis(url: string, log: Pick<Logger, 'warn' | 'info'>): Redis {
  const redis = new Redis(url, {
    enableOfflineQueue: false,
    maxRetriesPerRequest: 1,
    commandTimeout: 100,
    autoResendUnfulfilledCommands: false,
    retryStrategy,
  });
  return withOutageLog(redis, log);
}

/** A connection for subscriptions only. A command given while it connects waits, for a second at most. */
export function createSubscriberRedis(url: string, log: Pick<Logger, 'warn' | 'info'>): Redis {
  const redis = new Redis(url, {
    // The subscriptions are sent anew by their owner, who knows also those that failed.
    autoResubscribe: false,
    maxRetriesPerRequest: 1,
    commandTimeout: commandTimeoutMs,
    retryStrategy,
  });
  return withOutageLog(redis, log);
}

/** Soon and for ever: a restarted Redis is found within half a second. */
function retryStrategy(times: number): number {
  return Math.min(50 * times, 500);
}

/** Says once when Redis is lost and once when it is back; each failed attempt to connect is an `error` event. */
function withOutageLog(redis: Redis, log: Pick<Logger, 'warn' | 'info'>): Redis {
  let lost = false;
  redis.on('error', (error: Error) => {
    if (!lost) log.warn({ reason: error.message }, 'redis-lost');
    lost = true;
  });
  redis.on('ready', () => {
    if (lost) log.info('redis-back');
    lost = false;
  });
  return redis;
}
