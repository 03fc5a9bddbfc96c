import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  createLocalApiKey,
  findCache,
  findHome,
  getLocalApiKey,
  getPostgresPassword,
  layOut,
  makeHome,
} from './home.ts';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'ado-home-'));
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

test.each([
  [{ ADO_HOME: '/data/ado', XDG_DATA_HOME: '/xdg', HOME: '/home/you' }, '/data/ado'],
  [{ ADO_HOME: '', XDG_DATA_HOME: '/xdg', HOME: '/home/you' }, '/xdg/ado'],
  [{ HOME: '/home/you' }, '/home/you/.local/share/ado'],
])('the data folder follows from %p', (env, folder) => {
  expect(findHome(env)).toBe(folder);
});

test.each([
  [{ ADO_CACHE: '/cache', HOME: '/home/you' }, '/cache'],
  [{ XDG_CACHE_HOME: '/xdg', HOME: '/home/you' }, '/xdg/ado'],
  [{ HOME: '/home/you' }, '/home/you/.cache/ado'],
])('the cache folder follows from %p', (env, folder) => {
  expect(findCache(env)).toBe(folder);
});

test('a local key carries a checksum of all that stands before it', () => {
  const key = createLocalApiKey();

  expect(key).toMatch(/^ado_local_[0-9A-Za-z]{22}_[0-9A-Za-z]{43}[0-9a-f]{6}$/);
  const checksum = crc32(key.slice(0, -6)).toString(16).padStart(8, '0');
  expect(key.slice(-6)).toBe(checksum.slice(0, 6));
});

test('the local key and the password are made once, for their owner only', () => {
  const secrets = [getLocalApiKey(home), getPostgresPassword(home)];

  expect([getLocalApiKey(home), getPostgresPassword(home)]).toEqual(secrets);
  const { credentials, postgresPassword } = layOut(home);
  for (const file of [credentials, postgresPassword])
    expect(statSync(file).mode & 0o777).toBe(0o600);
});

test('a data folder is closed to other users', () => {
  makeHome(home);

  expect(statSync(home).mode & 0o777).toBe(0o700);
});
