// The scripts that the chart runs beside a database, run as they are rendered, on a real PostgreSQL:
//   - the first-time script makes roles that are no superusers, and all that migrations need
//   - the server of Temporal waits for tables that are there and new enough
//   - a backup holds what was written, and is made anew and thrown away on time
import { mkdirSync, mkdtempSync, readdirSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import pg from 'pg';
import { parse } from 'yaml';
import { runProgram, type ProgramResult } from '../../cli/dev/programs/run-program.ts';
import { getTemporalProgram } from '../../cli/dev/programs/temporal.ts';
import { tunedSettings } from '../../cli/dev/services/temporal.ts';
import { migrate } from '../../adapters/postgres/migrate.ts';
import { objectNamed, renderChart, type KubeObject } from '../support/kube/rendered-chart.ts';
import { environmentOf, podOf, type Container } from '../support/kube/rendered-pods.ts';
import { startTestPostgres, type TestPostgres } from '../support/services/postgres.ts';
import { testReporter } from '../support/services/test-process.ts';

/** `ado` is taken in the server of the tests. */
const names = {
  auth: { user: 'platform', temporalUser: 'engine' },
  databases: { ado: 'platform', temporal: 'engine', visibility: 'engine_visibility' },
};
/** Every sign that a password may have: docs/kubernetes.md. */
const password = 'aZ9-._~';

let postgres: TestPostgres;
let objects: readonly KubeObject[];
let tools: string;
let server: string;
beforeAll(async () => {
  [postgres, objects, tools, server] = await Promise.all([
    startTestPostgres(),
    renderChart({
      values: {
        secrets: { existingSecret: 'ado-secrets' },
        postgresql: { ...names, backup: { enabled: true } },
      },
    }),
    getTemporalProgram('temporal-sql-tool', { env: process.env, reporter: testReporter }),
    getTemporalProgram('temporal-server', { env: process.env, reporter: testReporter }),
  ]);
  const init = objectNamed(objects, 'ConfigMap', 'ado-postgresql-init')['data'];
  await runOrThrow((init as Record<string, string>)['roles.sh'] ?? '', {
    ...access('postgres', 'postgres'),
    ADO_PASSWORD: password,
    TEMPORAL_PASSWORD: password,
  });
}, 600_000);
afterAll(async () => {
  await postgres.stop();
});

test('the first-time script makes all that migrations need, without a superuser', async () => {
  await migrate(urlOf('platform', 'platform'));

  const rows = await query(
    urlOf('platform', 'platform'),
    `select rolname, rolsuper, rolbypassrls from pg_roles where rolname in ('platform', 'engine')`,
  );
  expect(rows).toEqual([
    { rolname: 'platform', rolsuper: false, rolbypassrls: false },
    { rolname: 'engine', rolsuper: false, rolbypassrls: false },
  ]);
});

test('the server of Temporal waits until its tables are there', async () => {
  const pod = podOf(objects, 'Deployment ado-temporal');
  const await_ = scriptOf(pod.spec.initContainers?.[0]);
  const schema = scriptOf(podOf(objects, 'Job ado-temporal-schema-1').spec.containers[0]);
  const variables = environmentOf(podOf(objects, 'Job ado-temporal-schema-1'));
  const waitFor = async (script: string): Promise<number | null> =>
    // Once is enough to see that it would go on.
    (await run(script.replace('sleep 2', 'exit 9'), access('engine', 'engine'))).code;

  const without = await waitFor(await_);
  // As often as a Job may be tried again.
  for (let time = 0; time < 2; time++)
    await runOrThrow(schema, {
      ...variables,
      SQL_HOST: postgres.host,
      SQL_PORT: String(postgres.port),
      SQL_PASSWORD: password,
    });

  expect(without).toBe(9);
  expect(await waitFor(await_)).toBe(0);
  expect(await waitFor(await_.replace(/ 1\.19\b/, ' 1.20'))).toBe(9);
  expect(await waitFor(await_.replace(/ 1\.19\b/, ' 1.9'))).toBe(0);
}, 300_000);

test('dynamic configuration is that of the embedded server and more, in keys that the server knows', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-dynamic-'));
  const file = join(folder, 'dynamic.yaml');
  const { data } = objectNamed(objects, 'ConfigMap', 'ado-temporal-dynamic') as unknown as {
    data: Record<string, string>;
  };
  const validate = async (text: string): Promise<string> => {
    const { stdout, stderr } = await runProgram(
      'sh',
      ['-euc', 'cat >"$1" && "$0" validate-dynamic-config "$1"', server, file],
      { env: process.env, input: text },
    );
    return stdout + stderr;
  };

  const text = data['dynamic.yaml'] ?? '';
  const tuned = Object.entries(tunedSettings).map(([key, value]) => [key, [{ value }]]);
  expect(parse(text)).toMatchObject(Object.fromEntries(tuned));
  expect(await validate(text)).not.toMatch(/warning/i);
  expect(await validate(`${text}\nsystem.noSuchKey: [{ value: 1 }]\n`)).toMatch(/warning/i);
});

