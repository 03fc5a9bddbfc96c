/**
 * What is measured: PostgreSQL as durable as in production, Redis, Temporal on that PostgreSQL, an API and one worker
 * process that serves all pools. Everything is the run's own and is removed at its end.
 */
import { rmSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import pg from 'pg';
import { createApiClient, type ApiClient } from '../../cli/api-client.ts';
import { getLocalApiKey } from '../../cli/dev/home.ts';
import { findFreePorts, loopback } from '../../cli/dev/ports.ts';
import { createApi, createWorker } from '../../cli/dev/services/ado-processes.ts';
import { stopSteps, type Part } from '../../cli/dev/services/part.ts';
import { startTestPostgres, type TestPostgres } from '../../tests/support/services/postgres.ts';
import { startTestRedis, type TestRedis } from '../../tests/support/services/redis.ts';
import { startTestTemporal, type TestTemporal } from '../../tests/support/services/temporal.ts';
import {
  createServiceFolder,
  startTestProcess,
  type TestService,
} from '../../tests/support/services/test-process.ts';
import { startRawTemporal, type RawTemporal } from '../raw/raw-temporal.ts';

/** A running API and worker. */
export interface Ado {
  readonly url: string;
  readonly apiKey: string;
  readonly client: ApiClient;
  readonly api: TestService;
  readonly worker: TestService;
  stop(): Promise<void>;
}

/** A running platform, and Temporal without ado beside it. */
export interface Platform {
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  readonly temporal: TestTemporal;
  readonly ado: Ado;
  readonly raw: RawTemporal;
  /** Asks ado's database, past its row-level security. */
  readonly askAdo: Ask;
  /** Asks Temporal's database. */
  readonly askTemporal: Ask;
  /** Ends all processes and removes their data. */
  stop(): Promise<void>;
}

/** Answers the first row's `answer`; undefined when there is no row. */
type Ask = (sql: string, ...values: readonly unknown[]) => Promise<unknown>;

/** What is committed is on disk; these are PostgreSQL's own defaults. */
const durable = ['fsync=on', 'synchronous_commit=on', 'full_page_writes=on'];

/** Starts everything. */
export async function startPlatform(): Promise<Platform> {
  const started: { stop(): Promise<void> }[] = [];
  const keep = async <T extends { stop(): Promise<void> }>(starting: Promise<T>): Promise<T> => {
    const part = await starting;
    started.unshift(part);
    return part;
  };
  const stop = async (): Promise<void> => {
    for (const part of started) await part.stop();
  };
  try {
    const postgres = await keep(startTestPostgres({ settings: durable }));
    const redis = await keep(startTestRedis());
    const temporal = await keep(startTestTemporal({ postgres }));
    const ado = await keep(startAdo({ postgres, redis, temporal }));
    const raw = await keep(startRawTemporal(temporal));
    const askAdo = await connect(postgres, 'ado', keep);
    const askTemporal = await connect(postgres, 'temporal', keep);
    return { postgres, redis, temporal, ado, raw, askAdo, askTemporal, stop };
  } catch (error) {
    await stop();
    throw error;
  }
}

/** Starts API and worker as `ado dev` does. */
async function startAdo({
  postgres,
  redis,
  temporal,
}: Pick<Platform, 'postgres' | 'redis' | 'temporal'>): Promise<Ado> {
  const home = createServiceFolder('home');
  const ports = await findFreePorts(3);
  const portOf = (name: string): number =>
    ports[['api', 'api-metrics', 'worker-metrics'].indexOf(name)] ?? 0;
  const start = async (part: Part): Promise<TestService> =>
    startTestProcess({
      name: part.name,
      folder: createServiceFolder(part.name),
      stopSteps: stopSteps[part.name],
      prepare: part.prepare,
      command: () => part.command(portOf),
      isReady: async (pid) => part.isReady(pid, portOf),
    });
  const options = {
    home,
    env: { ...process.env, NODE_ENV: 'production' },
    externals: { postgres: postgres.url, redis: redis.url, temporal: temporal.address },
  };
  const api = await start(createApi(options));
  const worker = await start(createWorker(options));
  const url = `http://${loopback}:${portOf('api')}`;
  const apiKey = getLocalApiKey(home);
  return {
    url,
    apiKey,
    client: createApiClient(() => ({ url, key: apiKey })),
    api,
    worker,
    stop: async () => {
      await worker.stop();
      await api.stop();
      rmSync(home, { recursive: true, force: true });
    },
  };
}

async function connect(
  { superuserUrl }: TestPostgres,
  database: string,
  keep: <T extends { stop(): Promise<void> }>(starting: Promise<T>) => Promise<T>,
): Promise<Ask> {
  const url = new URL(superuserUrl);
  url.pathname = `/${database}`;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  await keep(Promise.resolve({ stop: async () => client.end() }));
  return async (sql, ...values) => {
    const { rows } = await client.query<{ answer: unknown }>(sql, [...values]);
    return rows[0]?.answer;
  };
}

/** Waits until so many tasks with a prompt have succeeded; looks into the database, so that nobody else is kept busy. */
export async function untilSucceeded(
  { askAdo }: Platform,
  prompt: string,
  count: number,
): Promise<void> {
  const succeeded = `select count(*)::int as answer from tasks where prompt = $1 and status = 'succeeded'`;
  await untilCounted(count, () => askAdo(succeeded, prompt));
}

/** Waits until a count is reached. @throws Error when it is not within two minutes */
export async function untilCounted(wanted: number, count: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + 120_000;
  while ((await count()) !== wanted) {
    if (Date.now() > deadline)
      throw new Error(`only ${String(await count())} of ${wanted} runs have ended`);
    await sleep(100);
  }
}
