/**
 * A program that uses up memory, processes, disk or time ends alone and says why; what stays below notices nothing.
 */
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { processesWith } from '../../support/process-table.ts';
import { createWorld, endWorlds } from './world.ts';

afterAll(endWorlds);

const mebibyte = 1_048_576;

test('a program that takes too much memory is ended, with all that it has started', async () => {
  const { prepare, sh } = createWorld({ limits: { memoryBytes: 400 * mebibyte } });
  const mark = `305.${process.pid}`;

  const ran = await sh(
    await prepare('task'),
    `sleep ${mark} & node -e "const kept = []; setInterval(() => kept.push(Buffer.alloc(20e6, 1)), 20)"`,
  );

  expect(ran).toMatchObject({ exitCode: undefined, timedOut: false, killedBy: 'memory' });
  expect(ran.stderr).toContain('more than 400 MiB of memory (ADO_SANDBOX_MEMORY_BYTES)');
  expect(processesWith(mark)).toEqual([]);
});

test.each(['/tmp', '~', '/dev/shm'])('files in %s are memory', async (folder) => {
  const { prepare, sh } = createWorld({ limits: { memoryBytes: 300 * mebibyte } });

  const ran = await sh(
    await prepare('task'),
    `head -c 400000000 /dev/zero > ${folder}/x; sleep 25`,
  );

  expect(ran).toMatchObject({ exitCode: undefined, killedBy: 'memory' });
});

test('memory that processes share counts once', async () => {
  const { prepare, sh } = createWorld({ limits: { memoryBytes: 400 * mebibyte } });

  // Eight processes that look at the same 100 MB.
  const ran = await sh(
    await prepare('task'),
    `perl -e '$kept = "x" x 100e6; for (1 .. 8) { fork or do { select undef, undef, undef, 2; exit } } 1 while wait > 0; print "done"'`,
  );

  expect(ran).toMatchObject({ exitCode: 0, stdout: 'done' });
});

test('a program that forks without end is ended', async () => {
  const { prepare, sh } = createWorld({ limits: { processes: 200 } });

  // One after another, and asleep: the machine has other tests to run.
  const ran = await sh(await prepare('task'), 'while :; do sleep 25 & done');

  expect(ran).toMatchObject({ exitCode: undefined, timedOut: false, killedBy: 'processes' });
  expect(ran.stderr).toContain('ADO_SANDBOX_PROCESSES');
});

test('no file grows beyond its limit', async () => {
  const { prepare, sh } = createWorld({ limits: { fileBytes: 10 * mebibyte } });
  const workspace = await prepare('task');

  const ran = await sh(workspace, 'head -c 10G /dev/zero > big');

  expect(ran.exitCode).not.toBe(0);
  expect(statSync(join(workspace.path, 'big')).size).toBe(10 * mebibyte);
});

test('a process has so much time of a processor and so many open files', async () => {
  const { prepare, sh } = createWorld({ limits: { cpuSeconds: 1, openFiles: 50 } });
  const workspace = await prepare('task');

  const busy = await sh(workspace, 'while :; do :; done');
  const files = await sh(workspace, 'ulimit -n 51 2>/dev/null || ulimit -n');

  expect(busy.exitCode).toBeGreaterThan(128);
  expect(busy.timedOut).toBe(false);
  expect(files.stdout).toBe('50\n');
});