test('a backup holds what was written, and old ones go', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-backup-'));
  for (const name of [
    '2020-01-01T00-00-00Z',
    '2020-01-02T00-00-00Z',
    '2020-01-03T00-00-00Z.partial',
  ])
    mkdirSync(join(folder, name));
  utimesSync(join(folder, '2020-01-01T00-00-00Z'), new Date(0), new Date(0));
  await migrate(urlOf('platform', 'platform'));
  // A row of a tenant: row-level security hides it from everybody but the role that makes backups.
  await query(
    postgres.superuserUrl.replace(/postgres$/, 'platform'),
    `insert into tenants (tenant_id, name, created_at) values ('018f3f7e-0000-7000-8000-000000000001', 'kept', now())`,
  );

  const pod = podOf(objects, 'CronJob ado-backup');
  const script = scriptOf(pod.spec.containers[0]).replace(/ engine engine_visibility;/, ';');
  await runOrThrow(script, {
    ...access('postgres', 'postgres'),
    BACKUP_FOLDER: folder,
    RETAIN_DAYS: environmentOf(pod)['RETAIN_DAYS'],
  });

  const kept = readdirSync(folder).sort();
  expect(kept).toEqual(['2020-01-02T00-00-00Z', expect.stringMatching(/^2\d{3}-.*Z$/) as string]);
  const backup = join(folder, kept[1] ?? '');
  expect(readdirSync(backup).sort()).toEqual(['platform.dump', 'roles.sql']);
  await runOrThrow(
    `createdb -O platform restored && pg_restore --exit-on-error -d restored ${backup}/platform.dump`,
    access('postgres', 'postgres'),
  );
  const url = postgres.superuserUrl.replace(/postgres$/, 'restored');
  expect(await query(url, `select name from tenants where name = 'kept'`)).toEqual([
    { name: 'kept' },
  ]);
}, 300_000);

function scriptOf(container: Container | undefined): string {
  const script = container?.args?.[0];
  if (script === undefined) throw new Error('the container runs no script');
  return script;
}

/** libpq's variables for a role and database. */
function access(role: string, database: string): NodeJS.ProcessEnv {
  return {
    PGHOST: postgres.host,
    PGPORT: String(postgres.port),
    PGUSER: role,
    PGDATABASE: database,
    PGPASSWORD: role === 'postgres' ? new URL(postgres.superuserUrl).password : password,
  };
}

function urlOf(role: string, database: string): string {
  return `postgres://${role}:${encodeURIComponent(password)}@${postgres.host}:${postgres.port}/${database}`;
}

async function run(script: string, variables: NodeJS.ProcessEnv): Promise<ProgramResult> {
  const path = [dirname(tools), process.env['PATH']].join(delimiter);
  return runProgram('sh', ['-euc', script], {
    env: { ...process.env, PATH: path, ...variables },
    timeoutMs: 240_000,
  });
}

async function runOrThrow(script: string, variables: NodeJS.ProcessEnv): Promise<void> {
  const { code, stdout, stderr } = await run(script, variables);
  if (code !== 0) throw new Error(`ended with ${code ?? 'a signal'}:\n${stdout}\n${stderr}`);
}

async function query(url: string, sql: string): Promise<unknown[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query(sql)).rows as unknown[];
  } finally {
    await client.end();
  }
}
