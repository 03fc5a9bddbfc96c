/** What the follower of a stream hears while it waits for its next look at the store. */
import type { LiveChannel, Clock } from '../../adapters/ports.ts';
import type { StreamTiming } from '../deps.ts';
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
  /**
   * Yields a task's live text as it comes, and ends when a look is due: on an abort, after `lookMs`, or on new events.
   * News of a quiet stream end it at once; those within `gapMs` of the last look wait for the rest of that time.
   */
  untilNextLook(timing: Pick<StreamTiming, 'lookMs' | 'gapMs'>): AsyncGenerator<string, void>;
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
  let lookedAt = -Infinity;

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

  // What was told before the subscription stood was told to nobody.
  void subscriptions[0]?.then(onEvents);

  return {
    beforeLook() {
      isDue = false;
      lookedAt = clock.now();
    },
    async *untilNextLook({ lookMs, gapMs }) {
      const leftMs = (): number => lookedAt + (isDue ? gapMs : lookMs) - clock.now();
      while (!signal.aborted && leftMs() > 0) {
        await alarm.wait(leftMs());
        yield* deltas.splice(0);
      }
    },
    close() {
      for (const subscription of subscriptions) {
        void subscription.then((unsubscribe) => unsubscribe());
      }
    },
  };
}
