/** Repeats a call that may be repeated safely. */
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, codeOf } from '../contracts/errors.ts';
import { isPassing } from './follow.ts';

/** How a call is repeated. */
export interface RepeatOptions {
  /** For how long new tries begin. */
  readonly forMs: number;
  /** First pause; it doubles up to 2 s. What the server asks for wins. */
  readonly firstPauseMs?: number;
  /** Told before the first repetition. */
  readonly onRepeat: (error: unknown) => void;
}

/** Calls until it succeeds, the error is one that stays, or the time is over; then it throws that error. */
export async function tryAgain<T>(call: () => Promise<T>, options: RepeatOptions): Promise<T> {
  const deadline = Date.now() + options.forMs;
  let pauseMs = options.firstPauseMs ?? 200;
  for (let count = 0; ; count += 1) {
    try {
      return await call();
    } catch (error) {
      const waitMs = (error instanceof AppError ? error.retryAfterMs : undefined) ?? pauseMs;
      if (!isPassing(error) || codeOf(error) === 'INTERNAL' || Date.now() + waitMs > deadline)
        throw error;
      if (count === 0) options.onRepeat(error);
      await delay(waitMs);
      pauseMs = Math.min(pauseMs * 2, 2_000);
    }
  }
}
