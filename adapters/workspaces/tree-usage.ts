/** What trees of processes use of the machine, as /proc tells it. */
import { readdirSync, readFileSync, statfsSync } from 'node:fs';

/** Bounds of a tree; what is above them has to end. */
export interface TreeLimits {
  readonly memoryBytes: number;
  readonly processes: number;
  /** Paths inside of file systems that are in memory: what lies there counts. */
  readonly memoryFolders: readonly string[];
}

interface ProcessUsage {
  readonly pid: number;
  readonly parent: number;
  readonly threads: number;
  /** Pages that others have too count in full. */
  readonly residentBytes: number;
}

const tmpfsType = 0x01021994;

/** The usual wait between two looks. */
const lookMs = 250;
/** The longest: so long may a tree be above its bounds. */
const rarestLookMs = 2_000;
const lookShare = 20;

/**
 * How long to wait until the next look. A look takes some 25 µs for each process of the machine; where that is much, looks
 * are rarer, so that they take no more than a twentieth of one processor, up to two seconds. It goes by processor time: a
 * busy machine makes a look last long and none of it dearer, and is where bounds matter most.
 */
export function waitAfterLookMs(cpuMs: number): number {
  return Math.min(Math.max(lookMs, lookShare * cpuMs), rarestLookMs);
}

/** All processes of the machine by their parents: one look serves all trees. */
export function lookAtProcesses(): ReadonlyMap<number, readonly ProcessUsage[]> {
  const children = new Map<number, ProcessUsage[]>();
  for (const name of readdirSync('/proc')) {
    if (!/^\d+$/.test(name)) continue;
    const usage = usageOf(Number(name));
    const siblings = children.get(usage.parent) ?? [];
    siblings.push(usage);
    children.set(usage.parent, siblings);
  }
  return children;
}

/** One that has ended uses nothing. */
function usageOf(pid: number): ProcessUsage {
  const status = textOf(`/proc/${pid}/status`);
  const valueOf = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  const [parent, threads] = [valueOf('PPid'), valueOf('Threads')];
  return { pid, parent, threads, residentBytes: valueOf('VmRSS') * 1_024 };
}

/** Which bound the tree of a sandbox's first process is above; undefined when none. */
export function exceededBy(
  firstPid: number,
  processes: ReturnType<typeof lookAtProcesses>,
  limits: TreeLimits,
): 'memory' | 'processes' | undefined {
  const tree = [...(processes.get(firstPid) ?? [])];
  // Grows while it is walked.
  for (const { pid } of tree) tree.push(...(processes.get(pid) ?? []));
  // The kernel lets nobody above the bound where it counts itself: at the bound is as good as above.
  if (sum(tree.map(({ threads }) => threads)) >= limits.processes) return 'processes';

  const kept = keptBytes(firstPid, limits.memoryFolders);
  if (kept + sum(tree.map(({ residentBytes }) => residentBytes)) <= limits.memoryBytes)
    return undefined;
  // The exact figure, where a page of many has one share each, takes the kernel milliseconds.
  const exact = sum(tree.map(({ pid }) => sharedBytes(pid) ?? usageOf(pid).residentBytes));
  return kept + exact > limits.memoryBytes ? 'memory' : undefined;
}

/** undefined when the kernel does not tell, or the process has ended since it was looked at. */
function sharedBytes(pid: number): number | undefined {
  const kilobytes = /^Pss:\s+(\d+)/m.exec(textOf(`/proc/${pid}/smaps_rollup`))?.[1];
  return kilobytes === undefined ? undefined : Number(kilobytes) * 1_024;
}

/** What lies in files that are in memory. */
function keptBytes(firstPid: number, memoryFolders: readonly string[]): number {
  return sum(
    memoryFolders.map((folder) => {
      try {
        const { type, blocks, bfree, bsize } = statfsSync(`/proc/${firstPid}/root${folder}`);
        return type === tmpfsType ? (blocks - bfree) * bsize : 0;
      } catch {
        return 0; // It has ended, or may not be looked into.
      }
    }),
  );
}

function textOf(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return ''; // It has ended.
  }
}

function sum(values: readonly number[]): number {
  return values.reduce((total, value) => total + value, 0);
}
