/** The log files of the parts: `logs/<part>.log`, written by the parts themselves, held to a bound by the supervisor. */
import {
  closeSync,
  copyFileSync,
  fstatSync,
  mkdirSync,
  openSync,
  readSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';
import { layOut } from './home.ts';

/** A file above this is put aside as `<part>.log.1`, so a part's logs take at most twice as much. */
const maxSizeBytes = 16 * 1024 * 1024;

/** The path of a part's log file. */
export function logFile(home: string, name: string): string {
  return join(layOut(home).logs, `${name}.log`);
}

/** Opens a log for appending, made if need be, and cut to its bound. Returns a file descriptor for the caller to close. */
export function openLog(home: string, name: string): number {
  mkdirSync(layOut(home).logs, { recursive: true, mode: 0o700 });
  boundLog(home, name);
  return openSync(logFile(home, name), 'a', 0o600);
}

/**
 * Puts a log aside when it is over its bound. The file is copied and emptied, not moved: the part that writes it keeps
 * its descriptor, and because that appends, it goes on at the new end.
 */
export function boundLog(home: string, name: string): void {
  const file = logFile(home, name);
  if (sizeOf(file) <= maxSizeBytes) return;
  copyFileSync(file, `${file}.1`);
  truncateSync(file);
}

function sizeOf(file: string): number {
  try {
    return statSync(file).size;
  } catch {
    return 0;
  }
}

/** The size of a log now: a mark from which its tail can be read later. */
export function logSize(home: string, name: string): number {
  return sizeOf(logFile(home, name));
}

const tailLines = 15;
const tailBytes = 64 * 1024;

/** Reads the last lines that were written to a log after a mark; empty when there are none. */
export function readLogTail(home: string, name: string, mark: number): string {
  let descriptor: number;
  try {
    descriptor = openSync(logFile(home, name), 'r');
  } catch {
    return '';
  }
  try {
    const { size } = fstatSync(descriptor);
    // A log that was cut to its bound meanwhile is shorter than the mark: then all of it is new.
    const start = Math.max(mark <= size ? mark : 0, size - tailBytes);
    const buffer = Buffer.alloc(size - start);
    readSync(descriptor, buffer, 0, buffer.length, start);
    return buffer.toString('utf8').trimEnd().split('\n').slice(-tailLines).join('\n');
  } finally {
    closeSync(descriptor);
  }
}
