import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findLockHolder, lock, tryLock } from './lock.ts';
import { identify } from './processes.ts';

let folder: string;
let path: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ado-lock-'));
  path = join(folder, 'a.lock');
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

test('a lock that is held is refused, and its holder is named', () => {
  const first = tryLock(path);
  const second = tryLock(path);

  expect(first.held).toBe(true);
  expect(second).toMatchObject({ held: false, holder: { pid: process.pid } });
});

test('a released lock can be taken again and leaves no file behind', () => {
  const first = tryLock(path);
  if (first.held) first.release();

  expect(readdirSync(folder)).toEqual([]);
  expect(tryLock(path).held).toBe(true);
});

test('a lock whose holder was killed is taken over', async () => {
  const holder = spawn('sleep', ['60']);
  writeFileSync(path, JSON.stringify(identify(holder.pid ?? 0)));
  expect(tryLock(path).held).toBe(false);
  holder.kill('SIGKILL');
  await once(holder, 'exit');

  expect(findLockHolder(path)).toBeUndefined();
  expect(tryLock(path).held).toBe(true);
});

test('a pid that was given to another process does not hold the lock', () => {
  writeFileSync(path, JSON.stringify({ pid: process.pid, startTime: 'of an earlier process' }));

  expect(tryLock(path).held).toBe(true);
});

test('a file that is no lock is replaced', () => {
  writeFileSync(path, 'torn');

  expect(tryLock(path).held).toBe(true);
});

test('whoever waits for a lock is told once for whom, and gets it when it is free', async () => {
  const holder = spawn('sleep', ['60']);
  writeFileSync(path, JSON.stringify(identify(holder.pid ?? 0)));
  const told: number[] = [];
  const waiting = lock(path, ({ pid }) => {
    told.push(pid);
    holder.kill('SIGKILL');
  });

  (await waiting).release();
  expect(told).toEqual([holder.pid]);
});
