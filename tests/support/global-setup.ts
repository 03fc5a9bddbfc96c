/**
 * Starts what the tests of this run share: PostgreSQL, Redis, Temporal on that PostgreSQL, and the workflow bundle. Each
 * test file takes a database, a key prefix or a namespace of its own from them. Fault tests start their own instead.
 */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundleWorkflowCode, DefaultLogger } from '@temporalio/worker';
import { provideTestService } from './environment.ts';
import { startTestPostgres } from './services/postgres.ts';
import { startTestRedis } from './services/redis.ts';
import { startTestTemporal } from './services/temporal.ts';
import type { TestService } from './services/test-process.ts';

/** What global-teardown.ts ends. */
export const startedServices: TestService[] = [];

/** Jest's global setup. */
export default async function globalSetup(): Promise<void> {
  const bundle = bundleWorkflows();
  const [postgres, redis] = await Promise.all([startTestPostgres(), startTestRedis()]);
  startedServices.push(redis, postgres);
  const temporal = await startTestTemporal({ postgres });
  startedServices.unshift(temporal);
  provideTestService('databaseUrl', postgres.superuserUrl);
  provideTestService('redisUrl', redis.url);
  provideTestService('temporalAddress', temporal.address);
  provideTestService('temporalMetricsUrl', temporal.metricsUrl);
  provideTestService('workflowBundle', await bundle);
}

async function bundleWorkflows(): Promise<string> {
  const { code } = await bundleWorkflowCode({
    workflowsPath: join(__dirname, '../../workflows'),
    workflowInterceptorModules: [join(__dirname, '../../workflows/trace')],
    logger: new DefaultLogger('ERROR'),
  });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-bundle-')), 'workflows.js');
  writeFileSync(file, code);
  return file;
}
