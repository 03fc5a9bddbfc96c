/** Starts programs through the launcher, a small helper process (see launcher-main.ts for why and how it ends). */
import { fork, type ChildProcess } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import { AppError } from '../../contracts/errors.ts';
import type { TreeLimit } from './limits.ts';
import type { LauncherReply, LauncherRequest } from './launcher-messages.ts';
import type { TreeLimits } from './tree-usage.ts';

/** Time between SIGTERM and SIGKILL. */
const killGraceMs = 5_000;

/** One program to run. */
export interface Launch {
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd?: string | undefined;
  /** The whole environment; default: that of this process. */
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Default: standard input is closed. */
  readonly stdin?: string | undefined;
  /** A new file that takes standard output. */
  readonly stdoutFile?: string | undefined;
  /** What the program reads on file descriptor 3; what it writes on 4 is in `fd4` of the answer. */
  readonly fd3?: string | undefined;
  /** With `fd3`: what the program reads on file descriptor 5. */
  readonly fd5?: Uint8Array | undefined;
  /** With `fd3`: bounds of all that runs in the sandbox. */
  readonly limits?: TreeLimits | undefined;
  /** Whether what is left of its process group is killed with it. */
  readonly ownsGroup?: boolean;
  readonly timeoutMs?: number | undefined;
  readonly signal?: AbortSignal | undefined;
  readonly onOutput?: (stream: 'stdout' | 'stderr', bytes: Uint8Array, kill: () => void) => void;
}

/** How a program ended. */
export interface Exit {
  /** undefined when a signal ended it. */
  readonly exitCode: number | undefined;
  readonly timedOut: boolean;
  /** The bound that it was ended at. */
  readonly killedBy?: TreeLimit | undefined;
  readonly durationMs: number;
  readonly fd4: string;
}

/** A program that could not be started; `code` is the system's word, `ENOENT` when it does not exist. */
export class LaunchError extends Error {
  override readonly name = 'LaunchError';
  readonly code: string;

  constructor(file: string, code: string) {
    super(`cannot start ${file}: ${code}`);
    this.code = code;
  }
}

/** Starts programs. */
export interface Launcher {
  /**
   * Runs a program to its end. At timeout or abort its process group gets SIGTERM, 5 s later SIGKILL; a sandbox is
   * killed at once, with everything inside.
   * @throws LaunchError · WORKSPACE_FAILED when the helper process was lost
   */
  launch(launch: Launch): Promise<Exit>;
  /** Ends the helper process. */
  close(): void;
}

interface Pending {
  readonly launch: Launch;
  readonly onReply: (reply: LauncherReply) => void;
  readonly onLost: () => void;
}

/** Makes a launcher; its helper process starts with the first program. */
export function createLauncher(): Launcher {
  const pending = new Map<number, Pending>();
  let helper: ChildProcess | undefined;
  let lastId = 0;

  /** An idle helper keeps nobody alive: neither process nor channel count unless a program runs. */
  const holdProcess = (child: ChildProcess): void => {
    if (pending.size > 0) {
      child.ref();
      child.channel?.ref();
    } else {
      child.unref();
      child.channel?.unref();
    }
  };

  const startHelper = (): ChildProcess => {
    const child = fork(helperFile(), [], {
      cwd: '/',
      detached: true,
      execArgv: typeStrippingFlags(),
      serialization: 'advanced',
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    });
    child.on('message', (reply: LauncherReply) => pending.get(reply.id)?.onReply(reply));
    const lost = (): void => {
      if (helper !== child) return;
      helper = undefined;
      for (const { onLost } of pending.values()) onLost();
    };
    child.on('exit', lost);
    child.on('error', lost);
    return child;
  };

  const send = (message: LauncherRequest): void => {
    helper ??= startHelper();
    // A failed send is followed by the helper's exit, which ends what is pending.
    helper.send(message, () => undefined);
  };

  return {
    launch(launch) {
      return new Promise<Exit>((resolve, reject) => {
        launch.signal?.throwIfAborted();
        const id = ++lastId;
        const startedAt = performance.now();
        const fd4: Buffer[] = [];
        let timedOut = false;
        let killer: NodeJS.Timeout | undefined;

        const kill = (): void => {
          if (killer !== undefined) return;
          send({ op: 'kill', id, signal: 'SIGTERM' });
          killer = setTimeout(() => send({ op: 'kill', id, signal: 'SIGKILL' }), killGraceMs);
        };
        const timer =
          launch.timeoutMs === undefined
            ? undefined
            : setTimeout(() => {
                timedOut = true;
                kill();
              }, launch.timeoutMs);
        const settle = (finish: () => void): void => {
          clearTimeout(timer);
          clearTimeout(killer);
          launch.signal?.removeEventListener('abort', kill);
          pending.delete(id);
          if (helper !== undefined) holdProcess(helper);
          finish();
        };
        const onReply = (reply: LauncherReply): void => {
          switch (reply.event) {
            case 'output':
              if (reply.stream === 'fd4') fd4.push(Buffer.from(reply.bytes));
              else launch.onOutput?.(reply.stream, reply.bytes, kill);
              return;
            case 'failed':
              settle(() => reject(new LaunchError(launch.file, reply.code)));
              return;
            case 'exit':
              settle(() =>
                resolve({
                  exitCode: reply.exitCode ?? undefined,
                  timedOut,
                  killedBy: reply.killedBy,
                  durationMs: Math.round(performance.now() - startedAt),
                  fd4: Buffer.concat(fd4).toString(),
                }),
              );
          }
        };
        const onLost = (): void => {
          settle(() =>
            reject(new AppError('WORKSPACE_FAILED', `The launcher died while ${launch.file} ran.`)),
          );
        };

        pending.set(id, { launch, onReply, onLost });
        launch.signal?.addEventListener('abort', kill);
        send({ op: 'start', id, ...messageOf(launch) });
        if (helper !== undefined) holdProcess(helper);
      });
    },
    close() {
      helper?.disconnect();
    },
  };
}

function messageOf(launch: Launch) {
  const { file, args, cwd, env, stdoutFile, fd5, limits } = launch;
  const bytes = (text: string | undefined) => (text === undefined ? undefined : Buffer.from(text));
  const { ownsGroup = false } = launch;
  return {
    file,
    args,
    cwd,
    env,
    stdoutFile,
    fd5,
    limits,
    ownsGroup,
    stdin: bytes(launch.stdin),
    fd3: bytes(launch.fd3),
  };
}

/** Beside this file, as source or compiled. */
function helperFile(): string {
  const here = fileURLToPath(import.meta.url);
  return fileURLToPath(new URL(`launcher-main${extname(here)}`, import.meta.url));
}

/** Of this process's flags only those that its Node.js needs to run TypeScript. */
export function typeStrippingFlags(): string[] {
  return process.execArgv.filter((flag) =>
    /^--(experimental-strip-types|disable-warning)/.test(flag),
  );
}
