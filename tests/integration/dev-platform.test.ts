// The embedded platform keeps running, and lets go.
//   - all parts come up, on other ports where the usual are taken
//   - a part that is killed runs again within a second, on its data and port
//   - a killed supervisor's parts are ended by the next, which goes on with the same data and ports
//   - stopping leaves no process, whether the supervisor lives or not
//   - what cannot start says why, and leaves no process either
import { mkdtempSync, readFileSync, readdirSync, readlinkSync, rmSync } from 'node:fs';
import { get } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Client } from 'pg';
import { waitUntilGone } from '../../cli/dev/processes.ts';
import { getPrograms } from '../../cli/dev/programs.ts';
import { Reporter } from '../../cli/dev/progress.ts';
import { startPlatformInBackground, stopPlatform } from '../../cli/dev/platform.ts';
import type { PlatformOptions } from '../../cli/dev/supervisor.ts';
import { partNames } from '../../cli/dev/services/part.ts';
import type { ServiceName } from '../../cli/dev/services/part.ts';
import { findState } from '../../cli/dev/state.ts';
import { isAllReady, platformStatus } from '../../cli/dev/status.ts';
import type { PlatformStatus } from '../../cli/dev/status.ts';

const standIns = {
  api: fileURLToPath(new URL('../support/services/stand-in-api.process.ts', import.meta.url)),
  worker: fileURLToPath(new URL('../support/services/stand-in-worker.process.ts', import.meta.url)),
};

/** The caller's environment without what would point the platform elsewhere. */
function cleanEnv(): NodeJS.ProcessEnv {
  const env = { ...process.env };
  for (const name of [
    'DATABASE_URL',
    'REDIS_URL',
    'TEMPORAL_ADDRESS',
    'ADO_API_PORT',
    'ADO_HOME',
  ]) {
    env[name] = '';
  }
  return env;
}

const homes: string[] = [];

function somePlatform(env: NodeJS.ProcessEnv = {}): PlatformOptions {
  const home = mkdtempSync(join(tmpdir(), 'ado-platform-'));
  homes.push(home);
  return { home, env: { ...cleanEnv(), ...env }, standIns };
}

beforeAll(async () => {
  const reporter = new Reporter(process.stderr);
  await getPrograms({ home: join(tmpdir(), 'ado-none'), env: cleanEnv(), reporter });
}, 20 * 60_000); // Where nothing is cached, Temporal is built first.

afterEach(async () => {
  for (const home of homes.splice(0)) {
    await stopPlatform(home);
    rmSync(home, { recursive: true, force: true });
  }
});

