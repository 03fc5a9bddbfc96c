import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { temporalVersions } from '../versions.ts';
import { findTemporalCli, parseTemporalVersion, temporalCache } from './temporal.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ado-temporal-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true });
});

function install(path: string, version: string): void {
  mkdirSync(join(path, '..'), { recursive: true });
  writeFileSync(path, `#!/bin/sh\necho 'temporal version ${version}'\n`);
  chmodSync(path, 0o755);
}

test.each([
  ['1.8.2 (Server 1.31.2, UI 2.50.1)', '1.31.2'],
  ['1.8.0 (Server 1.31.0, UI 2.49.0)', '1.31.0'],
  ['0.0.0-DEV (Server 1.31.2, UI 2.50.1)', '1.31.2'],
])('temporal %s is new enough', (version, server) => {
  expect(parseTemporalVersion(`temporal version ${version}\n`)?.server).toBe(server);
});

test.each([
  '1.7.9 (Server 1.30.0, UI 2.40.0)',
  '0.0.0-DEV (Server 1.29.1, UI 2.40.0)',
  'tctl 1.18',
])('temporal %s is not', (version) => {
  expect(parseTemporalVersion(`temporal version ${version}\n`)).toBeUndefined();
});

test('the command on PATH comes before the cache, unless it is too old', async () => {
  const env = { PATH: join(folder, 'bin'), ADO_CACHE: join(folder, 'cache') };
  const onPath = join(folder, 'bin', 'temporal');
  const cached = join(temporalCache(env), 'temporal');
  expect(await findTemporalCli(env)).toBeUndefined();
  install(cached, 'never asked');
  install(onPath, '1.7.0 (Server 1.30.0, UI 2.40.0)');

  expect(await findTemporalCli(env)).toEqual({
    file: cached,
    server: temporalVersions.server,
    ui: temporalVersions.ui,
  });

  install(onPath, '1.8.9 (Server 1.31.9, UI 2.50.9)');
  expect(await findTemporalCli(env)).toEqual({ file: onPath, server: '1.31.9', ui: '2.50.9' });
});
