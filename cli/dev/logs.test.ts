import {
  closeSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { boundLog, logFile, logSize, openLog, readLogTail } from './logs.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ado-logs-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

function append(text: string): void {
  const log = openLog(home, 'api');
  writeSync(log, text);
  closeSync(log);
}

test('the tail of a log is what was written after the mark, at most its last lines', () => {
  append('of an earlier start\n');
  const mark = logSize(home, 'api');
  append(Array.from({ length: 20 }, (_, place) => `line ${place}\n`).join(''));

  const lines = readLogTail(home, 'api', mark).split('\n');

  expect(lines).toHaveLength(15);
  expect(lines.at(-1)).toBe('line 19');
  expect(readLogTail(home, 'api', logSize(home, 'api'))).toBe('');
  expect(readLogTail(home, 'worker', 0)).toBe('');
});

test('a log over its bound is put aside while it is written, and the writer goes on in the emptied file', () => {
  append('old\n');
  truncateSync(logFile(home, 'api'), 17 * 1024 * 1024);
  const log = openLog(home, 'worker');
  closeSync(log);
  const writer = openLog(home, 'api');
  writeSync(writer, 'new\n');
  closeSync(writer);

  expect(statSync(`${logFile(home, 'api')}.1`).size).toBe(17 * 1024 * 1024);
  expect(readFileSync(logFile(home, 'api'), 'utf8')).toBe('new\n');
});

test('a log below its bound is left alone', () => {
  append('kept\n');

  boundLog(home, 'api');

  expect(readFileSync(logFile(home, 'api'), 'utf8')).toBe('kept\n');
});
