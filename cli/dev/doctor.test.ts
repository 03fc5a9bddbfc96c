import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { runDoctor } from './doctor.ts';

// Every program is asked for its version, which takes seconds on a machine that is busy with other tests.
jest.setTimeout(60_000);

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ado-doctor-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test('whatever is wrong comes with what to do, and nothing else does', async () => {
  for (const env of [
    { ...process.env, ADO_HOME: home },
    { PATH: '', ADO_HOME: home, HOME: home },
  ]) {
    const checks = await runDoctor(env);

    expect(checks.map(({ name }) => name).sort()).toEqual([
      'data-folder',
      'disk',
      'git',
      'node',
      'ports',
      'postgres',
      'redis',
      'sandbox',
      'temporal',
    ]);
    for (const { ok, fix } of checks) expect(fix === '').toBe(ok);
  }
});

test('what is missing on PATH is named with the line that installs it', async () => {
  const checks = await runDoctor({ PATH: '', ADO_HOME: home, HOME: home });

  const redis = checks.find(({ name }) => name === 'redis');
  expect(redis).toMatchObject({ ok: false, found: 'not found' });
  expect(redis?.fix).toMatch(/redis|valkey/i);
});

test('parts that run elsewhere are not looked for', async () => {
  const elsewhere = {
    DATABASE_URL: 'postgres://db',
    REDIS_URL: 'redis://r',
    TEMPORAL_ADDRESS: 't:7233',
  };

  const checks = await runDoctor({ PATH: '', ADO_HOME: home, HOME: home, ...elsewhere });

  const found = checks.filter(({ found }) => found.startsWith('runs elsewhere'));
  expect(found.map(({ name }) => name)).toEqual(['postgres', 'redis', 'temporal']);
});

test('a data folder that cannot be made is told', async () => {
  const checks = await runDoctor({ ...process.env, ADO_HOME: '/proc/ado' });

  expect(checks.find(({ name }) => name === 'data-folder')).toMatchObject({ ok: false });
});
