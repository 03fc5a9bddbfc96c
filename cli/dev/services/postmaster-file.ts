/**
 * `postmaster.pid`, the file in which a PostgreSQL server says who it is and how far it has come. Lines: pid · data
 * folder · start (seconds since 1970) · port · socket folder · address · shared memory key and id · status. (Source:
 * PostgreSQL's miscinit.c, `AddToDataDirLockFile`; `pg_ctl -w` waits for the same status.)
 */
import { readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { findStartTime } from '../processes.ts';

interface PostmasterFile {
  readonly pid: number;
  readonly sharedMemoryId: string | undefined;
  readonly status: string;
}

function findPostmasterFile(data: string): PostmasterFile | undefined {
  let lines: string[];
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n');
  } catch {
    return undefined;
  }
  return {
    pid: Number(lines[0]),
    sharedMemoryId: /^\s*\d+\s+(\d+)/.exec(lines[6] ?? '')?.[1],
    status: (lines[7] ?? '').trim(),
  };
}

/** Answers whether the server with this pid accepts connections, as it says itself. */
export function isPostmasterReady(data: string, pid: number): boolean {
  const file = findPostmasterFile(data);
  return file?.pid === pid && file.status === 'ready';
}

/** Sessions notice the death of their server within milliseconds, unless they are deep in a computation. */
const politeWaitMs = 200;

/**
 * Clears what a killed server left: waits for its sessions, which still hold the shared memory and would make the next
 * server refuse to start, ends those that do not go by themselves (their transactions are void: nobody can commit them
 * any more), and removes the file of a server whose pid may belong to somebody else by now. Leaves a living server alone.
 */
export async function clearDeadPostmaster(data: string): Promise<void> {
  const file = findPostmasterFile(data);
  if (file === undefined || isServerAlive(file)) return;
  if (file.sharedMemoryId !== undefined) await waitForSessions(file.sharedMemoryId);
  rmSync(join(data, 'postmaster.pid'), { force: true });
}

/** A living process with that pid is the server only if it holds the server's memory; else the pid was given away. */
function isServerAlive(file: PostmasterFile): boolean {
  if (findStartTime(file.pid) === undefined) return false;
  if (process.platform !== 'linux' || file.sharedMemoryId === undefined) return true;
  return listHolders(file.sharedMemoryId).includes(file.pid);
}

async function waitForSessions(sharedMemoryId: string): Promise<void> {
  const startedAt = Date.now();
  for (let ended = false; Date.now() - startedAt < 10_000;) {
    const holders = listHolders(sharedMemoryId);
    if (holders.length === 0) return;
    if (!ended && Date.now() - startedAt >= politeWaitMs) {
      for (const pid of holders) endSession(pid);
      ended = true;
    }
    await delay(10);
  }
}

/** The processes that have a System V shared memory segment attached: it stands in their maps with its id as inode. */
function listHolders(sharedMemoryId: string): number[] {
  const segment = new RegExp(`\\s${sharedMemoryId}\\s+/SYSV[0-9a-f]{8}`);
  if (process.platform !== 'linux') return [];
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        return segment.test(readFileSync(`/proc/${String(pid)}/maps`, 'utf8'));
      } catch {
        return false; // Gone, or another user's, which cannot be a session of ours.
      }
    });
}

function endSession(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // Gone meanwhile.
  }
}
