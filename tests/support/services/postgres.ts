/** A PostgreSQL of a test run's own: empty, on a free port, in a temporary folder. */
import { getPostgresPassword, layOut } from '../../../cli/dev/home.ts';
import { findFreePorts, loopback } from '../../../cli/dev/ports.ts';
import { getPostgres } from '../../../cli/dev/programs/postgres.ts';
import { stopSteps } from '../../../cli/dev/services/part.ts';
import { createPostgres, postgresRole, postgresUrl } from '../../../cli/dev/services/postgres.ts';
import { createServiceFolder, startTestProcess, testReporter } from './test-process.ts';
import type { TestService } from './test-process.ts';

/** A PostgreSQL server for tests. */
export interface TestPostgres extends TestService {
  /** Role `ado` on its own database `ado`; no superuser, may create databases and roles. */
  readonly url: string;
  /** The superuser `postgres` on the database `postgres`. */
  readonly superuserUrl: string;
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
}

/** What a test may choose. */
export interface TestPostgresOptions {
  /** Server settings, `name=value`. Default: `fsync=off`, since what a killed server wrote outlives it without. */
  readonly settings?: readonly string[];
}

/** Starts a PostgreSQL as the embedded platform does, with room for the connections of a Temporal server. */
export async function startTestPostgres(options: TestPostgresOptions = {}): Promise<TestPostgres> {
  const home = createServiceFolder('postgres');
  const env = process.env;
  const [port = 0] = await findFreePorts(1);
  const portOf = (): number => port;
  const dataFolder = layOut(home).postgres;
  const programs = await getPostgres({ env, reporter: testReporter, dataFolder });
  const settings = ['max_connections=300', ...(options.settings ?? ['fsync=off'])];
  const part = createPostgres({ home, env, programs, settings });
  const service = await startTestProcess({
    name: part.name,
    folder: home,
    stopSteps: stopSteps.postgres,
    prepare: part.prepare,
    command: () => part.command(portOf),
    isReady: async (pid) => part.isReady(pid, portOf),
  });
  const password = getPostgresPassword(home);
  return {
    ...service,
    url: postgresUrl(home, portOf),
    superuserUrl: `postgres://postgres:${password}@${loopback}:${port}/postgres`,
    host: loopback,
    port,
    user: postgresRole,
    password,
  };
}
