/** Ctrl-C while waiting: the first detaches, a second soon after cancels. */
import { setTimeout as delay } from 'node:timers/promises';

/** The interrupts of one wait. */
export interface Interrupts {
  /** Aborted at the first one. */
  readonly first: AbortSignal;
  /** Waits for a second one; false when it does not come in time. */
  readonly second: (withinMs: number) => Promise<boolean>;
  readonly stop: () => void;
}

/** Where interrupts come from: the process, or a test. */
export interface SignalSource {
  on(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
  off(event: 'SIGINT' | 'SIGTERM', listener: () => void): unknown;
}

/** Listens for interrupts until it is stopped. SIGTERM detaches at once: whoever sends it will not press a key. */
export function listenForInterrupts(source: SignalSource = process): Interrupts {
  const first = new AbortController();
  const second = new AbortController();
  let terminated = false;
  const onInterrupt = (): void => (first.signal.aborted ? second : first).abort();
  const onTerminate = (): void => {
    terminated = true;
    first.abort();
  };
  source.on('SIGINT', onInterrupt);
  source.on('SIGTERM', onTerminate);
  return {
    first: first.signal,
    second: async (withinMs) => {
      if (!terminated)
        await delay(withinMs, undefined, { signal: second.signal }).catch(() => undefined);
      return second.signal.aborted;
    },
    stop: () => {
      source.off('SIGINT', onInterrupt);
      source.off('SIGTERM', onTerminate);
    },
  };
}