/** Every process that belongs to a data folder: it lives in it, or was told of it. */
function processesOf(home: string): string[] {
  const read = (file: string): string => {
    try {
      return file.endsWith('/cwd') ? readlinkSync(file) : readFileSync(file, 'utf8');
    } catch {
      return ''; // Gone meanwhile, or another user's.
    }
  };
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid))
    .filter((pid) => {
      const isTold = read(`/proc/${pid}/environ`).split('\0').includes(`ADO_HOME=${home}`);
      return isTold || read(`/proc/${pid}/cwd`).startsWith(home);
    })
    .map((pid) => `${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

function pidOf(status: PlatformStatus, name: ServiceName): number {
  const pid = status.services.find((service) => service.name === name)?.pid;
  if (typeof pid !== 'number') throw new Error(`${name} does not run.`);
  return pid;
}

function urls(status: PlatformStatus): (string | null)[] {
  return status.services.map((service) => service.url);
}

async function killSupervisor(home: string): Promise<void> {
  const supervisor = findState(home)?.supervisor;
  if (supervisor === undefined) throw new Error('No supervisor runs.');
  process.kill(supervisor.pid, 'SIGKILL');
  await waitUntilGone(supervisor, 5_000);
}

async function untilStatus(
  home: string,
  isRight: (status: PlatformStatus) => boolean,
): Promise<PlatformStatus> {
  const deadline = Date.now() + 20_000;
  for (;;) {
    const status = await platformStatus(home);
    if (isRight(status)) return status;
    if (Date.now() >= deadline) throw new Error(`Too late: ${JSON.stringify(status)}`);
    await delay(10);
  }
}

async function environmentOf(url: string | null): Promise<NodeJS.ProcessEnv> {
  return new Promise((resolve, reject) => {
    get(`${url ?? ''}/environment`, (response) => {
      let text = '';
      response.setEncoding('utf8').on('data', (part: string) => (text += part));
      response.once('end', () => resolve(JSON.parse(text) as NodeJS.ProcessEnv));
    }).once('error', reject);
  });
}

/** Runs one statement with the address that the API was given. */
async function query(status: PlatformStatus, statement: string): Promise<unknown[]> {
  const env = await environmentOf(status.services.find(({ name }) => name === 'api')?.url ?? null);
  const client = new Client({ connectionString: env['DATABASE_URL'] });
  client.on('error', () => undefined); // Its server may be killed; the query fails then.
  await client.connect();
  try {
    return (await client.query<Record<string, unknown>>(statement)).rows;
  } finally {
    await client.end();
  }
}

test('every service is ready after a start, and a second start finds it running', async () => {
  const platform = somePlatform();

  const status = await startPlatformInBackground(platform);

  expect(isAllReady(status)).toBe(true);
  expect(status.dataDir).toBe(platform.home);
  expect(status.services.map((service) => service.name)).toEqual([
    'api',
    'worker',
    'temporal',
    'temporal-ui',
    'postgres',
    'redis',
  ]);
  for (const { pid, version } of status.services) {
    expect({ pid, version }).toEqual({
      pid: expect.any(Number),
      version: expect.stringMatching(/^\d/),
    });
  }
  expect(await startPlatformInBackground(platform)).toEqual(status);
});

test('two platforms run side by side, the second on other ports', async () => {
  const [first, second] = [somePlatform(), somePlatform()];

  const statuses = await Promise.all([
    startPlatformInBackground(first),
    startPlatformInBackground(second),
  ]);

  expect(statuses.every(isAllReady)).toBe(true);
  expect(new Set(statuses.flatMap(urls)).size).toBe(12);
});

test('API and worker are told where everything is, and the database user is no superuser', async () => {
  const platform = somePlatform({
    PGHOST: 'elsewhere',
    TEMPORAL_API_KEY: 'of another server',
    LOG_LEVEL: 'warn',
  });

  const status = await startPlatformInBackground(platform);

  const [api, worker] = status.services;
  const environments = [
    await environmentOf(api?.url ?? null),
    await environmentOf(worker?.url ?? null),
  ];
  for (const env of environments) {
    expect(env).toMatchObject({
      ADO_HOME: platform.home,
      ADO_API_HOST: '127.0.0.1',
      ADO_BOOTSTRAP_API_KEY: expect.stringMatching(/^ado_local_/),
      ADO_SCRIPTED_MODELS: 'true',
      LOG_LEVEL: 'warn',
      PATH: process.env['PATH'],
      TEMPORAL_NAMESPACE: 'default',
    });
    expect(env).not.toHaveProperty('PGHOST');
    expect(env).not.toHaveProperty('TEMPORAL_API_KEY');
  }
  expect(environments[0]?.['ADO_METRICS_PORT']).not.toBe(environments[1]?.['ADO_METRICS_PORT']);
  const facts = await query(
    status,
    `SELECT rolsuper, rolbypassrls, current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS commit,
       current_setting('server_encoding') AS encoding FROM pg_roles WHERE rolname = current_user`,
  );
  expect(facts).toEqual([
    { rolsuper: false, rolbypassrls: false, fsync: 'on', commit: 'on', encoding: 'UTF8' },
  ]);
});

describe('a running platform', () => {
  const home = mkdtempSync(join(tmpdir(), 'ado-platform-'));

  beforeAll(async () => {
    await startPlatformInBackground({ home, env: cleanEnv(), standIns });
  });
  afterAll(async () => {
    await stopPlatform(home);
    rmSync(home, { recursive: true });
  });

  test.each(partNames)(
    'starts a killed %s again within a second, at the same address',
    async (name) => {
      const before = await platformStatus(home);
      const killed = pidOf(before, name);

      process.kill(killed, 'SIGKILL');
      const killedAt = Date.now();
      await untilStatus(home, ({ services }) =>
        services.some((service) => service.name === name && ![null, killed].includes(service.pid)),
      );
      const restartedAfterMs = Date.now() - killedAt;
      const after = await untilStatus(home, isAllReady);

      expect(restartedAfterMs).toBeLessThan(1_000);
      expect(urls(after)).toEqual(urls(before));
      expect(findState(home)?.parts.find((part) => part.name === name)?.restarts).toBe(1);
    },
  );
});

test('PostgreSQL comes back after a kill with a session deep in a computation', async () => {
  const { home, ...options } = somePlatform();
  const before = await startPlatformInBackground({ home, ...options });
  await query(before, 'CREATE TABLE kept AS SELECT 1 AS one');
  const busy = query(before, 'SELECT count(*) FROM generate_series(1, 1000000000000)').catch(
    () => 'cut off',
  );
  await delay(300);
  const killed = pidOf(before, 'postgres');

  process.kill(killed, 'SIGKILL');

  const after = await untilStatus(home, (status) => {
    return isAllReady(status) && pidOf(status, 'postgres') !== killed;
  });
  expect(await busy).toBe('cut off');
  expect(await query(after, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
});

test('after a kill of the supervisor the next start ends what is left and goes on with data and ports', async () => {
  const platform = somePlatform();
  const before = await startPlatformInBackground(platform);
  await query(before, 'CREATE TABLE kept AS SELECT 1 AS one');

  await killSupervisor(platform.home);
  const after = await startPlatformInBackground(platform);

  expect(urls(after)).toEqual(urls(before));
  expect(await query(after, 'SELECT one FROM kept')).toEqual([{ one: 1 }]);
  const pids = before.services.map((service) => `${service.pid ?? 0} `);
  const survivors = processesOf(platform.home).filter((line) =>
    pids.some((pid) => line.startsWith(pid)),
  );
  expect(survivors).toEqual([]);
});

test('a stop leaves no process, and a second stop is fine', async () => {
  const platform = somePlatform();
  await startPlatformInBackground(platform);
  expect(processesOf(platform.home).length).toBeGreaterThan(5);

  expect(await stopPlatform(platform.home)).toBe('stopped');

  expect(processesOf(platform.home)).toEqual([]);
  expect(await stopPlatform(platform.home)).toBe('not-running');
  expect(isAllReady(await platformStatus(platform.home))).toBe(false);
});

test('a stop leaves no process when the supervisor and PostgreSQL were killed before', async () => {
  const platform = somePlatform();
  const status = await startPlatformInBackground(platform);

  await killSupervisor(platform.home);
  process.kill(pidOf(status, 'postgres'), 'SIGKILL');
  await stopPlatform(platform.home);

  expect(processesOf(platform.home)).toEqual([]);
});

test('a port that is asked for and taken is refused, with who has it', async () => {
  const first = await startPlatformInBackground(somePlatform());
  const redis = first.services.find(({ name }) => name === 'redis');
  const port = Number(new URL(redis?.url ?? '').port);
  const second = { ...somePlatform(), ports: { redis: port } };

  const start = startPlatformInBackground(second);

  await expect(start).rejects.toMatchObject({ code: 'PORT_TAKEN' });
  await expect(start).rejects.toThrow(`in use by redis-server (pid ${redis?.pid ?? 0})`);
  expect(processesOf(second.home)).toEqual([]);
});

test('a part that cannot start ends the start with the end of its log and no process left', async () => {
  const platform = somePlatform({ STAND_IN_FAILS: 'yes' });

  const start = startPlatformInBackground(platform);

  await expect(start).rejects.toMatchObject({ code: 'PART_FAILED' });
  await expect(start).rejects.toThrow(
    /api does not start: it exited with code 3.*a variable is missing/s,
  );
  expect(processesOf(platform.home)).toEqual([]);
});

test('a service of the environment that does not answer is named, without its password', async () => {
  const platform = somePlatform({ REDIS_URL: 'redis://:secret@127.0.0.1:1' });

  const start = startPlatformInBackground(platform);

  await expect(start).rejects.toMatchObject({ code: 'PART_FAILED' });
  await expect(start).rejects.toThrow('redis at redis://127.0.0.1:1');
  expect(processesOf(platform.home)).toEqual([]);
});
