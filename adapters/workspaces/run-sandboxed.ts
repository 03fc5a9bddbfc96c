/** Runs programs in worktrees: in the sandbox, or without one where that is allowed and asked for. */
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { StringDecoder } from 'node:string_decoder';
import { AppError } from '../../contracts/errors.ts';
import type { SandboxResult, SandboxRun } from '../ports.ts';
import type { HostView } from './host-view.ts';
import { LaunchError, type Exit, type Launch, type Launcher } from './launcher.ts';
import { explain, limited } from './limits.ts';
import { relayed, relayedInside } from './relay.ts';
import { environmentOf, memoryFoldersOf, sandboxOptions, type SandboxRequest } from './sandbox.ts';
import type { Worktree } from './worktrees.ts';

/** Kept of the end of each stream. */
const tailBytes = 65_536;
/** What a shell answers for a program that cannot be started. */
const notFoundExit = 127;
const versionTimeoutMs = 5_000;

/** How a sandboxed program is started; standard output and error are the caller's. */
export type SandboxedLaunch = Omit<
  Launch,
  'file' | 'args' | 'cwd' | 'env' | 'fd3' | 'fd5' | 'limits'
> & {
  readonly argv: readonly string[];
  readonly request: SandboxRequest;
};

/** Runs a program in bubblewrap. @throws SANDBOX_UNAVAILABLE when the sandbox itself cannot be made */
export async function launchInSandbox(
  launcher: Launcher,
  host: HostView,
  launch: SandboxedLaunch,
): Promise<Exit> {
  const { argv, request, ...rest } = launch;
  const stderr: Uint8Array[] = [];
  // Options go through a pipe: in the list of processes every user of the machine could read the environment.
  const filter = host.systemCalls === undefined ? [] : ['--seccomp', '5'];
  const options = sandboxOptions(host, request).map((word) => `${word}\0`);
  try {
    const exit = await launcher.launch({
      ...rest,
      file: 'bwrap',
      args: [
        '--args',
        '3',
        '--json-status-fd',
        '4',
        ...filter,
        '--',
        ...limited(argv, host.limits),
      ],
      env: bubblewrapEnvironment(host),
      fd3: options.join(''),
      fd5: host.systemCalls,
      limits: { ...host.limits, memoryFolders: memoryFoldersOf(request) },
      onOutput: (stream, bytes, kill) => {
        if (stream === 'stderr' && stderr.length < 8) stderr.push(bytes);
        rest.onOutput?.(stream, bytes, kill);
      },
    });
    if (exit.killedBy !== undefined) {
      rest.onOutput?.('stderr', Buffer.from(explain(exit.killedBy, host.limits)), () => undefined);
      return { ...exit, exitCode: undefined };
    }
    // It reports the exit code of what it ran; killed from outside it has no time to.
    if (exit.exitCode === undefined || exit.fd4.includes('"exit-code"')) return exit;
    const said = Buffer.concat(stderr).toString().trim();
    if (!said.startsWith('bwrap: execvp ')) throw unavailable(said);
    return { ...exit, exitCode: notFoundExit };
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    throw unavailable(
      error.code === 'ENOENT' ? 'bubblewrap (bwrap) is not installed' : error.message,
    );
  }
}

/** For finding bwrap itself. */
function bubblewrapEnvironment({ path }: HostView): Record<string, string> {
  return { PATH: `${path}:/usr/local/bin:/usr/bin:/bin` };
}

/** Which version of bubblewrap makes the sandboxes; `unknown` when it does not tell. @throws LaunchError */
export async function findBubblewrapVersion(launcher: Launcher, host: HostView): Promise<string> {
  const said: Uint8Array[] = [];
  await launcher.launch({
    file: 'bwrap',
    args: ['--version'],
    env: bubblewrapEnvironment(host),
    timeoutMs: versionTimeoutMs,
    onOutput: (_stream, bytes) => said.push(bytes),
  });
  return /\d+(\.\d+)+/.exec(Buffer.concat(said).toString())?.[0] ?? 'unknown';
}

function unavailable(why: string): AppError {
  return new AppError(
    'SANDBOX_UNAVAILABLE',
    `The sandbox does not work on this machine: ${why.slice(0, 500)}`,
  );
}

/** What running programs takes. */
interface RunDeps {
  readonly launcher: Launcher;
  readonly host: () => Promise<HostView>;
  readonly allowUnsandboxed: boolean;
}

/** A program to run, and where. */
interface Job {
  readonly host: HostView;
  readonly worktree: Worktree;
  readonly run: SandboxRun;
  readonly shared: Pick<Launch, 'stdin' | 'timeoutMs' | 'signal' | 'onOutput'>;
}

