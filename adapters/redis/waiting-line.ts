/**
 * Lines of those in this process who wait for the same thing.
 *
 * A line lives while somebody stands in it. Its first tries when a message on the line's channel says that something
 * was freed, and every `lookMs` without one. Who gets in leaves, and the next tries at once, as more may be free. So a
 * message costs one try per line, not one per waiter, and within a line it is first come, first served. Of several
 * lines that hear the same message, the one that was served last tries last.
 */
import { setTimeout as delay } from 'node:timers/promises';
import type { Metrics } from '../telemetry/metrics.ts';
import type { Subscriptions } from './subscriptions.ts';

/** One who waits. */
export interface Waiter {
  /** Name of the line: equal for those who wait for the same. */
  readonly line: string;
  /** Channel on which a release is published. */
  readonly channel: string;
  readonly signal: AbortSignal;
  /** Answers whether it got in. */
  readonly attempt: () => Promise<boolean>;
}

interface Place extends Waiter {
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

interface Line {
  readonly channel: string;
  places: Place[];
  /** When the message came that the next try answers to. */
  freedAt: number | undefined;
  wake: AbortController;
}

/** What lines need. */
export interface WaitingLinesOptions {
  readonly subscriptions: Subscriptions;
  readonly metrics: Pick<Metrics, 'slotRefilled'>;
  /** Longest time between two tries of a line. */
  readonly lookMs: number;
}

/** Lines by name. */
export interface WaitingLines {
  /** Waits in line until the attempt succeeds. Rejects with what the attempt throws, or with the signal's reason. */
  wait(waiter: Waiter): Promise<void>;
}

/** Makes the lines of one process. */
export function createWaitingLines({
  subscriptions,
  metrics,
  lookMs,
}: WaitingLinesOptions): WaitingLines {
  // In the order in which they try; one that was served goes to the end.
  const lines = new Map<string, Line>();

  /** Wakes the lines of a channel, longest unserved first. Each of them calls it for one message; only the first counts. */
  function wakeAll(channel: string): void {
    for (const line of lines.values()) {
      if (line.channel !== channel) continue;
      line.freedAt ??= performance.now();
      line.wake.abort();
    }
  }

  /** Serves a line until nobody stands in it. */
  async function serve(name: string, line: Line): Promise<void> {
    const unsubscribe = await subscriptions.subscribe(line.channel, () => {
      wakeAll(line.channel);
    });
    for (let first = line.places[0]; first !== undefined; first = line.places[0]) {
      // Made before the try: a release during it must lead to another.
      line.wake = new AbortController();
      if (!(await tryFirst(name, line, first))) await nextLook(line.wake.signal);
    }
    lines.delete(name);
    unsubscribe();
  }

  /** One try of the first in line; true when it has left, so that the next may try. */
  async function tryFirst(name: string, line: Line, first: Place): Promise<boolean> {
    const { freedAt } = line;
    line.freedAt = undefined;
    try {
      if (!(await first.attempt())) return !line.places.includes(first);
      if (freedAt !== undefined) metrics.slotRefilled(performance.now() - freedAt);
      first.resolve();
      lines.delete(name);
      lines.set(name, line);
    } catch (error) {
      first.reject(error as Error);
    }
    line.places = line.places.filter((place) => place !== first);
    return true;
  }

  async function nextLook(woken: AbortSignal): Promise<void> {
    await delay(lookMs, undefined, { signal: woken }).catch(() => undefined);
  }

  /** The line of a name. A new one is served from its first place on; a known one is served already. */
  function lineOf({ line: name, channel }: Waiter): Line {
    const known = lines.get(name);
    if (known !== undefined) return known;
    const line: Line = { channel, places: [], freedAt: undefined, wake: new AbortController() };
    lines.set(name, line);
    void serve(name, line);
    return line;
  }

  return {
    wait: (waiter) =>
      new Promise((resolve, reject) => {
        const { signal } = waiter;
        const line = lineOf(waiter);
        const leave = (): void => {
          line.places = line.places.filter((other) => other !== place);
          // The next in line, or the end of the line, must not wait for the look.
          line.wake.abort();
          reject(signal.reason as Error);
        };
        const place: Place = {
          ...waiter,
          resolve() {
            signal.removeEventListener('abort', leave);
            resolve();
          },
          reject(error: Error) {
            signal.removeEventListener('abort', leave);
            reject(error);
          },
        };
        signal.addEventListener('abort', leave, { once: true });
        line.places.push(place);
      }),
  };
}
