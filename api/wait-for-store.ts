/** Waiting for PostgreSQL at start: in a cluster, processes come up in any order. */
import { setTimeout as sleep } from 'node:timers/promises';
import { codeOf } from '../contracts/errors.ts';
import type { Logger } from './deps.ts';

/** Pause between two tries. */
const pauseMs = 1_000;

/**
 * Repeats an attempt while it fails with STORE_UNAVAILABLE, and says so each time. Any other failure is thrown: a bad
 * migration does not get better by waiting.
 */
export async function waitForStore(
  attempt: () => Promise<void>,
  log: Logger,
  signal: AbortSignal,
): Promise<void> {
  for (let tries = 1; ; tries += 1) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (codeOf(error) !== 'STORE_UNAVAILABLE') throw error;
      log.warn({ tries, reason: reasonOf(error) }, 'waiting-for-postgresql');
      await sleep(pauseMs, undefined, { signal });
    }
  }
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error ? (error.cause ?? error) : error;
  return cause instanceof Error ? cause.message : String(cause);
}