/** Runs a program in a worktree. @throws SANDBOX_UNAVAILABLE · SANDBOX_REQUIRED */
export async function runInWorktree(
  deps: RunDeps,
  worktree: Worktree,
  run: SandboxRun,
): Promise<SandboxResult> {
  const { input: stdin, timeoutMs, signal } = run;
  const output = collectOutput(run.onOutput);
  const shared = { stdin, timeoutMs, signal, onOutput: output.write };
  const job: Job = { host: await deps.host(), worktree, run, shared };
  if (signal?.aborted === true) return output.result(notRun);
  if (run.sandbox === 'bubblewrap') return output.result(await runInside(deps.launcher, job));

  if (!deps.allowUnsandboxed) {
    throw new AppError('SANDBOX_REQUIRED', 'This worker does not run agents with `sandbox: none`.');
  }
  try {
    return output.result(await runOutside(deps.launcher, job));
  } catch (error) {
    if (!(error instanceof LaunchError)) throw error;
    output.write('stderr', Buffer.from(`${error.message}\n`));
    return output.result({ ...notRun, exitCode: notFoundExit });
  }
}

const notRun = { exitCode: undefined, timedOut: false, durationMs: 0 };

function runInside(launcher: Launcher, { host, worktree, run, shared }: Job): Promise<Exit> {
  const { tree, gitDir, mirror } = worktree;
  const { argv, env = {}, readable = [], home, reach = [] } = run;
  // Without a port to reach there is no relay: it takes 60 ms to start (150 as source).
  const relay = reach.length === 0 ? undefined : relayedInside(argv, reach);
  const request = {
    readOnly: [join(mirror, 'objects'), gitDir],
    writable: [tree],
    workDir: tree,
    ...{ env, home },
    files: [...readable, ...(relay?.files ?? [])],
    mounts: relay?.mounts ?? [],
  };
  return launchInSandbox(launcher, host, { ...shared, argv: relay?.argv ?? argv, request });
}

function runOutside(launcher: Launcher, { host, worktree, run, shared }: Job): Promise<Exit> {
  const { tree } = worktree;
  const { argv, env = {}, home, reach = [] } = run;
  const places = {
    path: host.path,
    home: home ?? join(dirname(tree), 'home'),
    tmp: join(dirname(tree), 'tmp'),
  };
  mkdirSync(places.home, { recursive: true });
  mkdirSync(places.tmp, { recursive: true });
  const [file = 'sh', ...args] = reach.length === 0 ? argv : relayed(argv, reach);
  const program = { file, args, cwd: tree, env: environmentOf(env, places), ownsGroup: true };
  return launcher.launch({ ...shared, ...program });
}

/** Passes output on as text and keeps the end of each stream. */
function collectOutput(onOutput: SandboxRun['onOutput']) {
  const streams = { stdout: createTail(), stderr: createTail() };
  const write = (source: 'stdout' | 'stderr', bytes: Uint8Array): void => {
    const text = streams[source].write(bytes);
    if (text !== '') onOutput?.(source, text);
  };
  return {
    write,
    result({
      exitCode,
      timedOut,
      killedBy,
      durationMs,
    }: Pick<Exit, 'exitCode' | 'timedOut' | 'killedBy' | 'durationMs'>): SandboxResult {
      for (const source of ['stdout', 'stderr'] as const) {
        const text = streams[source].end();
        if (text !== '') onOutput?.(source, text);
      }
      const [stdout, stderr] = [streams.stdout.text(), streams.stderr.text()];
      const ended = { timedOut, ...(killedBy === undefined ? {} : { killedBy }) };
      return { exitCode: timedOut ? undefined : exitCode, ...ended, stdout, stderr, durationMs };
    },
  };
}

/** The last part of a stream, whole characters only. Holds at most twice of what it keeps, however much is written. */
function createTail() {
  const decoder = new StringDecoder('utf8');
  let kept = '';
  const keep = (text: string): string => {
    kept += text;
    if (kept.length > 2 * tailBytes) kept = kept.slice(-tailBytes);
    return text;
  };
  return {
    write: (bytes: Uint8Array): string =>
      keep(decoder.write(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length))),
    end: (): string => keep(decoder.end()),
    /** Cut by bytes, then at the first whole character. */
    text: (): string => {
      const bytes = Buffer.from(kept);
      return bytes.length <= tailBytes
        ? kept
        : bytes
            .subarray(-tailBytes)
            .toString()
            .replace(/^\uFFFD+/, '');
    },
  };
}
