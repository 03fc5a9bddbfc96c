/**
 * Claims on ports, so that platforms of one user that start at the same moment do not choose the same: between choosing
 * a port and listening on it passes a second. A claim is a lock (lock.ts) and ends with the process that made it.
 */
import { join } from 'node:path';
import { findCache } from './home.ts';
import { findLockHolder, tryLock } from './lock.ts';

/** The claims of one platform. */
export class PortClaims {
  readonly #folder: string;
  readonly #releases = new Map<number, () => void>();

  constructor(env: NodeJS.ProcessEnv) {
    this.#folder = join(findCache(env), 'ports');
  }

  /** Claims a port; false when this or another platform has claimed it. */
  claim(port: number): boolean {
    if (this.#releases.has(port)) return false;
    const path = join(this.#folder, String(port));
    try {
      const attempt = tryLock(path);
      if (attempt.held) this.#releases.set(port, attempt.release);
      return attempt.held;
    } catch {
      // A cache that cannot be written to: chance decides, and a part that loses moves to another port.
      return findLockHolder(path) === undefined;
    }
  }

  /** Gives a port back. */
  release(port: number): void {
    this.#releases.get(port)?.();
    this.#releases.delete(port);
  }

  /** Gives all ports back. */
  releaseAll(): void {
    for (const port of [...this.#releases.keys()]) this.release(port);
  }
}
