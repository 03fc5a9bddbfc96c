/** The LiveChannel port within one process. */
import { EventEmitter, once } from 'node:events';
import type { LiveChannel, LiveTopic } from '../../../adapters/ports.ts';

/** The channel, and what was told on it. */
export interface MemoryLiveChannel extends LiveChannel {
  readonly published: readonly LiveTopic[];
  /** How many listen now. */
  readonly listenerCount: () => number;
  /** Waits until somebody has listened and nobody does any more. */
  readonly untilQuiet: () => Promise<void>;
}

/** Makes a channel. */
export function createMemoryLiveChannel(): MemoryLiveChannel {
  const published: LiveTopic[] = [];
  const quiet = new EventEmitter();
  const listeners = new Set<{
    readonly topic: string;
    readonly onMessage: (payload: string) => void;
  }>();
  return {
    published,
    listenerCount: () => listeners.size,
    untilQuiet: async () => {
      await once(quiet, 'quiet');
    },
    publish(topic, payload = '') {
      published.push(topic);
      for (const listener of [...listeners]) {
        if (listener.topic === JSON.stringify(topic)) listener.onMessage(payload);
      }
    },
    subscribe: async (topic, onMessage) => {
      const listener = { topic: JSON.stringify(topic), onMessage };
      listeners.add(listener);
      return () => {
        listeners.delete(listener);
        if (listeners.size === 0) quiet.emit('quiet');
      };
    },
  };
}
