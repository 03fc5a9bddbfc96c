/** Waits for a task or a batch, showing its events, until it ends, the time is over, or somebody presses Ctrl-C. */
import type { ApiClient } from '../api-client.ts';
import { followEvents } from '../follow.ts';
import type { Display } from './display.ts';
import type { Interrupts } from './interrupts.ts';

/** How a wait ended. */
export type WaitEnd = 'ended' | 'timed-out' | 'interrupted';

/** What to wait for, and until when. */
export interface WaitOptions {
  readonly id: string;
  /** Sequence number after which events are shown. */
  readonly after: number;
  readonly display: Display;
  readonly interrupts: Interrupts;
  readonly timeoutMs: number | undefined;
}

/** Waits. @throws SERVER_UNREACHABLE when the server stays away, and the server's errors */
export async function waitForEnd(api: ApiClient, options: WaitOptions): Promise<WaitEnd> {
  const { display, interrupts, timeoutMs } = options;
  const timeout = new AbortController();
  const timer = timeoutMs === undefined ? undefined : setTimeout(() => timeout.abort(), timeoutMs);
  const signal = AbortSignal.any([timeout.signal, interrupts.first]);
  try {
    const { id, after } = options;
    const events = followEvents({
      api,
      id,
      after,
      follow: true,
      signal,
      onConnection: display.connection,
    });
    for await (const event of events) display.event(event);
  } finally {
    clearTimeout(timer);
    display.close();
  }
  if (interrupts.first.aborted) return 'interrupted';
  return timeout.signal.aborted ? 'timed-out' : 'ended';
}
