/** A wait that can be cut short. */

/** Something to wait for: a ring, a time, or an abort, whatever comes first. */
export interface Alarm {
  /** Ends the wait under way, or makes the next one end at once: a ring between two waits is not lost. */
  readonly ring: () => void;
  readonly wait: (timeoutMs: number) => Promise<void>;
}

/** Makes an alarm. After an abort no wait waits. */
export function createAlarm(signal: AbortSignal): Alarm {
  let rung = false;
  let end: () => void = () => undefined;
  const ring = (): void => {
    rung = true;
    end();
  };
  const wait = async (timeoutMs: number): Promise<void> => {
    if (!rung && !signal.aborted) {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, timeoutMs);
        end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        signal.addEventListener('abort', end, { once: true });
      });
      end();
    }
    rung = false;
  };
  return { ring, wait };
}
