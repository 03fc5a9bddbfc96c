/** Activities of the comparison. */
import { setTimeout as sleep } from 'node:timers/promises';

/** Does nothing: what remains is the price of a durable step. */
export async function doNothing(): Promise<void> {
  return Promise.resolve();
}

/** Works for a while, without costing anything. */
export async function work(durationMs: number): Promise<void> {
  await sleep(durationMs);
}
