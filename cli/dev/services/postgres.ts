/**
 * The embedded PostgreSQL. Its first start makes the data folder beside its place and moves it there when it is whole,
 * so that a start cut short leaves nothing half made. It listens on the loopback address only, with passwords; the role
 * `ado` owns the database `ado` and is no superuser, so that row-level security holds for it too.
 */
import { existsSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { AppError } from '../../../contracts/errors.ts';
import { postgresVariables, withoutVariables } from '../environment.ts';
import { getPostgresPassword, layOut } from '../home.ts';
import { loopback } from '../ports.ts';
import type { PortName } from '../ports.ts';
import { answersPostgres } from '../probes.ts';
import type { PostgresPrograms } from '../programs/postgres.ts';
import { runProgram } from '../programs/run-program.ts';
import type { Part, PortOf } from './part.ts';
import { clearDeadPostmaster, isPostmasterReady } from './postmaster-file.ts';
import { asPostgresUser, choosePostgresUser, giveToPostgresUser } from './postgres-user.ts';
import type { PostgresUser } from './postgres-user.ts';

/** The role and the database that ado uses. */
export const postgresRole = 'ado';

/** What the part is made from. */
export interface PostgresOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly programs: PostgresPrograms;
  /** Server settings beside those of the part, `name=value`. */
  readonly settings?: readonly string[];
}

/** The address with the password, for programs; never shown. */
export function postgresUrl(home: string, portOf: PortOf): string {
  return `postgres://${postgresRole}:${getPostgresPassword(home)}@${loopback}:${String(portOf('postgres'))}/${postgresRole}`;
}

/** The embedded PostgreSQL as a part. */
export function createPostgres(options: PostgresOptions): Part {
  const { home, env, programs } = options;
  const data = layOut(home).postgres;
  const port: PortName = 'postgres';
  let way: PostgresUser = { kind: 'self' };
  return {
    name: 'postgres',
    needs: [],
    ports: [port],
    prepare: async () => {
      way = await choosePostgresUser(home, env);
      if (!existsSync(join(data, 'PG_VERSION'))) await createData(options, way);
      giveToPostgresUser(way, data);
      await clearDeadPostmaster(data);
    },
    command: (portOf) => {
      const settings = [
        `listen_addresses=${loopback}`,
        `port=${String(portOf(port))}`,
        'unix_socket_directories=', // Their paths have a short limit, and nothing needs one.
        'max_wal_size=2GB',
        'log_min_messages=warning',
        'timezone=UTC',
        ...(options.settings ?? []),
      ];
      const args = ['-D', data, ...settings.flatMap((setting) => ['-c', setting])];
      return { ...asPostgresUser(way, programs.postgres, args), env: serverEnv(env), cwd: data };
    },
    isReady: async (pid, portOf) =>
      isPostmasterReady(data, pid) && (await answersPostgres(publicUrl(portOf))),
    services: (portOf) => [{ name: 'postgres', url: publicUrl(portOf), version: programs.version }],
  };
}

function publicUrl(portOf: PortOf): string {
  return `postgres://${postgresRole}@${loopback}:${String(portOf('postgres'))}/${postgresRole}`;
}

/** Messages and sorting do not follow the caller's language. */
function serverEnv(env: NodeJS.ProcessEnv): NodeJS.ProcessEnv {
  return { ...withoutVariables(env, postgresVariables, /^(?:LANG|LC_)/), LC_ALL: 'C' };
}

async function createData(options: PostgresOptions, way: PostgresUser): Promise<void> {
  const { home, env, programs } = options;
  const data = layOut(home).postgres;
  const draft = `${data}.new`;
  const password = getPostgresPassword(home);
  const passwordFile = join(home, 'postgres-password.new');
  rmSync(draft, { recursive: true, force: true });
  mkdirSync(draft, { mode: 0o700 });
  giveToPostgresUser(way, draft);
  try {
    writeFileSync(passwordFile, password, { mode: 0o600 });
    giveToPostgresUser(way, passwordFile);
    const run = async (file: string, args: readonly string[], input = ''): Promise<void> => {
      const command = asPostgresUser(way, file, args);
      const ids = { uid: command.uid, gid: command.gid };
      const options = { env: serverEnv(env), cwd: draft, input, timeoutMs: 120_000, ...ids };
      const result = await runProgram(command.file, command.args, options);
      // In single-user mode a failed statement is only written down.
      if (result.code === 0 && !/^(?:ERROR|FATAL|PANIC):/m.test(result.stderr)) return;
      const output = `${result.stdout}${result.stderr}`.trim();
      throw new AppError(
        'PART_FAILED',
        `PostgreSQL could not make its data folder ${data}:\n${output}`,
      );
    };
    await run(programs.initdb, [
      '-D',
      draft,
      '-U',
      'postgres',
      '--auth=scram-sha-256',
      `--pwfile=${passwordFile}`,
      '--encoding=UTF8',
      '--locale=C',
    ]);
    // Single-user mode reads one statement a line, needs no port and no client.
    const statements = [
      `CREATE ROLE ${postgresRole} LOGIN CREATEDB CREATEROLE PASSWORD '${password}';`,
      `CREATE DATABASE ${postgresRole} OWNER ${postgresRole};`,
    ];
    await run(
      programs.postgres,
      ['--single', '-D', draft, 'postgres'],
      `${statements.join('\n')}\n`,
    );
    renameSync(draft, data);
  } finally {
    rmSync(passwordFile, { force: true });
    rmSync(draft, { recursive: true, force: true });
  }
}
