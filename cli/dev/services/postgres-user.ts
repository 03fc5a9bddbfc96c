/**
 * PostgreSQL refuses to run as root. As root it is started inside a user namespace in which root's id reads as an
 * ordinary user's: `unshare` (util-linux ≥ 2.38) makes it and then *becomes* PostgreSQL, so there is no process more,
 * data stays root's own, and it works below folders that no other user may enter. Where namespaces are closed, it runs
 * as an ordinary user to whom its data folder is given.
 */
import { chmodSync, chownSync, readFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../contracts/errors.ts';
import { findOnPath, runProgram } from '../programs/run-program.ts';

/** An ordinary user of this system. */
interface User {
  readonly uid: number;
  readonly gid: number;
}

/** How PostgreSQL's programs are started here. */
export type PostgresUser =
  | { readonly kind: 'self' }
  | { readonly kind: 'mapped'; readonly unshare: string; readonly user: User }
  | { readonly kind: 'other'; readonly user: User };

/** A program and its arguments, and who it runs as. */
export interface PostgresCommand {
  readonly file: string;
  readonly args: readonly string[];
  readonly uid?: number;
  readonly gid?: number;
}

/**
 * Finds a way to run PostgreSQL on data below this folder, which exists. When it has to be another user, the folder is
 * opened for entering (mode 0711), not for reading.
 * @throws PART_FAILED when this is root and neither way works
 */
export async function choosePostgresUser(
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<PostgresUser> {
  if (process.getuid?.() !== 0) return { kind: 'self' };
  const user = findOrdinaryUser();
  const unshare = findOnPath('unshare', env);
  if (unshare !== undefined) {
    const mapped: PostgresUser = { kind: 'mapped', unshare, user };
    if (await canWrite(mapped, folder, env)) return mapped;
  }
  const other: PostgresUser = { kind: 'other', user };
  chmodSync(folder, 0o711);
  if (await canEnter(other, folder, env)) return other;
  throw new AppError(
    'PART_FAILED',
    `PostgreSQL does not run as root, user namespaces are closed here, and an ordinary user (uid ${String(user.uid)}) ` +
      `may not enter ${folder}. Run ado as an ordinary user, set ADO_HOME to a folder all may enter, or set DATABASE_URL.`,
  );
}

/** The command that runs a program that way. */
export function asPostgresUser(
  way: PostgresUser,
  file: string,
  args: readonly string[],
): PostgresCommand {
  switch (way.kind) {
    case 'self':
      return { file, args };
    case 'mapped': {
      const ids = [`--map-user=${String(way.user.uid)}`, `--map-group=${String(way.user.gid)}`];
      return { file: way.unshare, args: ['--user', ...ids, '--', file, ...args] };
    }
    case 'other':
      return { file, args, uid: way.user.uid, gid: way.user.gid };
  }
}

/** Gives files to the user PostgreSQL runs as, where that is another one. */
export function giveToPostgresUser(way: PostgresUser, path: string): void {
  if (way.kind !== 'other') return;
  chownSync(path, way.user.uid, way.user.gid);
  for (const entry of listFolder(path)) giveToPostgresUser(way, join(path, entry));
}

function listFolder(path: string): string[] {
  try {
    return readdirSync(path);
  } catch {
    return []; // A file.
  }
}

/** `initdb` looks its user's name up, so it has to be one that /etc/passwd knows. */
function findOrdinaryUser(): User {
  const lines = readFileSync('/etc/passwd', 'utf8')
    .split('\n')
    .map((line) => line.split(':'));
  for (const name of ['postgres', 'nobody']) {
    const line = lines.find((fields) => fields[0] === name);
    if (line !== undefined) return { uid: Number(line[2]), gid: Number(line[3]) };
  }
  const first = lines.find((fields) => Number(fields[2]) > 0);
  return { uid: Number(first?.[2] ?? 65_534), gid: Number(first?.[3] ?? 65_534) };
}

async function canWrite(
  way: PostgresUser,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  return test(way, `test "$(id -u)" != 0 && test -w '${folder.replaceAll("'", "'\\''")}'`, env);
}

async function canEnter(
  way: PostgresUser,
  folder: string,
  env: NodeJS.ProcessEnv,
): Promise<boolean> {
  return test(way, `cd '${folder.replaceAll("'", "'\\''")}'`, env);
}

async function test(way: PostgresUser, script: string, env: NodeJS.ProcessEnv): Promise<boolean> {
  const { file, args, uid, gid } = asPostgresUser(way, '/bin/sh', ['-c', script]);
  return (await runProgram(file, args, { env, uid, gid, cwd: '/' })).code === 0;
}
