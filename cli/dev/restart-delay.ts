/** How long a part that died waits before it is started again. */

/** After this long in health, earlier deaths are forgotten. */
export const healthyAfterMs = 30_000;

/** What is known of a part's deaths. */
export interface Deaths {
  /** Deaths since it was last healthy for `healthyAfterMs`, this one included; at least 1. */
  readonly inARow: number;
  /** Whether it did its work before it died: then something outside killed it, and waiting mends nothing. */
  readonly wasReady: boolean;
}

/**
 * The wait in milliseconds: the first restart is at once, then 0.2 s · 2ⁿ, at most 30 s. A part that had been at work is
 * kept waiting for at most 1 s, so that kills from outside, however many, are always made good within seconds.
 */
export function restartDelayMs({ inARow, wasReady }: Deaths): number {
  if (inARow <= 1) return 0;
  return Math.min(wasReady ? 1_000 : 30_000, 200 * 2 ** Math.min(inARow - 2, 20));
}
