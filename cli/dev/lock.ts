/**
 * A lock between processes: a file that names its holder by pid and start time. A holder that died, however, no longer
 * holds it, so no lock has to be removed by hand. The file is made by `link`, which one of several contenders wins.
 */
import {
  linkSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './error-text.ts';
import { findJson } from './json-file.ts';
import { identify, isAlive } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';

/** What an attempt to lock gives: the lock, or who has it. */
export type LockAttempt =
  | { readonly held: true; readonly release: () => void }
  | { readonly held: false; readonly holder: ProcessIdentity };

/** Tries once to take the lock for this process. */
export function tryLock(path: string): LockAttempt {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  const self = identify(process.pid);
  if (self === undefined) throw new Error('This process cannot find its own start time.');
  const mine = `${path}.${String(process.pid)}`;
  writeFileSync(mine, JSON.stringify(self), { mode: 0o600 });
  try {
    for (;;) {
      if (linkUnlessTaken(mine, path))
        return {
          held: true,
          release: () => {
            releaseLock(path, self);
          },
        };
      const holder = findLockHolder(path);
      if (holder !== undefined) return { held: false, holder };
      removeStaleLock(path);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Finds the live process that holds a lock. */
export function findLockHolder(path: string): ProcessIdentity | undefined {
  const content = findJson(path);
  return isIdentity(content) && isAlive(content) ? content : undefined;
}

/** Takes the lock, waiting for as long as another live process has it; `onWait` is told once whom for. */
export async function lock(
  path: string,
  onWait: (holder: ProcessIdentity) => void,
): Promise<{ readonly release: () => void }> {
  for (let told = false; ;) {
    const attempt = tryLock(path);
    if (attempt.held) return attempt;
    if (!told) onWait(attempt.holder);
    told = true;
    await delay(200);
  }
}

function isIdentity(value: unknown): value is ProcessIdentity {
  return (
    typeof value === 'object' &&
    value !== null &&
    'pid' in value &&
    typeof value.pid === 'number' &&
    'startTime' in value &&
    typeof value.startTime === 'string'
  );
}

function linkUnlessTaken(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if (systemCodeOf(error) === 'EEXIST') return false;
    throw error;
  }
}

/**
 * Removes a dead holder's lock. Two contenders may see the same dead holder, and the slower one may move away the lock
 * that the faster one has just made: it then finds a live holder in what it moved, and puts it back.
 */
function removeStaleLock(path: string): void {
  const aside = `${path}.${String(process.pid)}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return; // Gone already.
  }
  if (findLockHolder(aside) !== undefined) linkUnlessTaken(aside, path);
  unlinkSync(aside);
}

function releaseLock(path: string, self: ProcessIdentity): void {
  try {
    const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
    if (isIdentity(content) && content.pid === self.pid && content.startTime === self.startTime)
      unlinkSync(path);
  } catch {
    // Nothing to release.
  }
}
