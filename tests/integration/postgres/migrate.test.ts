import { randomUUID } from 'node:crypto';
import pg from 'pg';
import { migrate } from '../../../adapters/postgres/migrate.ts';
import { checkPostgres, createDatabase } from '../../../adapters/postgres/tenant-transaction.ts';
import { testService } from '../../support/environment.ts';

const names: string[] = [];
afterAll(() =>
  onServer(async (client) => {
    for (const name of names) await client.query(`drop database if exists ${name} with (force)`);
  }),
);

/** An empty database; `owner` makes it as a login role that is no superuser. */
async function anEmptyDatabase(): Promise<string> {
  const name = `ado_test_${randomUUID().replaceAll('-', '')}`;
  names.push(name);
  await onServer((client) => client.query(`create database ${name}`));
  const url = new URL(testService('databaseUrl'));
  url.pathname = `/${name}`;
  return url.href;
}

async function onServer(work: (client: pg.Client) => Promise<unknown>): Promise<void> {
  const client = new pg.Client({ connectionString: testService('databaseUrl') });
  await client.connect();
  try {
    await work(client);
  } finally {
    await client.end();
  }
}

test('several processes that migrate two databases of one server at once all succeed', async () => {
  const urls = await Promise.all([anEmptyDatabase(), anEmptyDatabase()]);

  await Promise.all(urls.flatMap((url) => [migrate(url), migrate(url), migrate(url)]));

  for (const url of urls) {
    const database = createDatabase(url, 1);
    await checkPostgres(database);
    await database.close();
  }
});

test('a login role that is no superuser may migrate and work', async () => {
  const url = new URL(await anEmptyDatabase());
  const role = `ado_owner_${randomUUID().slice(0, 8)}`;
  await onServer(async (client) => {
    await client.query(`create role ${role} login createrole password 'test'`);
    await client.query(`alter database ${url.pathname.slice(1)} owner to ${role}`);
  });
  url.username = role;
  url.password = 'test';

  await migrate(url.href);
  await migrate(url.href);

  const database = createDatabase(url.href, 1);
  await checkPostgres(database);
  await database.close();
  await onServer(async (client) => {
    await client.query(`drop database ${url.pathname.slice(1)} with (force)`);
    await client.query(`drop role ${role}`);
  });
});

test('a database that was not migrated is not ready', async () => {
  const database = createDatabase(await anEmptyDatabase(), 1);

  await expect(checkPostgres(database)).rejects.toThrow('outbox');
  await database.close();
});

test('a server that does not answer is unavailable', async () => {
  await expect(migrate('postgres://ado@127.0.0.1:1/ado')).rejects.toMatchObject({
    code: 'STORE_UNAVAILABLE',
  });
});
