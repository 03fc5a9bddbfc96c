/** What the program of one sandbox, with all that it starts, may use of the machine. */
export interface SandboxLimits {
  /** Of the whole tree of processes and of what it keeps in /tmp and its home. */
  readonly memoryBytes: number;
  /** Of the whole tree; a thread counts as one. */
  readonly processes: number;
  /** Of each file. */
  readonly fileBytes: number;
  /** Of each process. */
  readonly cpuSeconds: number;
  /** Of each process. */
  readonly openFiles: number;
}

/** Room for a compiler, a test runner and an agent of a large repository; far below what stops a machine. */
export const defaultSandboxLimits: SandboxLimits = {
  memoryBytes: 4 * 1024 ** 3,
  processes: 4_096,
  fileBytes: 4 * 1024 ** 3,
  cpuSeconds: 3_600,
  openFiles: 65_536,
};
