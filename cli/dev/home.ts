/** The data folder of the embedded platform (`ADO_HOME`): what lies where, and the secrets that are made once. */
import { randomBytes } from 'node:crypto';
import { chmodSync, mkdirSync, readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { crc32 } from 'node:zlib';
import { findJson, writeFileAtomically, writeJson } from './json-file.ts';

/** The data folder: `ADO_HOME`, else `ado` in the user's data directory (XDG). Always absolute. */
export function findHome(env: NodeJS.ProcessEnv): string {
  if (isSet(env['ADO_HOME'])) return resolve(env['ADO_HOME']);
  const data = env['XDG_DATA_HOME'];
  return join(isSet(data) ? resolve(data) : join(userFolder(env), '.local', 'share'), 'ado');
}

/** The folder for programs that can be made again: `ADO_CACHE`, else `ado` in the user's cache directory (XDG). */
export function findCache(env: NodeJS.ProcessEnv): string {
  if (isSet(env['ADO_CACHE'])) return resolve(env['ADO_CACHE']);
  const cache = env['XDG_CACHE_HOME'];
  return join(isSet(cache) ? resolve(cache) : join(userFolder(env), '.cache'), 'ado');
}

function userFolder(env: NodeJS.ProcessEnv): string {
  return isSet(env['HOME']) ? env['HOME'] : homedir();
}

function isSet(value: string | undefined): value is string {
  return value !== undefined && value !== '';
}

/** The places inside a data folder. */
export interface HomeLayout {
  readonly root: string;
  readonly postgres: string;
  readonly redis: string;
  readonly temporal: string;
  readonly logs: string;
  readonly state: string;
  readonly supervisorLock: string;
  readonly credentials: string;
  readonly postgresPassword: string;
}

/** Says where things lie in a data folder; makes nothing. */
export function layOut(home: string): HomeLayout {
  return {
    root: home,
    postgres: join(home, 'postgres'),
    redis: join(home, 'redis'),
    temporal: join(home, 'temporal'),
    logs: join(home, 'logs'),
    state: join(home, 'run', 'state.json'),
    supervisorLock: join(home, 'run', 'supervisor.lock'),
    credentials: join(home, 'credentials.json'),
    postgresPassword: join(home, 'postgres-password'),
  };
}

/** Makes the data folder, readable by its owner only, because transcripts and secrets lie there. */
export function makeHome(home: string): HomeLayout {
  const layout = layOut(home);
  mkdirSync(home, { recursive: true, mode: 0o700 });
  chmodSync(home, 0o700);
  for (const folder of [layout.logs, join(home, 'run')])
    mkdirSync(folder, { recursive: true, mode: 0o700 });
  return layout;
}

/** Returns the local platform's API key, making it the first time. Kept in `credentials.json`, mode 0600. */
export function getLocalApiKey(home: string): string {
  const kept = findLocalApiKey(home);
  if (kept !== undefined) return kept;
  const apiKey = createLocalApiKey();
  writeJson(layOut(home).credentials, { apiKey });
  return apiKey;
}

/** Finds the local platform's API key; undefined before the first start. */
export function findLocalApiKey(home: string): string | undefined {
  const content = findJson(layOut(home).credentials);
  if (typeof content !== 'object' || content === null || !('apiKey' in content)) return undefined;
  return typeof content.apiKey === 'string' ? content.apiKey : undefined;
}

/**
 * Makes a key `ado_local_<id>_<secret><checksum>`: 22 and 43 characters of base 62 (131 and 256 bits), then six hex
 * digits of the CRC-32 of all that stands before, so that a mistyped key is told from an unknown one.
 */
export function createLocalApiKey(): string {
  const body = `ado_local_${randomWord(22)}_${randomWord(43)}`;
  return body + crc32(body).toString(16).padStart(8, '0').slice(0, 6);
}

/** Returns the password of the embedded PostgreSQL, making it the first time. Kept in a file of mode 0600. */
export function getPostgresPassword(home: string): string {
  const file = layOut(home).postgresPassword;
  try {
    const kept = readFileSync(file, 'utf8').trim();
    if (kept !== '') return kept;
  } catch {
    // Not made yet.
  }
  const password = randomWord(32);
  writeFileAtomically(file, `${password}\n`);
  return password;
}

const base62 = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** A random word of base 62; every letter is equally likely. */
function randomWord(length: number): string {
  let word = '';
  while (word.length < length) {
    for (const byte of randomBytes(length)) {
      if (byte < 248 && word.length < length) word += base62.charAt(byte % 62);
    }
  }
  return word;
}
