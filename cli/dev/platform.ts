/**
 * The ways the platform is run: in the foreground until it is told to stop, in the background under a supervisor of its
 * own, and stopped from anywhere. There is one supervisor for a data folder; whoever comes second finds it running.
 */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError, codeOf, isErrorCode } from '../../contracts/errors.ts';
import { nodeFlags, programPath } from './checkout.ts';
import { messageOf } from './error-text.ts';
import { layOut, makeHome } from './home.ts';
import { endLeftovers, listLeftovers } from './leftovers.ts';
import { findLockHolder, tryLock } from './lock.ts';
import { logFile, logSize, openLog, readLogTail } from './logs.ts';
import { endProcess, isAlive, waitUntilGone, waitUntilReaped } from './processes.ts';
import type { ProcessIdentity } from './processes.ts';
import { getPrograms } from './programs.ts';
import { Reporter } from './progress.ts';
import { findState, writeState } from './state.ts';
import { platformStatus } from './status.ts';
import type { PlatformStatus } from './status.ts';
import { Supervisor } from './supervisor.ts';
import type { PlatformOptions } from './supervisor.ts';

/** How a run in the foreground is watched. */
export interface ForegroundOptions {
  readonly reporter?: Reporter | undefined;
  /** Called once when all is ready. */
  readonly onReady?: ((status: PlatformStatus) => void) | undefined;
  /** Aborted to stop it; SIGINT, SIGTERM and SIGHUP do the same. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Runs the platform until Ctrl-C (or the signal) and stops it cleanly; a second Ctrl-C ends it at once. When one is
 * running already, nothing is started and the answer is `already-running`, once that one is ready.
 * @throws PROGRAM_MISSING, PORT_TAKEN or PART_FAILED
 */
export async function runPlatform(
  options: PlatformOptions,
  watch: ForegroundOptions = {},
): Promise<'stopped' | 'already-running'> {
  const { home } = options;
  makeHome(home);
  const attempt = tryLock(layOut(home).supervisorLock);
  if (!attempt.held) {
    const status = await waitUntilReady(home, attempt.holder);
    watch.onReady?.(status);
    return 'already-running';
  }
  const supervisor = new Supervisor(options, watch.reporter ?? new Reporter(process.stderr));
  const stop = onStopRequest(supervisor, watch.signal);
  try {
    await supervisor.start();
    if (!stop.isRequested()) watch.onReady?.(await platformStatus(home));
    await stop.done;
    return 'stopped';
  } finally {
    stop.forget();
    attempt.release();
  }
}

interface StopRequest {
  /** Settled when a stop was asked for and has ended. */
  readonly done: Promise<void>;
  readonly isRequested: () => boolean;
  readonly forget: () => void;
}

/** Stops a supervisor politely at the first request, in a hurry at the second. */
function onStopRequest(supervisor: Supervisor, signal: AbortSignal | undefined): StopRequest {
  const names = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;
  let requests = 0;
  // Waiting for a stop must keep the process alive even in a moment when no part runs.
  const keepAlive = setInterval(() => undefined, 1_000_000);
  let finish: (end: Promise<void>) => void = () => undefined;
  const done = new Promise<void>((resolve) => {
    finish = resolve;
  });
  const request = (): void => {
    requests += 1;
    finish(supervisor.stop(requests === 1 ? 'polite' : 'hurry'));
  };
  for (const name of names) process.on(name, request);
  if (signal?.aborted === true) request();
  else signal?.addEventListener('abort', request, { once: true });
  return {
    done,
    isRequested: () => requests > 0,
    forget: () => {
      clearInterval(keepAlive);
      for (const name of names) process.off(name, request);
      signal?.removeEventListener('abort', request);
    },
  };
}

/**
 * Starts the platform under a supervisor of its own, which stays when the caller ends. Returns when all is ready, at
 * once when it was running already.
 * @throws PROGRAM_MISSING, PORT_TAKEN or PART_FAILED, with the end of the log of the part that failed
 */
export async function startPlatformInBackground(
  options: PlatformOptions,
  reporter: Reporter = new Reporter(process.stderr),
): Promise<PlatformStatus> {
  const { home, env, ...rest } = options;
  const running = findLockHolder(layOut(home).supervisorLock);
  if (running !== undefined) {
    const status = await waitUntilReady(home, running);
    // It may have been killed a moment ago, and the kernel has come to it only now.
    if (isAlive(running)) return status;
  }
  makeHome(home);
  // Here, where somebody watches, and not in the supervisor: a first build takes minutes.
  await getPrograms({ home, env, reporter });
  const log = openLog(home, 'supervisor');
  const logMark = logSize(home, 'supervisor');
  const child = spawn(
    process.execPath,
    [...nodeFlags(), programPath('cli/dev/supervisor-main'), JSON.stringify({ home, ...rest })],
    { env, cwd: home, detached: true, stdio: ['ignore', log, log] },
  );
  closeSync(log);
  const end = new AbortController();
  child.once('error', () => end.abort());
  child.once('exit', () => end.abort());
  child.unref();
  for (;;) {
    const holder = findLockHolder(layOut(home).supervisorLock);
    if (holder !== undefined) return waitUntilReady(home, holder);
    if (end.signal.aborted) throw failureOf(home, child.pid, logMark);
    await delay(20);
  }
}

/** Waits for the supervisor of a data folder until all is ready. */
async function waitUntilReady(home: string, supervisor: ProcessIdentity): Promise<PlatformStatus> {
  for (;;) {
    const state = findState(home);
    const phase = isSame(state?.supervisor, supervisor) ? state?.phase : undefined;
    if (phase === 'ready') return platformStatus(home);
    if (phase === 'failed' || phase === 'stopped' || !isAlive(supervisor)) {
      // It has written down why it ends, and ends a moment later: nothing is left when the caller hears of it.
      await waitUntilGone(supervisor, 5_000);
      throw failureOf(home, supervisor.pid);
    }
    await delay(20);
  }
}

function isSame(one: ProcessIdentity | undefined, other: ProcessIdentity): boolean {
  return one?.pid === other.pid && one.startTime === other.startTime;
}

/** The error that a supervisor ended with, from the state it wrote, else from its log. */
function failureOf(
  home: string,
  pid: number | undefined,
  logMark = logSize(home, 'supervisor'),
): AppError {
  const state = findState(home);
  const failure = state?.supervisor.pid === pid ? state?.failure : undefined;
  if (failure !== undefined && failure !== null) {
    return new AppError(isErrorCode(failure.code) ? failure.code : 'PART_FAILED', failure.message);
  }
  const log = logFile(home, 'supervisor');
  const tail = readLogTail(home, 'supervisor', logMark);
  const message = `The supervisor of the local platform ended. Its log is ${log}.`;
  return new AppError('PART_FAILED', `${message}\n${tail}`.trimEnd());
}

/** A polite stop takes at most the sum of its parts' times, and a little for what is between. */
const stopTimeoutMs = 75_000;

/**
 * Stops the platform of a data folder and leaves no process of it, whether its supervisor lives or was killed. Answers
 * whether there was anything to stop.
 */
export async function stopPlatform(home: string): Promise<'stopped' | 'not-running'> {
  const supervisor = findLockHolder(layOut(home).supervisorLock);
  const parts = listLeftovers(home).map((part) => part.process);
  if (supervisor !== undefined) {
    await endProcess(supervisor, [{ signal: 'SIGTERM', graceMs: stopTimeoutMs }]);
  }
  await endLeftovers(home);
  await waitUntilReaped(supervisor === undefined ? parts : [supervisor, ...parts]);
  const state = findState(home);
  if (state !== undefined) {
    const stopped = state.parts.map((part) => ({ ...part, process: null, ready: false }));
    writeState(home, { ...state, phase: 'stopped', failure: null, parts: stopped });
  }
  return supervisor === undefined && parts.length === 0 ? 'not-running' : 'stopped';
}

/** Runs the supervisor of the background mode in this process; the error, if any, is in the state file too. */
export async function superviseInBackground(options: PlatformOptions): Promise<number> {
  const reporter = new Reporter({
    write: (text) => process.stderr.write(`${new Date().toISOString()} ${text}`),
  });
  try {
    await runPlatform(options, { reporter });
    return 0;
  } catch (error) {
    reporter.line(messageOf(error));
    return codeOf(error) === undefined ? 70 : 1;
  }
}
