/** Runs a program to its end and gives what it wrote. */
import { spawn } from 'node:child_process';
import { accessSync, constants, statSync } from 'node:fs';
import { join } from 'node:path';

/** How a program ended and what it wrote. */
export interface ProgramResult {
  /** Exit code; null when a signal ended it or it could not be started. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** What a run may be given. */
export interface RunOptions {
  readonly env: NodeJS.ProcessEnv;
  readonly cwd?: string;
  readonly input?: string;
  /** After this long it is killed. Default 30 s, far above what a `--version` takes. */
  readonly timeoutMs?: number;
  /** Ends it early. */
  readonly signal?: AbortSignal | undefined;
  readonly uid?: number | undefined;
  readonly gid?: number | undefined;
  /** Told of each whole line of stderr as it comes. */
  readonly onErrorLine?: (line: string) => void;
}

/** Runs a program and waits for its end. Never throws: a program that cannot be started has code null. */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: RunOptions,
): Promise<ProgramResult> {
  return new Promise((resolve) => {
    const child = spawn(file, args, {
      env: options.env,
      cwd: options.cwd,
      uid: options.uid,
      gid: options.gid,
      stdio: 'pipe',
      timeout: options.timeoutMs ?? 30_000,
      killSignal: 'SIGKILL',
      signal: options.signal,
    });
    let stdout = '';
    let stderr = '';
    let restOfLine = '';
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text;
    });
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      stderr += text;
      const lines = (restOfLine + text).split('\n');
      restOfLine = lines.pop() ?? '';
      for (const line of lines) options.onErrorLine?.(line);
    });
    child.stdin.on('error', () => undefined); // It may end without reading its input.
    child.stdin.end(options.input ?? '');
    child.once('error', (error) => {
      resolve({ code: null, stdout, stderr: stderr + error.message });
    });
    child.once('close', (code) => {
      resolve({ code, stdout, stderr });
    });
  });
}

/** Finds a program on PATH; undefined when there is none. */
export function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  return (env['PATH'] ?? '')
    .split(':')
    .filter((folder) => folder !== '')
    .map((folder) => join(folder, name))
    .find(isExecutable);
}

/** Answers whether a path is a file that may be run. */
export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}

/** Runs `<program> --version` and gives the first dotted number in its answer; undefined when it does not run. */
export async function findVersion(
  file: string,
  env: NodeJS.ProcessEnv,
  args: readonly string[] = ['--version'],
): Promise<string | undefined> {
  const result = await runProgram(file, args, { env });
  return result.code === 0 ? /\d+\.\d+(?:\.\d+)?/.exec(result.stdout)?.[0] : undefined;
}
