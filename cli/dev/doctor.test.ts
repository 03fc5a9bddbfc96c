import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { noSandbox } from '../../tests/support/no-sandbox.ts';
import { runDoctor } from './doctor.ts';
import { findOnPath } from './programs/run-program.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ado-doctor-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test('whatever is wrong comes with what to do, and nothing else does', async () => {
  const here = findOnPath('bwrap', process.env) === undefined ? [] : ['sandbox-bounds'];
  for (const [env, more] of [
    [{ ...process.env, ADO_HOME: home }, here],
    [{ PATH: '', ADO_HOME: home, HOME: home }, []],
  ] as const) {
    const checks = await runDoctor(env);

    expect(checks.map(({ name }) => name).sort()).toEqual([
      'data-folder',
      'disk',
      'git',
      'helm',
      'kubectl',
      'node',
      'ports',
      'postgres',
      'redis',
      'sandbox',
      ...more,
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

test('kubectl and helm are told with their versions, and none is missed', async () => {
  const find = async (path: string) => {
    const checks = await runDoctor({ PATH: path, ADO_HOME: home, HOME: home });
    return Object.fromEntries(
      checks
        .filter(({ name }) => name === 'kubectl' || name === 'helm')
        .map(({ name, ok, found }) => [name, { ok, found }]),
    );
  };
  const bin = mkdtempSync(join(home, 'bin-'));
  const answers = {
    kubectl: 'Client Version: v1.36.3\nKustomize Version: v5.8.1',
    helm: 'v4.2.3+g123abc4',
  };
  for (const [name, answer] of Object.entries(answers))
    writeFileSync(join(bin, name), `#!/bin/sh\necho '${answer}'\n`, { mode: 0o755 });

  expect(await find(bin)).toEqual({
    kubectl: { ok: true, found: '1.36.3' },
    helm: { ok: true, found: '4.2.3' },
  });

  writeFileSync(join(bin, 'helm'), '#!/bin/sh\nexit 3\n', { mode: 0o755 });
  expect((await find(bin))['helm']).toMatchObject({
    ok: true,
    found: expect.stringContaining('tells no version') as string,
  });
  expect(await find('')).toEqual({
    kubectl: { ok: true, found: expect.stringMatching(/^not found.*kubernetes\.io/) as string },
    helm: { ok: true, found: expect.stringMatching(/^not found.*helm\.sh/) as string },
  });
});

test('of the sandbox it tells what holds, and what got out', async () => {
  const sandboxWith = async (env: NodeJS.ProcessEnv) =>
    (await runDoctor({ ...process.env, ADO_HOME: home, ...env })).filter(({ name }) =>
      name.startsWith('sandbox'),
    );
  const bin = mkdtempSync(join(home, 'bin-'));
  writeFileSync(join(bin, 'bwrap'), noSandbox, { mode: 0o755 });

  const [leaky, ...more] = await sandboxWith({ PATH: `${bin}:${process.env['PATH'] ?? ''}` });
  expect(leaky?.found).toContain('system folders can be written to');
  expect(more).toEqual([]);

  if (findOnPath('bwrap', process.env) === undefined) return;
  const [holds, bounds] = await sandboxWith({ ADO_SANDBOX_PROCESSES: '333' });
  expect(holds?.found).toMatch(/^bubblewrap \d.*no probe got out/);
  expect(bounds?.found).toMatch(/^4096 MiB of memory, 333 processes, files of 4096 MiB, 3600 s/);
});

test('a data folder that cannot be made is told', async () => {
  const checks = await runDoctor({ ...process.env, ADO_HOME: '/proc/ado' });

  expect(checks.find(({ name }) => name === 'data-folder')).toMatchObject({ ok: false });
});
