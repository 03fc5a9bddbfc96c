/** What the events of a batch say about its window. */
import { writeFileSync, mkdtempSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Event } from '../../contracts/event.schema.ts';

/** Most items that were seen at work at once. */
export function mostRunning(events: readonly Event[]): number {
  let running = 0;
  let most = 0;
  for (const { type } of events) {
    if (type === 'item-started') running += 1;
    if (type === 'item-ended') running -= 1;
    most = Math.max(most, running);
  }
  return most;
}

/** A gate that commands wait at until a test opens it. */
export interface HeldGate {
  /** Shell words that wait. */
  readonly wait: string;
  open(): void;
}

/**
 * Makes a gate: a file that the sandbox shows because the command names it. Each look at it costs two processes: many who
 * wait look seldom.
 */
export function holdGate({ lookEverySeconds = 0.05 } = {}): HeldGate {
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-gate-')), 'gate');
  writeFileSync(file, 'hold');
  return {
    wait: `until grep -q go ${file}; do sleep ${lookEverySeconds}; done`,
    open: () => writeFileSync(file, 'go'),
  };
}
