/** The LiveChannel port on Redis publish/subscribe. */
import type { Redis } from 'ioredis';
import type { LiveChannel, LiveTopic } from '../ports.ts';
import type { Subscriptions } from './subscriptions.ts';

/** Signals between processes, best effort. */
export function createLiveChannel(redis: Redis, subscriptions: Subscriptions): LiveChannel {
  return {
    publish(topic, payload = '') {
      // Lost when Redis is away: whoever listens looks at PostgreSQL from time to time.
      redis.publish(channelOf(topic), payload).catch(() => undefined);
    },
    subscribe: (topic, onMessage) => subscriptions.subscribe(channelOf(topic), onMessage),
  };
}

function channelOf(topic: LiveTopic): string {
  const subject = topic.kind === 'events' ? topic.streamId : topic.taskId;
  return `ado:live:${topic.kind}:${subject}`;
}
