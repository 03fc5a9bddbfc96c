/** Runs the command line as people do: as a process of its own, in a folder and with a home of its own. */
import { spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nodeFlags } from '../../cli/dev/checkout.ts';

/** How a call ended. */
export interface CallEnd {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A call under way. */
export interface Call {
  readonly child: ChildProcess;
  readonly end: Promise<CallEnd>;
  /** Waits until stdout and stderr together match; fails when the call ends before. */
  readonly says: (pattern: RegExp) => Promise<void>;
}

/** Where calls are made from. */
export interface Place {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** Makes a folder and a home for calls. */
export function makePlace(env: Readonly<Record<string, string>> = {}): Place {
  const root = realpathSync(mkdtempSync(join(tmpdir(), 'ado-cli-')));
  return {
    cwd: root,
    env: {
      HOME: join(root, 'home'),
      PATH: process.env['PATH'] ?? '',
      ADO_HOME: join(root, 'ado'),
      ...env,
    },
  };
}

const main = join(import.meta.dirname, '..', '..', 'cli', 'main.ts');

/** Starts `ado …`. */
export function startAdo(place: Place, words: readonly string[], stdin = ''): Call {
  const child = spawn(process.execPath, [...nodeFlags(), main, ...words], {
    cwd: place.cwd,
    env: { ...place.env },
  });
  let stdout = '';
  let stderr = '';
  const watchers = new Set<() => void>();
  const wake = (): void => watchers.forEach((watcher) => watcher());
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    stdout += text;
    wake();
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    stderr += text;
    wake();
  });
  child.stdin.on('error', () => undefined).end(stdin);
  const end = new Promise<CallEnd>((resolve) => {
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
  const says = async (pattern: RegExp): Promise<void> =>
    new Promise((resolve, reject) => {
      const look = (): void => {
        if (!pattern.test(stdout + stderr)) return;
        watchers.delete(look);
        resolve();
      };
      watchers.add(look);
      look();
      void end.then(() => {
        look();
        reject(new Error(`It never said ${String(pattern)}:\n${stdout}\n${stderr}`));
      });
    });
  return { child, end, says };
}

/** Runs `ado …` to its end. */
export async function runAdo(place: Place, words: readonly string[], stdin = ''): Promise<CallEnd> {
  return startAdo(place, words, stdin).end;
}

/** The JSON lines of an output. */
export function readLines(text: string): Record<string, unknown>[] {
  return text
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Record<string, unknown>);
}
