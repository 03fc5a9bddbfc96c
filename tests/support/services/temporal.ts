/** A Temporal server of a test run's own: on PostgreSQL as in production, with namespace and search attributes. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import { findFreePorts, loopback } from '../../../cli/dev/ports.ts';
import { isTemporalServing } from '../../../cli/dev/probes.ts';
import { runProgram } from '../../../cli/dev/programs/run-program.ts';
import { getTemporalProgram } from '../../../cli/dev/programs/temporal.ts';
import { stopSteps } from '../../../cli/dev/services/part.ts';
import { temporalNamespace } from '../../../cli/dev/services/temporal.ts';
import { searchAttributes } from '../../../contracts/names.ts';
import type { TestPostgres } from './postgres.ts';
import { temporalDynamicConfig, temporalServerConfig } from './temporal-config.ts';
import type { TemporalServerPlan } from './temporal-config.ts';
import { createServiceFolder, startTestProcess, testReporter } from './test-process.ts';
import type { TestService } from './test-process.ts';

/** A Temporal server for tests. */
export interface TestTemporal extends TestService {
  /** The frontend, as SDKs want it. */
  readonly address: string;
  readonly namespace: string;
  /** Where the server shows its metrics. */
  readonly metricsUrl: string;
}

/** What a test has to give, and may choose. */
export interface TestTemporalOptions {
  readonly postgres: TestPostgres;
  /** Begins the names of its two databases, so that several servers fit into one PostgreSQL. Default `temporal`. */
  readonly databasePrefix?: string;
}

/** Starts a Temporal server on a PostgreSQL; its programs are built the first time, which takes minutes. */
export async function startTestTemporal(options: TestTemporalOptions): Promise<TestTemporal> {
  const search = { env: process.env, reporter: testReporter };
  const server = await getTemporalProgram('temporal-server', search);
  const folder = createServiceFolder('temporal');
  const prefix = options.databasePrefix ?? 'temporal';
  const plan: TemporalServerPlan = {
    postgres: options.postgres,
    databases: { temporal: prefix, visibility: `${prefix}_visibility` },
    ports: await findFreePorts(9),
    dynamicConfigFile: join(folder, 'dynamicconfig.yaml'),
  };
  const configFile = join(folder, 'temporal.yaml');
  writeFileSync(plan.dynamicConfigFile, JSON.stringify(temporalDynamicConfig()));
  writeFileSync(configFile, JSON.stringify(temporalServerConfig(plan)), { mode: 0o600 });
  await createSchema(await getTemporalProgram('temporal-sql-tool', search), plan);

  const address = `${loopback}:${plan.ports[0] ?? 0}`;
  const service = await startTestProcess({
    name: 'temporal-server',
    folder,
    stopSteps: stopSteps.temporal,
    prepare: async () => Promise.resolve(),
    command: () => {
      const args = ['--config-file', configFile, '--allow-no-auth', 'start'];
      const env = { ...process.env, TEMPORAL_VERSION_CHECK_DISABLED: '1' };
      return { file: server, args, env, cwd: folder };
    },
    isReady: async () => isTemporalServing(address),
  });
  try {
    await registerNamespace(address);
  } catch (error) {
    await service.stop();
    throw error;
  }
  const metricsUrl = `http://${loopback}:${plan.ports[8] ?? 0}/metrics`;
  return { ...service, address, namespace: temporalNamespace, metricsUrl };
}

/** Makes both databases with their tables; every step may be repeated. */
async function createSchema(
  tool: string,
  { postgres, databases }: TemporalServerPlan,
): Promise<void> {
  const env = {
    ...process.env,
    SQL_PLUGIN: 'postgres12_pgx',
    SQL_HOST: postgres.host,
    SQL_PORT: String(postgres.port),
    SQL_USER: postgres.user,
    SQL_PASSWORD: postgres.password,
  };
  const create = async (store: 'temporal' | 'visibility'): Promise<void> => {
    const commands = [
      ['create-database'],
      ['setup-schema', '-v', '0.0'],
      ['update-schema', '--schema-name', `postgresql/v12/${store}`],
    ];
    for (const command of commands) {
      const result = await runProgram(tool, ['--database', databases[store], ...command], { env });
      if (result.code !== 0)
        throw new Error(`${tool} ${command.join(' ')} failed:\n${result.stderr}`);
    }
  };
  await Promise.all([create('temporal'), create('visibility')]);
}

/** Makes the namespace with ado's search attributes, and waits until both can be used. */
async function registerNamespace(address: string): Promise<void> {
  const connection = await Connection.connect({ address });
  try {
    const { workflowService, operatorService } = connection;
    await workflowService.registerNamespace({
      namespace: temporalNamespace,
      workflowExecutionRetentionPeriod: msToTs('72h'),
    });
    const names = Object.values(searchAttributes);
    const keyword = 2; // INDEXED_VALUE_TYPE_KEYWORD of temporal/api/enums/v1/common.proto
    const attributes = Object.fromEntries(names.map((name) => [name, keyword]));
    await untilItWorks(async () =>
      operatorService.addSearchAttributes({
        namespace: temporalNamespace,
        searchAttributes: attributes,
      }),
    );
    // The frontend's own list of namespaces is older than the others'.
    const query = names.map((name) => `${name} = "none"`).join(' AND ');
    await untilItWorks(async () =>
      workflowService.listWorkflowExecutions({ namespace: temporalNamespace, query }),
    );
  } finally {
    await connection.close();
  }
}

const namespacePatienceMs = 20_000;

/** Repeats what fails until a new namespace is known to all of the server's services, which takes a second or two. */
async function untilItWorks(attempt: () => Promise<unknown>): Promise<void> {
  const deadline = Date.now() + namespacePatienceMs;
  for (;;) {
    try {
      await attempt();
      return;
    } catch (error) {
      if (Date.now() >= deadline) throw error;
      await delay(50);
    }
  }
}
