/** What the follower of a stream hears while it waits for its next look at the store. */
import type { LiveChannel, Clock } from '../../adapters/ports.ts';
import { createAlarm } from './alarm.ts';

/** Live text kept for a reader that is busy; it is worth nothing later, so the oldest goes first. */
const maxDeltas = 1_000;

/** A stream of a task or a batch. */
export interface StreamName {
  readonly kind: 'task' | 'batch';
  readonly id: string;
}

/** News of one stream. */
export interface StreamNews {
  /** Call before each look: what is told from here on makes another look due. */
  beforeLook(): void;
  /** Yields a task's live text as it comes, and ends when a look is due: on new events, an abort, or after `lookMs`. */
  untilNextLook(lookMs: number): AsyncGenerator<string, void>;
  close(): void;
}

/** Listens for news. Not awaited: while Redis is away, a follower lives by its looks at the store. */
export function listenForNews(
  deps: { readonly live: LiveChannel; readonly clock: Clock },
  stream: StreamName,
  signal: AbortSignal,
): StreamNews {
  const { live, clock } = deps;
  const alarm = createAlarm(signal);
  const deltas: string[] = [];
  let isDue = false;

  const onEvents = (): void => {
    isDue = true;
    alarm.ring();
  };
  const onDelta = (text: string): void => {
    deltas.push(text);
    if (deltas.length > maxDeltas) deltas.shift();
    alarm.ring();
  };
  const subscriptions = [live.subscribe({ kind: 'events', streamId: stream.id }, onEvents)];
  if (stream.kind === 'task') {
    subscriptions.push(live.subscribe({ kind: 'delta', taskId: stream.id }, onDelta));
  }

  return {
    beforeLook() {
      isDue = false;
    },
    async *untilNextLook(lookMs) {
      const lookAt = clock.now() + lookMs;
      do {
        await alarm.wait(Math.max(0, lookAt - clock.now()));
        yield* deltas.splice(0);
      } while (!isDue && !signal.aborted && clock.now() < lookAt);
    },
    close() {
      for (const subscription of subscriptions) {
        void subscription.then((unsubscribe) => unsubscribe());
      }
    },
  };
}
