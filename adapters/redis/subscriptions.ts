/** Everything that one process listens to, over one connection. */
import type { Redis } from 'ioredis';

/** Listens to channels of Redis. Messages sent while the connection is down are lost, subscriptions are not. */
export interface Subscriptions {
  /**
   * Calls back for each message of a channel until the returned function is called. Once it has answered, messages
   * arrive; if Redis is away it answers within a second all the same, and they arrive from its return on.
   */
  subscribe(channel: string, onMessage: (payload: string) => void): Promise<() => void>;
}

/** Subscriptions over a connection of their own. A channel is subscribed while somebody listens to it. */
export function createSubscriptions(redis: Redis): Subscriptions {
  const listeners = new Map<string, Set<(payload: string) => void>>();

  redis.on('message', (channel: string, payload: string) => {
    for (const listener of [...(listeners.get(channel) ?? [])]) listener(payload);
  });
  redis.on('ready', () => {
    if (listeners.size > 0) redis.subscribe(...listeners.keys()).catch(waitForReady);
  });

  return {
    async subscribe(channel, onMessage) {
      const known = listeners.get(channel) ?? new Set();
      // A function of its own for each call, so that the same callback may be given twice.
      const listener = (payload: string): void => {
        onMessage(payload);
      };
      listeners.set(channel, known.add(listener));
      // Sent for every listener, not only the first: the answer proves that this one hears what comes next.
      await redis.subscribe(channel).catch(waitForReady);
      return () => {
        known.delete(listener);
        if (known.size > 0 || listeners.get(channel) !== known) return;
        listeners.delete(channel);
        redis.unsubscribe(channel).catch(waitForReady);
      };
    },
  };
}

/** What failed to be sent needs no mending here: `ready` subscribes to all that is listened to then. */
function waitForReady(): void {
  // Nothing to do.
}
