/** One service of a test run: started once, not looked after, so that a test may kill it and see what follows. */
import { spawn } from 'node:child_process';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { endProcess, identify, signalProcess } from '../../../cli/dev/processes.ts';
import type { ProcessIdentity, StopStep } from '../../../cli/dev/processes.ts';
import { Reporter } from '../../../cli/dev/progress.ts';
import type { Command } from '../../../cli/dev/services/part.ts';

/** What can be done to any test service. */
export interface TestService {
  /** The process that runs now; a test may send it signals of its own. */
  readonly pid: () => number | undefined;
  /** Ends it as a crash would; it stays down until `restart`. */
  readonly kill9: () => Promise<void>;
  /** Starts it again on the same data and ports, ending it first if it runs. Resolves when it is ready. */
  readonly restart: () => Promise<void>;
  /** Ends it and removes its data. */
  readonly stop: () => Promise<void>;
}

/** How a service is run. */
export interface TestProcessPlan {
  readonly name: string;
  /** Where its log goes; removed at the end. */
  readonly folder: string;
  readonly stopSteps: readonly StopStep[];
  readonly prepare: () => Promise<void>;
  readonly command: () => Command;
  readonly isReady: (pid: number) => Promise<boolean>;
}

/** Progress of builds and downloads that tests may have to wait for the first time. */
export const testReporter = new Reporter(process.stderr);

/** Makes an empty folder for a service's data. */
export function createServiceFolder(name: string): string {
  return mkdtempSync(join(tmpdir(), `ado-test-${name}-`));
}

// Two cores under a full load take half a minute for a worker.
const startTimeoutMs = 90_000;

/** Starts a service and waits until it is ready. */
export async function startTestProcess(plan: TestProcessPlan): Promise<TestService> {
  let current: ProcessIdentity | undefined;
  const logFile = join(plan.folder, `${plan.name}.log`);
  // For a run that ends by an exception; a run that is killed cannot clean up.
  const endAtExit = (): void => {
    if (current !== undefined) signalProcess(current, 'SIGKILL');
  };

  const start = async (): Promise<void> => {
    await plan.prepare();
    const { file, args, env, cwd, uid, gid } = plan.command();
    const log = openSync(logFile, 'a');
    const child = spawn(file, args, { env, cwd, uid, gid, stdio: ['ignore', log, log] });
    closeSync(log);
    const pid = child.pid;
    const end = new AbortController();
    child.once('error', () => end.abort());
    child.once('exit', () => {
      end.abort();
      if (current?.pid === pid) current = undefined;
    });
    child.unref(); // A forgotten service must not keep a test run from ending.
    current = pid === undefined ? undefined : identify(pid);
    const deadline = Date.now() + startTimeoutMs;
    while (pid !== undefined && !end.signal.aborted && Date.now() < deadline) {
      if (await plan.isReady(pid)) return;
      await delay(20);
    }
    throw new Error(`${plan.name} does not start:\n${readFileSync(logFile, 'utf8').slice(-2_000)}`);
  };

  const end = async (steps: readonly StopStep[]): Promise<void> => {
    if (current !== undefined) await endProcess(current, steps);
    current = undefined;
  };

  process.once('exit', endAtExit);
  const stop = async (): Promise<void> => {
    await end(plan.stopSteps);
    process.off('exit', endAtExit);
    rmSync(plan.folder, { recursive: true, force: true });
  };
  try {
    await start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    pid: () => current?.pid,
    kill9: async () => end([]),
    restart: async () => {
      await end(plan.stopSteps);
      await start();
    },
    stop,
  };
}
