/** CPU time and memory of processes, read from /proc. */
import { readFileSync, readdirSync } from 'node:fs';

/** The kernel counts CPU time in hundredths of a second (`getconf CLK_TCK`). */
const tickMs = 10;

interface ProcessTimes {
  readonly parent: number;
  /** Of the process with all its threads, also ended ones. */
  readonly ownMs: number;
  /** Of children that have ended, with theirs. */
  readonly endedMs: number;
}

/** CPU time since a process began: its own, and that of all processes below it, ended or not. */
export interface CpuTimes {
  readonly ownMs: number;
  readonly childrenMs: number;
}

/** Reads the CPU times of a process and of those below it. */
export function readCpu(pid: number): CpuTimes {
  const all = readAll();
  const below = descendants(all, pid).flatMap((child) => all.get(child) ?? []);
  const self = all.get(pid);
  const childrenMs = below.reduce((sum, { ownMs, endedMs }) => sum + ownMs + endedMs, 0);
  return { ownMs: self?.ownMs ?? 0, childrenMs: (self?.endedMs ?? 0) + childrenMs };
}

/** Resident memory of a process and of those below it, in MB (2^20 bytes). */
export function readMemory(pid: number): number {
  const sizes = [pid, ...descendants(readAll(), pid)].map((each) => {
    const line = /^VmRSS:\s+(\d+) kB$/m.exec(readText(`/proc/${each}/status`));
    return Number(line?.[1] ?? 0);
  });
  return sizes.reduce((sum, size) => sum + size, 0) / 1_024;
}

/** CPU time that all processes of the machine have used since it was started, in ms; what a hypervisor took included. */
export function readMachineCpu(): number {
  const line = readText('/proc/stat').split('\n')[0] ?? '';
  const [user = 0, nice = 0, system = 0, , , interrupts = 0, softInterrupts = 0, stolen = 0] = line
    .split(/\s+/)
    .slice(1)
    .map(Number);
  return (user + nice + system + interrupts + softInterrupts + stolen) * tickMs;
}

function descendants(all: ReadonlyMap<number, ProcessTimes>, pid: number): number[] {
  const found = [pid];
  // Grows while it is walked.
  for (const parent of found) {
    for (const [child, times] of all) if (times.parent === parent) found.push(child);
  }
  return found.slice(1);
}

function readAll(): Map<number, ProcessTimes> {
  const times = new Map<number, ProcessTimes>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    // The program's name is in parentheses and may hold anything; what follows is numbers (proc(5)).
    const fields = readText(`/proc/${name}/stat`).split(') ').at(-1)?.split(' ').map(Number) ?? [];
    const [, parent, , , , , , , , , , user, system, endedUser, endedSystem] = fields;
    if (parent === undefined || endedSystem === undefined) continue;
    times.set(Number(name), {
      parent,
      ownMs: ((user ?? 0) + (system ?? 0)) * tickMs,
      endedMs: ((endedUser ?? 0) + endedSystem) * tickMs,
    });
  }
  return times;
}

/** Empty for a process that has ended meanwhile. */
function readText(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
