import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { findDataMajor, listPostgresFolders } from './postgres.ts';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'ado-postgres-'));
});
afterEach(() => {
  rmSync(root, { recursive: true });
});

function install(folder: string, programs = ['postgres', 'initdb']): string {
  const path = join(root, folder);
  mkdirSync(path, { recursive: true });
  for (const name of programs) {
    writeFileSync(join(path, name), '#!/bin/sh\n');
    chmodSync(join(path, name), 0o755);
  }
  return path;
}

test('PATH comes first, then the newest of the usual folders, by number and not by letter', () => {
  const onPath = install('custom/bin');
  const old = install('lib/9.6/bin');
  const newest = install('lib/17/bin');

  const folders = listPostgresFolders({ PATH: onPath }, [`${root}/lib/*/bin`]);

  expect(folders).toEqual([onPath, newest, old]);
});

test('a folder without initdb is passed over: a client package alone does not serve', () => {
  install('lib/16/bin', ['postgres']);
  const whole = install('alpine/postgresql15');

  const usual = [`${root}/lib/*/bin`, `${root}/alpine/postgresql*`, `${root}/nowhere/*/bin`];
  expect(listPostgresFolders({ PATH: '' }, usual)).toEqual([whole]);
});

test('the version that wrote a data folder is read from it', () => {
  writeFileSync(join(root, 'PG_VERSION'), '15\n');

  expect(findDataMajor(root)).toBe('15');
  expect(findDataMajor(join(root, 'missing'))).toBeUndefined();
});
