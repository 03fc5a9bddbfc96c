/** What a fault test breaks: services of its own, with data that outlives a kill, and the platform on them. */
import pg from 'pg';
import { startAdo } from '../support/ado-platform.ts';
import type { Ado, AdoOptions } from '../support/ado-platform.ts';
import { startTestPostgres } from '../support/services/postgres.ts';
import type { TestPostgres } from '../support/services/postgres.ts';
import { startTestRedis } from '../support/services/redis.ts';
import type { TestRedis } from '../support/services/redis.ts';
import { startTestTemporal } from '../support/services/temporal.ts';
import type { TestTemporal } from '../support/services/temporal.ts';

/** Services that may be killed. */
export interface FaultWorld {
  readonly postgres: TestPostgres;
  readonly redis: TestRedis;
  readonly temporal: TestTemporal;
  /** Starts a platform on them whose processes are started again when they die. */
  startAdo(options?: Partial<AdoOptions>): Promise<Ado>;
  /** The same for the time of one test. */
  withAdo(options: Partial<AdoOptions>, test: (ado: Ado) => Promise<void>): Promise<void>;
  stop(): Promise<void>;
}

/** Starts PostgreSQL with fsync, Redis, and Temporal on that PostgreSQL. */
export async function openFaultWorld(): Promise<FaultWorld> {
  const [postgres, redis] = await Promise.all([
    startTestPostgres({ settings: [] }),
    startTestRedis(),
  ]);
  const temporal = await startTestTemporal({ postgres });
  const start = async (options: Partial<AdoOptions> = {}): Promise<Ado> =>
    startAdo({
      databaseUrl: postgres.url,
      redisUrl: redis.url,
      temporal: { address: temporal.address, namespace: temporal.namespace },
      revive: true,
      ...options,
    });
  return {
    postgres,
    redis,
    temporal,
    startAdo: start,
    withAdo: async (options, test) => {
      const ado = await start(options);
      try {
        await test(ado);
      } finally {
        await ado.stop();
      }
    },
    stop: async () => {
      await temporal.stop();
      await Promise.all([postgres.stop(), redis.stop()]);
    },
  };
}

/** Where ado's database is, and who may see the rows of all tenants in it. */
export interface AdoDatabase {
  readonly postgres: Pick<TestPostgres, 'url' | 'superuserUrl'>;
}

/** Asks ado's database. */
export async function queryAdo<Row extends pg.QueryResultRow>(
  { postgres }: AdoDatabase,
  statement: string,
  values: readonly unknown[] = [],
): Promise<Row[]> {
  // As superuser: ado's own role sees the rows of one tenant only.
  const url = new URL(postgres.superuserUrl);
  url.pathname = new URL(postgres.url).pathname;
  const client = new pg.Client({ connectionString: url.href });
  await client.connect();
  try {
    return (await client.query<Row>(statement, [...values])).rows;
  } finally {
    await client.end();
  }
}

/** Prints what a fault test found. A fault that never happened where it should proves nothing: fewer hits fail. */
export function report(
  id: string,
  hits: { readonly of: string; readonly count: number; readonly atLeast: number },
  figures: Readonly<Record<string, number | string>>,
): void {
  const shown = Object.entries(figures).map(([name, value]) => `${name} ${value}`);
  process.stderr.write(`${id}: ${hits.of} ${hits.count} × · ${shown.join(' · ')}\n`);
  if (hits.count < hits.atLeast) {
    throw new Error(`${id}: ${hits.of} happened ${hits.count} times, not ${hits.atLeast}`);
  }
}
