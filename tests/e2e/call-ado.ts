/** Calls `./ado` as people do: a process of its own, in a folder of its own, told by the environment where the server is. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { mkdtempSync, realpathSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { checkoutRoot } from '../../cli/dev/checkout.ts';
import type { Ado } from '../support/ado-platform.ts';

/** How a call ended. */
export interface CallEnd {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** A folder from which ado is called. */
export interface Caller {
  readonly cwd: string;
  call(...words: readonly string[]): Promise<CallEnd>;
  /** Starts a call that a test lets run or interrupts. */
  start(...words: readonly string[]): ChildProcess;
}

/** Makes a folder from which `./ado` speaks to a platform. */
export function callerOf(ado: Pick<Ado, 'url' | 'apiKey'>): Caller {
  const cwd = realpathSync(mkdtempSync(join(tmpdir(), 'ado-test-caller-')));
  const env = {
    PATH: `${dirname(process.execPath)}:${process.env['PATH'] ?? ''}`,
    HOME: cwd,
    ADO_URL: ado.url,
    ADO_API_KEY: ado.apiKey,
    NO_COLOR: '1',
  };
  const program = join(checkoutRoot(), 'ado');
  return {
    cwd,
    call: async (...words) =>
      new Promise((resolve) => {
        const options = { cwd, env, maxBuffer: 64 * 1024 * 1024 };
        const child = execFile(program, words, options, (_error, stdout, stderr) => {
          resolve({ code: child.exitCode ?? -1, stdout, stderr });
        });
        child.stdin?.end();
      }),
    start: (...words) => spawn(program, words, { cwd, env, stdio: 'ignore' }),
  };
}

/** The last line of `-o jsonl`, which says how the work ended. */
export function resultOf({ stdout }: CallEnd): Record<string, unknown> {
  const line = stdout.trimEnd().split('\n').at(-1) ?? '';
  return JSON.parse(line) as Record<string, unknown>;
}
