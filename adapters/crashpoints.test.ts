import { execFile } from 'node:child_process';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { createCrashPoint } from './crashpoints.ts';

describe('a crash point', () => {
  let markers: string;
  beforeEach(async () => {
    markers = await mkdtemp(join(tmpdir(), 'ado-crashpoints-'));
  });
  afterEach(() => rm(markers, { recursive: true }));

  test('acts on its first hits only, also after a restart', async () => {
    const specification = 'git.afterRef.beforeReturn=throw*2';
    const before = createCrashPoint(specification, markers);
    await expect(before('git.afterRef.beforeReturn')).rejects.toThrow(
      'crash point git.afterRef.beforeReturn',
    );

    const after = createCrashPoint(specification, markers);

    await expect(after('git.afterRef.beforeReturn')).rejects.toThrow();
    await after('git.afterRef.beforeReturn');
    expect((await readdir(markers)).sort()).toEqual([
      'git.afterRef.beforeReturn.1',
      'git.afterRef.beforeReturn.2',
    ]);
  });

  test('does nothing at other places, and nothing at all when none is armed', async () => {
    await createCrashPoint(
      'llm.afterLedger.beforeReturn=throw',
      markers,
    )('git.afterRef.beforeReturn');
    await createCrashPoint(undefined, markers)('llm.afterLedger.beforeReturn');

    expect(await readdir(markers)).toEqual([]);
  });

  test('kills the process as kill -9 does', async () => {
    const program = `
      import { createCrashPoint } from ${JSON.stringify(join(import.meta.dirname, 'crashpoints.ts'))};
      await createCrashPoint('tool.afterExit.beforeSnapshot=kill9', ${JSON.stringify(markers)})('tool.afterExit.beforeSnapshot');
      process.stdout.write('survived');
    `;

    const dying = promisify(execFile)(process.execPath, ['--input-type=module', '-e', program]);

    await expect(dying).rejects.toMatchObject({ signal: 'SIGKILL', stdout: '' });
    expect(await readdir(markers)).toEqual(['tool.afterExit.beforeSnapshot.1']);
  });

  test('waits as long as it is told', async () => {
    const began = performance.now();

    await createCrashPoint(
      'outbox.afterPublish.beforeMark=sleep:50',
      markers,
    )('outbox.afterPublish.beforeMark');

    expect(performance.now() - began).toBeGreaterThan(45);
  });

  test.each([
    ['no.such.place=kill9', 'no crash point "no.such.place"'],
    ['git.afterRef.beforeReturn=explode', 'is not name='],
    ['git.afterRef.beforeReturn', 'is not name='],
  ])('refuses %s', (specification, message) => {
    expect(() => createCrashPoint(specification, markers)).toThrow(message);
  });
});
