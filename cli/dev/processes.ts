/**
 * Processes as the operating system sees them. A process is named by its pid *and* its start time, because pids are
 * used again: nothing here ever looks for a process by its name, and nothing is signalled that was not identified.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, readdirSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { systemCodeOf } from './error-text.ts';

/** One process of this machine, for as long as it lives; a later process with the same pid has another start time. */
export interface ProcessIdentity {
  readonly pid: number;
  /** Linux: boot id and clock ticks since boot. Elsewhere what `ps` calls the start. Compared, never parsed. */
  readonly startTime: string;
}

interface ProcStat {
  readonly state: string;
  readonly processGroup: number;
  readonly startTicks: string;
}

function readProcStat(pid: number): ProcStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${String(pid)}/stat`, 'utf8');
  } catch {
    return undefined;
  }
  // The second field is the program's name in parentheses and may hold spaces and parentheses itself.
  const fields = text.slice(text.lastIndexOf(')') + 2).split(' ');
  return {
    state: fields[0] ?? '',
    processGroup: Number(fields[2]),
    startTicks: fields[19] ?? '',
  };
}

const hasProc = process.platform === 'linux';
let bootId: string | undefined;

function readBootId(): string {
  bootId ??= readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  return bootId;
}

/** Finds the start time of a live process; undefined when there is none with this pid. A zombie counts as gone. */
export function findStartTime(pid: number): string | undefined {
  if (hasProc) {
    const stat = readProcStat(pid);
    if (stat === undefined || stat.state === 'Z' || stat.state === 'X') return undefined;
    return `${readBootId()}/${stat.startTicks}`;
  }
  try {
    const started = execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    }).trim();
    return started === '' ? undefined : started;
  } catch {
    return undefined;
  }
}

/** Identifies a live process. Undefined when it is gone already. */
export function identify(pid: number): ProcessIdentity | undefined {
  const startTime = findStartTime(pid);
  return startTime === undefined ? undefined : { pid, startTime };
}

/** Answers whether exactly this process still lives. */
export function isAlive(identity: ProcessIdentity): boolean {
  return findStartTime(identity.pid) === identity.startTime;
}

/** Sends a signal to exactly this process; false when it is gone. */
export function signalProcess(identity: ProcessIdentity, signal: NodeJS.Signals): boolean {
  if (!isAlive(identity)) return false;
  return sendSignal(identity.pid, signal);
}

function sendSignal(target: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(target, signal);
    return true;
  } catch (error) {
    // EPERM: what runs there belongs to somebody else, so it is none of ours.
    if (['ESRCH', 'EPERM'].includes(systemCodeOf(error) ?? '')) return false;
    throw error;
  }
}

/** Lists the live members of a process group. Empty where there is no /proc. */
function listGroup(processGroup: number): number[] {
  if (!hasProc) return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const stat = readProcStat(pid);
      return stat !== undefined && stat.processGroup === processGroup && stat.state !== 'Z';
    });
}

/**
 * Ends what a part left behind in its process group, of which it was the leader, after it has died itself. The kernel
 * gives a pid to nobody while a group of that number has members, so the members are the part's own children.
 */
export function endOrphans(leader: ProcessIdentity): void {
  if (findStartTime(leader.pid) !== undefined) return; // Alive, or the number belongs to somebody else by now.
  if (hasProc && !leader.startTime.startsWith(readBootId())) return;
  if (hasProc && listGroup(leader.pid).length === 0) return;
  sendSignal(-leader.pid, 'SIGKILL');
}

/** Waits until a process is gone; false when it still lives after the time given. */
export async function waitUntilGone(
  identity: ProcessIdentity,
  timeoutMs: number,
): Promise<boolean> {
  const deadline = Date.now() + timeoutMs;
  while (isAlive(identity)) {
    if (Date.now() >= deadline) return false;
    await delay(20);
  }
  return true;
}

/**
 * Waits until ended processes have left the process table too. Orphans do so when init has looked at them, which
 * takes some inits seconds, and never happens in a container whose first program is none: hence the limit.
 */
export async function waitUntilReaped(
  identities: readonly ProcessIdentity[],
  timeoutMs = 4_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (identities.some(isInProcessTable) && Date.now() < deadline) await delay(20);
}

function isInProcessTable({ pid, startTime }: ProcessIdentity): boolean {
  const stat = hasProc ? readProcStat(pid) : undefined;
  return stat !== undefined && startTime === `${readBootId()}/${stat.startTicks}`;
}

/** One step of ending a process: a signal, and how long it has to act on it. */
export interface StopStep {
  readonly signal: NodeJS.Signals;
  readonly graceMs: number;
}

/** Ends a process politely, then less so: each step's signal and grace, at last SIGKILL; then its orphans. */
export async function endProcess(
  identity: ProcessIdentity,
  steps: readonly StopStep[],
): Promise<void> {
  for (const step of [...steps, { signal: 'SIGKILL', graceMs: 5_000 } as const]) {
    if (!signalProcess(identity, step.signal)) break;
    if (await waitUntilGone(identity, step.graceMs)) break;
  }
  endOrphans(identity);
}
