/** What the worker and its launcher say to each other. */

import type { TreeLimit } from './limits.ts';
import type { TreeLimits } from './tree-usage.ts';

/** Asks the launcher to start a program. */
export interface StartMessage {
  readonly op: 'start';
  readonly id: number;
  readonly file: string;
  readonly args: readonly string[];
  readonly cwd: string | undefined;
  /** The whole environment; undefined: that of the worker. */
  readonly env: Readonly<Record<string, string>> | undefined;
  /** Bytes to read on standard input; undefined: it is closed. */
  readonly stdin: Uint8Array | undefined;
  /** A new file that takes standard output instead of the worker. */
  readonly stdoutFile: string | undefined;
  /** Bytes to read on file descriptor 3; descriptor 4 is then open for writing. */
  readonly fd3: Uint8Array | undefined;
  /** With `fd3`: bytes to read on file descriptor 5. */
  readonly fd5: Uint8Array | undefined;
  /** With `fd3`: bounds of all that runs in the sandbox. */
  readonly limits: TreeLimits | undefined;
  /** Ends the whole process group together with the program, and with the worker. */
  readonly ownsGroup: boolean;
}

/** Asks the launcher to send a signal to a program's process group. */
export interface KillMessage {
  readonly op: 'kill';
  readonly id: number;
  readonly signal: 'SIGTERM' | 'SIGKILL';
}

/** What the worker says. */
export type LauncherRequest = StartMessage | KillMessage;

/** What the launcher says. */
export type LauncherReply =
  | {
      readonly event: 'output';
      readonly id: number;
      readonly stream: 'stdout' | 'stderr' | 'fd4';
      readonly bytes: Uint8Array;
    }
  | {
      readonly event: 'exit';
      readonly id: number;
      readonly exitCode: number | null;
      /** The bound that it was ended at. */
      readonly killedBy: TreeLimit | undefined;
    }
  /** The program could not be started. */
  | { readonly event: 'failed'; readonly id: number; readonly code: string };
