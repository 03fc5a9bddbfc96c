/**
 * One part under supervision. Its life:
 *
 *   waiting ──start()──► starting ──probe says yes──► ready ──► (dies) ──► pausing ──► starting …
 *                           │ dies or stays silent                             ▲
 *                           └──────────────────────────────────────────────────┘
 *
 *   waiting   no process; nothing was tried.
 *   starting  a process runs, its pid is written down; it is probed every 20 ms.
 *   ready     its probe has said yes. The process is not probed again: only its death moves it on.
 *   pausing   no process; the next start comes after `restartDelayMs`.
 *   stopped   `stop()` was called, or the first readiness was given up: no process, and none will be started.
 *
 * Until the first readiness failures are counted, and a few of them end in PART_FAILED: a part that cannot start at all
 * is the user's to mend. After it the part is started again for ever: it could work, so it can again.
 */
import { spawn } from 'node:child_process';
import { closeSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { AppError } from '../../contracts/errors.ts';
import { messageOf } from './error-text.ts';
import { logFile, logSize, openLog, readLogTail } from './logs.ts';
import { listensOn } from './ports.ts';
import { endProcess, endOrphans, identify } from './processes.ts';
import type { ProcessIdentity, StopStep } from './processes.ts';
import { healthyAfterMs, restartDelayMs } from './restart-delay.ts';
import { stopSteps } from './services/part.ts';
import type { Part, PortOf } from './services/part.ts';

/** What a supervised part is given. */
export interface SupervisionOptions {
  readonly home: string;
  readonly portOf: PortOf;
  /** Chooses other ports for a part that was never ready, if the ones it has were taken; answers whether it did. */
  readonly settlePorts: (part: Part) => Promise<'kept' | 'moved'>;
  /** Called after every change of the facts below, before anything else happens. */
  readonly onChange: () => void;
  /** Called when it dies unasked, with how; and with its new pid once it was started again. */
  readonly onRestart: (how: string, pid: number) => void;
  /** How long the first readiness may take. Default 90 s: migrations of a full database are in it. */
  readonly startTimeoutMs?: number | undefined;
}

const maxFirstFailures = 3;
const probeIntervalMs = 20;

/** The outcome of one process. */
interface Run {
  readonly wasReady: boolean;
  readonly healthyForMs: number;
  /** In words, such as `was killed by SIGKILL` or `exited with code 1`. */
  readonly how: string;
}

/** One part under supervision. */
export class SupervisedPart {
  readonly part: Part;
  readonly #options: SupervisionOptions;
  readonly #stopping = new AbortController();
  #process: ProcessIdentity | null = null;
  #isReady = false;
  #wasEverReady = false;
  #startCount = 0;
  #logMark = 0;
  #loop: Promise<void> = Promise.resolve();

  constructor(part: Part, options: SupervisionOptions) {
    this.part = part;
    this.#options = options;
  }

  /** Its process; null while there is none. */
  get process(): ProcessIdentity | null {
    return this.#process;
  }

  get isReady(): boolean {
    return this.#isReady;
  }

  /** How often it was started again. */
  get restarts(): number {
    return Math.max(0, this.#startCount - 1);
  }

  /**
   * Starts it and keeps it running. Resolves when it is ready for the first time, or was stopped before that.
   * @throws PART_FAILED when it does not get there, with the end of its log
   */
  async start(): Promise<void> {
    this.#logMark = logSize(this.#options.home, this.part.name);
    await new Promise<void>((resolve, reject) => {
      this.#loop = this.#keepRunning(resolve).then(resolve, reject);
    });
  }

  /** Stops it for good, politely unless steps are given. Resolves when no process is left. */
  async stop(steps: readonly StopStep[] = stopSteps[this.part.name]): Promise<void> {
    this.#stopping.abort();
    if (this.#process !== null) await endProcess(this.#process, steps);
    await this.#loop;
  }

  async #keepRunning(onFirstReady: () => void): Promise<void> {
    const deadline = Date.now() + (this.#options.startTimeoutMs ?? 90_000);
    let deathsInARow = 0;
    let lastDeath: string | undefined;
    while (!this.#isStopping()) {
      const run = await this.#runOnce(onFirstReady, lastDeath, deadline).catch((error: unknown) => {
        if (!this.#wasEverReady) throw error;
        return {
          wasReady: false,
          healthyForMs: 0,
          how: `could not be started (${messageOf(error)})`,
        };
      });
      if (this.#isStopping()) return;
      lastDeath = run.how;
      // Another program was quicker to take its port: not its fault, and mended by another port.
      if (await this.#movesAside(deadline)) continue;
      deathsInARow = run.healthyForMs >= healthyAfterMs ? 1 : deathsInARow + 1;
      if (!this.#wasEverReady && (deathsInARow >= maxFirstFailures || Date.now() >= deadline)) {
        throw this.#failure(run.how);
      }
      await this.#pause(restartDelayMs({ inARow: deathsInARow, wasReady: run.wasReady }));
    }
  }

  async #movesAside(deadline: number): Promise<boolean> {
    if (this.#wasEverReady || Date.now() >= deadline) return false;
    return (await this.#options.settlePorts(this.part)) === 'moved';
  }

  /** One process, from its start to its end. */
  async #runOnce(
    onFirstReady: () => void,
    lastDeath: string | undefined,
    deadline: number,
  ): Promise<Run> {
    if (!this.#wasEverReady) await this.#options.settlePorts(this.part);
    await this.part.prepare();
    if (this.#isStopping()) return { wasReady: false, healthyForMs: 0, how: 'stopped' };

    const { pid, ended } = this.#spawn();
    if (pid === undefined) return { wasReady: false, healthyForMs: 0, how: await ended };
    if (lastDeath !== undefined) this.#options.onRestart(lastDeath, pid);

    const over = new AbortController();
    const end = ended.finally(() => {
      over.abort();
    });
    const becameReady = await this.#probeUntilReady(pid, over.signal, deadline);
    const readyAt = Date.now();
    let isSilent = false;
    if (becameReady) {
      if (!this.#wasEverReady) this.part.onFirstReady?.();
      this.#wasEverReady = true;
      this.#set({ isReady: true });
      onFirstReady();
    } else if (this.#process !== null && !this.#isStopping()) {
      await endProcess(this.#process, []);
      isSilent = true;
    }
    const how = await end;
    const healthyForMs = becameReady ? Date.now() - readyAt : 0;
    return { wasReady: becameReady, healthyForMs, how: isSilent ? 'was not ready in time' : how };
  }

  #spawn(): { readonly pid: number | undefined; readonly ended: Promise<string> } {
    const command = this.part.command(this.#options.portOf);
    const log = openLog(this.#options.home, this.part.name);
    // Detached: a Ctrl-C reaches the supervisor only, which then stops the parts in their order.
    const child = spawn(command.file, command.args, {
      env: command.env,
      cwd: command.cwd,
      uid: command.uid,
      gid: command.gid,
      detached: true,
      stdio: ['ignore', log, log],
    });
    closeSync(log);
    this.#startCount += 1;
    const identity = child.pid === undefined ? undefined : identify(child.pid);
    this.#set({ process: identity ?? null });
    const ended = new Promise<string>((resolve) => {
      child.once('error', (error) => {
        resolve(`could not be started (${error.message})`);
      });
      child.once('exit', (code, signal) => {
        resolve(signal === null ? `exited with code ${String(code)}` : `was killed by ${signal}`);
      });
    }).then((how) => {
      if (identity !== undefined) endOrphans(identity);
      this.#set({ process: null, isReady: false });
      return how;
    });
    return { pid: child.pid, ended };
  }

  async #probeUntilReady(pid: number, over: AbortSignal, deadline: number): Promise<boolean> {
    const { portOf } = this.#options;
    const mayGoOn = (): boolean => !over.aborted && !this.#isStopping();
    while (mayGoOn() && (this.#wasEverReady || Date.now() < deadline)) {
      // Its own port too: the answer might come from another program that was quicker to take it.
      const isReady = await this.part.isReady(pid, portOf);
      if (isReady && mayGoOn() && listensOn(pid, portOf(this.part.ports[0]))) return true;
      await delay(probeIntervalMs, undefined, { signal: over }).catch(() => undefined);
    }
    return false;
  }

  async #pause(durationMs: number): Promise<void> {
    await delay(durationMs, undefined, { signal: this.#stopping.signal }).catch(() => undefined);
  }

  #isStopping(): boolean {
    return this.#stopping.signal.aborted;
  }

  #set(change: { readonly process?: ProcessIdentity | null; readonly isReady?: boolean }): void {
    if (change.process !== undefined) this.#process = change.process;
    if (change.isReady !== undefined) this.#isReady = change.isReady;
    this.#options.onChange();
  }

  #failure(how: string): AppError {
    const { name } = this.part;
    const tail = readLogTail(this.#options.home, name, this.#logMark);
    const log = logFile(this.#options.home, name);
    return new AppError(
      'PART_FAILED',
      `${name} does not start: it ${how}. The end of ${log}:\n${tail}`,
    );
  }
}
