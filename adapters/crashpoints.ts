/**
 * Crash points: named places in the product where a fault test kills, delays or fails the process, to prove that the
 * window is harmless. None is armed unless `ADO_CRASHPOINTS` says so, and production ignores that.
 */
import { closeSync, mkdirSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { crashPointNames, type CrashPoint, type CrashPointName } from './ports.ts';

interface Arming {
  readonly action: 'kill9' | 'sleep' | 'throw';
  readonly sleepMs: number;
  /** How many hits act, over all processes and restarts. */
  readonly hits: number;
}

/**
 * The crash points that a specification arms: `name=action[*hits]`, comma-separated, where an action is `kill9`,
 * `sleep:<ms>` or `throw`, and `hits` is 1 unless given. Only the first hits act, counted over all processes by marker
 * files `<markerDir>/<name>.<n>`, so a test can read off how often the window was hit.
 * @throws Error for an unknown name or action
 */
export function createCrashPoint(specification: string | undefined, markerDir: string): CrashPoint {
  const armed = parse(specification ?? '');
  if (armed.size === 0) return () => Promise.resolve();
  mkdirSync(markerDir, { recursive: true });
  return async (name) => {
    const arming = armed.get(name);
    if (arming === undefined || !claimHit(markerDir, name, arming.hits)) return;
    switch (arming.action) {
      case 'kill9':
        process.kill(process.pid, 'SIGKILL');
        return;
      case 'sleep':
        await sleep(arming.sleepMs);
        return;
      case 'throw':
        throw new Error(`crash point ${name}`);
    }
  };
}

function parse(specification: string): Map<CrashPointName, Arming> {
  const parts = specification
    .split(',')
    .map((part) => part.trim())
    .filter((part) => part !== '');
  return new Map(parts.map(parsePart));
}

function parsePart(part: string): [CrashPointName, Arming] {
  const match = /^([^=]+)=(kill9|throw|sleep:(\d+))(?:\*(\d+))?$/.exec(part);
  if (match === null)
    throw new Error(`ADO_CRASHPOINTS: "${part}" is not name=kill9|throw|sleep:<ms>[*hits]`);
  const [, word = '', action = '', sleepMs = '0', hits = '1'] = match;
  const name = crashPointNames.find((known) => known === word);
  if (name === undefined) {
    throw new Error(
      `ADO_CRASHPOINTS: no crash point "${word}"; there are ${crashPointNames.join(', ')}`,
    );
  }
  const kind = action === 'kill9' || action === 'throw' ? action : 'sleep';
  return [name, { action: kind, sleepMs: Number(sleepMs), hits: Number(hits) }];
}

/** Takes the next free hit. Creating a file that must not exist is the one atomic step that all processes share. */
function claimHit(markerDir: string, name: CrashPointName, hits: number): boolean {
  for (let hit = 1; hit <= hits; hit += 1) {
    try {
      closeSync(openSync(join(markerDir, `${name}.${hit}`), 'wx'));
      return true;
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return false;
}
