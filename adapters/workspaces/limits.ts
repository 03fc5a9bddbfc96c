/**
 * How a program in the sandbox is kept from using up the machine. The kernel holds what it counts by process (size of
 * files, time, open files) and, unless the worker is root, the number of processes; memory and processes of the whole tree
 * are watched by the launcher (tree-usage.ts). Where the worker is root only the launcher counts processes, and a program
 * whose every process forks has thousands before it looks: for some seconds the machine is slow.
 */
import type { SandboxLimits } from '../../config/sandbox-limits.ts';

/** Which limit of the whole tree ended a program. */
export type TreeLimit = 'memory' | 'processes';

/**
 * Sets limits that its children inherit and cannot raise, then becomes the program. Shells name the number of processes
 * by different letters; where fewer files may be open already, it stays so.
 */
const script = [
  'ulimit -c 0',
  'ulimit -f "$1"',
  'ulimit -t "$2"',
  'ulimit -n "$3" 2>/dev/null',
  'ulimit -u "$4" 2>/dev/null || ulimit -p "$4" 2>/dev/null',
  'shift 4',
  'exec "$@"',
].join('; ');

/** `ulimit -f` counts blocks of 512 bytes. */
const blockBytes = 512;

/** The words that start a program with its limits. */
export function limited(argv: readonly string[], limits: SandboxLimits): string[] {
  const { fileBytes, cpuSeconds, openFiles, processes } = limits;
  const values = [Math.floor(fileBytes / blockBytes), cpuSeconds, openFiles, processes];
  return ['/bin/sh', '-c', script, 'ado', ...values.map(String), ...argv];
}

/** What a person reads at the end of the output of a program that was ended. */
export function explain(limit: TreeLimit, limits: SandboxLimits): string {
  return limit === 'memory'
    ? `ado: ended, as it used more than ${Math.floor(limits.memoryBytes / 1_048_576)} MiB of memory (ADO_SANDBOX_MEMORY_BYTES)\n`
    : `ado: ended, as it had more than ${limits.processes} processes and threads (ADO_SANDBOX_PROCESSES)\n`;
}
