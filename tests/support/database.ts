/**
 * A database per test file, made from a migrated template: a copy takes 0.1 s, migrating would take longer each time.
 * The template is made once per server and state of the migrations.
 */
import { createHash, randomUUID } from 'node:crypto';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pg from 'pg';
import { migrate } from '../../adapters/postgres/migrate.ts';
import { testService } from './environment.ts';

/** A database of one test file. */
export interface TestDatabase {
  readonly url: string;
  /** Drops it, with the connections that are left. */
  drop(): Promise<void>;
}

/** Any number that nothing else on the test server locks. */
const templateLock = 1_734_200_117;

/** Makes an empty database with ado's tables. @throws Error when the test run has no PostgreSQL */
export async function createTestDatabase(): Promise<TestDatabase> {
  const serverUrl = testService('databaseUrl');
  const name = `ado_test_${randomUUID().replaceAll('-', '')}`;
  const template = await ensureTemplate(serverUrl);
  await onServer(serverUrl, (client) =>
    client.query(`create database ${name} template ${template}`),
  );
  return {
    url: databaseUrl(serverUrl, name),
    drop: () =>
      onServer(serverUrl, (client) => client.query(`drop database if exists ${name} with (force)`)),
  };
}

/** Name of the migrated template, which is made when it is not there. */
async function ensureTemplate(serverUrl: string): Promise<string> {
  const name = `ado_template_${migrationsDigest()}`;
  await onServer(serverUrl, async (client) => {
    await client.query(`select pg_advisory_lock(${String(templateLock)})`);
    const { rowCount } = await client.query('select from pg_database where datname = $1', [name]);
    if (rowCount === 1) return;
    // Under another name until it is whole: a run that dies in between leaves no half template.
    await client.query(`drop database if exists ${name}_unfinished with (force)`);
    await client.query(`create database ${name}_unfinished`);
    await migrate(databaseUrl(serverUrl, `${name}_unfinished`));
    await client.query(`alter database ${name}_unfinished rename to ${name}`);
  });
  return name;
}

function migrationsDigest(): string {
  const folder = fileURLToPath(new URL('../../adapters/postgres/migrations', import.meta.url));
  const hash = createHash('sha256');
  for (const file of readdirSync(folder).sort())
    hash.update(file).update(readFileSync(join(folder, file)));
  return hash.digest('hex').slice(0, 12);
}

function databaseUrl(serverUrl: string, name: string): string {
  const url = new URL(serverUrl);
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer(
  serverUrl: string,
  work: (client: pg.Client) => Promise<unknown>,
): Promise<void> {
  const client = new pg.Client({ connectionString: serverUrl });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}
