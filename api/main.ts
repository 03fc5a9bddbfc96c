/** Starts the API process: wires the parts of the platform together and serves them. The only file with side effects. */
import { once } from 'node:events';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import packageJson from '../package.json' with { type: 'json' };
import { createAgentTools } from '../adapters/agents/builtin-tools.ts';
import { createCrashPoint } from '../adapters/crashpoints.ts';
import { createModels } from '../adapters/models/create-models.ts';
import { createLimitLooks } from '../adapters/models/limit-looks.ts';
import { createPrices } from '../adapters/models/prices.ts';
import { createApprovalStore } from '../adapters/postgres/approvals.ts';
import { createAccountUsage } from '../adapters/postgres/used-accounts.ts';
import { createKeyStore } from '../adapters/postgres/key-store.ts';
import { migrate } from '../adapters/postgres/migrate.ts';
import { createLedger } from '../adapters/postgres/ledger.ts';
import { createOutbox } from '../adapters/postgres/outbox.ts';
import { lookAtOpenTasks } from '../adapters/postgres/open-tasks.ts';
import { createPriceStore } from '../adapters/postgres/price-store.ts';
import { createTaskJournal } from '../adapters/postgres/task-journal.ts';
import { createTaskStore } from '../adapters/postgres/task-store.ts';
import { checkPostgres, createDatabase } from '../adapters/postgres/tenant-transaction.ts';
import { createUsageStore } from '../adapters/postgres/usage-store.ts';
import {
  createLimiterRedis,
  createRedis,
  createSubscriberRedis,
} from '../adapters/redis/client.ts';
import { createLiveChannel } from '../adapters/redis/live-channel.ts';
import { createRateLimiter } from '../adapters/redis/rate-limiter.ts';
import { createSubscriptions } from '../adapters/redis/subscriptions.ts';
import { createWorkerRegistry } from '../adapters/redis/worker-registry.ts';
import { createFleetGauges } from '../adapters/telemetry/fleet-gauges.ts';
import { startInternalServer } from '../adapters/telemetry/internal-server.ts';
import { createLogger, type Logger } from '../adapters/telemetry/logger.ts';
import { createMetrics } from '../adapters/telemetry/metrics.ts';
import { traceDeliveries } from '../adapters/telemetry/traced-work.ts';
import { createTracing } from '../adapters/telemetry/tracing.ts';
import { createWorkflowEngine } from '../adapters/temporal/workflow-engine.ts';
import { createGateTools } from '../adapters/gates/create-gate-tools.ts';
import { checkSandbox } from '../adapters/workspaces/check-sandbox.ts';
import { createWorkspaces } from '../adapters/workspaces/create-workspaces.ts';
import { loadConfig, type Config } from '../config/config.ts';
import { loadProviderAccounts } from '../config/providers-config.ts';
import { codeOf } from '../contracts/errors.ts';
import { roleScopes } from '../contracts/http.schema.ts';
import { localTenantId } from '../contracts/names.ts';
import { createApp } from './create-app.ts';
import { deliverWhenReady } from './deliver-when-ready.ts';
import { streamTiming, type Dependency } from './deps.ts';
import { endLostTasks } from './end-lost-tasks.ts';
import { relayTiming, startOutboxRelay } from './outbox-relay.ts';
import { startServer } from './server.ts';
import { rememberCheck } from './use-cases/check-work.ts';
import { findMissing } from './use-cases/find-missing.ts';
import { createPoolLook } from './use-cases/measure-pools.ts';
import { waitForStore } from './wait-for-store.ts';

/** Time that requests under way get when the process is asked to end. */
const shutdownGraceMs = 5_000;

/** Runs the API until it is asked to end. */
async function run(config: Config, log: Logger, stopping: AbortSignal): Promise<void> {
  const clock = { now: () => Date.now() };
  // First of all: a mistake in the file is told at once, not when the stores are up.
  const accounts = loadProviderAccounts(config.providersFile);
  const metrics = createMetrics();
  const tracing = createTracing({
    ...config.traces,
    process: 'api',
    version: packageJson.version,
    instance: `${hostname()}/${process.pid}`,
  });
  const crashPoint = createCrashPoint(
    config.crashpoints,
    join(config.workspaces.dataDir, 'crashpoints'),
  );
  const database = createDatabase(config.database.url, config.database.poolSize);
  const redis = createRedis(config.redis.url, log);
  const subscriber = createSubscriberRedis(config.redis.url, log);
  const limiterRedis = createLimiterRedis(config.redis.url, log);
  const live = createLiveChannel(redis, createSubscriptions(subscriber));
  const engine = createWorkflowEngine(config.temporal);
  const workspaces = createWorkspaces({
    ...config.workspaces,
    allowUnsandboxed: config.policy.allowUnsandboxed,
    crashpoint: crashPoint,
  });
  const keys = createKeyStore(database);
  const sandboxCheck = config.api.checksSandbox
    ? rememberCheck(() => checkSandbox(config.workspaces).then(() => undefined), clock, 600_000)
    : () => Promise.resolve();
  // Begun ahead of the first submit, which would else wait for it.
  void sandboxCheck().catch(() => undefined);

  /** Aborts when requests are taken no more: a while after the process is asked to end. */
  const closing = new AbortController();
  const dependencies: Dependency[] = [
    { code: 'SERVER_STOPPING', isReady: () => Promise.resolve(!stopping.aborted) },
    { code: 'STORE_UNAVAILABLE', isReady: () => checkPostgres(database).then(() => true) },
    { code: 'LIMITER_UNAVAILABLE', isReady: () => redis.ping().then(() => true) },
    { code: 'ENGINE_UNAVAILABLE', isReady: () => engine.isReady() },
  ];
  const registry = createWorkerRegistry({ redis });
  const lookAtPools = createPoolLook({
    registry,
    queues: engine,
    slots: config.worker.slots,
    clock,
  });
  const lookAtFleet = createFleetGauges({
    lookAtPools,
    lookAtTasks: () => lookAtOpenTasks(database),
    metrics,
  });
  const internal = await startInternalServer({
    ...config.metrics,
    metrics: {
      async read() {
        await lookAtFleet();
        return metrics.read();
      },
    },
    lookAtPools,
    isReady: async () => (await findMissing(dependencies)) === undefined,
  });

  const { bootstrapKey, readOnly } = config.api;
  if (!readOnly) await waitForStore(() => migrate(config.database.url), log, stopping);
  if (!readOnly && bootstrapKey !== undefined) {
    const ensure = () => keys.ensureKey(localTenantId, 'local', bootstrapKey, roleScopes.admin);
    await waitForStore(ensure, log, stopping);
  }

  const startRelay = () =>
    startOutboxRelay({
      outbox: createOutbox(database),
      engine: { deliver: traceDeliveries(deliverWhenReady(engine), tracing) },
      crashPoint,
      metrics,
      log,
      timing: relayTiming,
    });
  const searchLostTasks = () =>
    endLostTasks({ engine, journal: createTaskJournal(database), live, log }, stopping);
  const relay = readOnly ? undefined : startRelay();
  const searching = readOnly ? undefined : searchLostTasks();
  const priceStore = createPriceStore(database);
  const prices = createPrices({ overrides: priceStore, clock, metrics });
  const app = createApp({
    store: createTaskStore(database),
    approvals: createApprovalStore(database),
    keys,
    workspaces,
    gates: createGateTools(),
    models: createModels({
      scriptedModels: config.policy.scriptedModels,
      accounts,
      clock,
      prices,
    }),
    toolDefinitions: createAgentTools().definitions,
    usage: createUsageStore(database),
    ledger: createLedger(database),
    budgets: config.money,
    priceStore,
    prices,
    providers: {
      accounts,
      file: config.providersFile.path,
      usage: createAccountUsage(database),
      lookAt: createLimitLooks(createRateLimiter({ redis: limiterRedis })),
      checks: engine,
      timeZone: config.money.timeZone,
    },
    publisher: engine,
    fleet: { listWorkers: () => registry.list(), lookAtPools },
    live,
    wakeRelay: () => relay?.wake(),
    crashPoint,
    clock,
    log,
    checkSandbox: sandboxCheck,
    allowUnsandboxed: config.policy.allowUnsandboxed,
    readOnly,
    confirmAboveCostMicroUsd: config.money.confirmAboveCostMicroUsd,
    dependencies,
    metrics,
    tracing,
    temporalUiUrl: config.temporal.uiUrl,
    version: packageJson.version,
    stopping: closing.signal,
    streams: streamTiming,
  });
  const server = await startServer(app, config.api);
  log.info(
    { url: `http://${config.api.host}:${server.port}`, metricsPort: internal.port, readOnly },
    'api-ready',
  );

  if (!stopping.aborted) await once(stopping, 'abort');
  log.info({ drainMs: config.api.drainMs }, 'api-stopping');
  // Not ready any more, but serving: a load balancer sends requests for as long as it has not noticed.
  server.drain();
  await sleep(config.api.drainMs);
  closing.abort();
  await server.close(shutdownGraceMs);
  await Promise.all([relay?.stop(), searching]);
  await internal.close();
  workspaces.close();
  redis.disconnect();
  subscriber.disconnect();
  limiterRedis.disconnect();
  await Promise.all([engine.close(), database.close(), tracing.close()]);
  log.info({}, 'api-stopped');
}

/** Aborts when the process is asked to end. A second signal ends it at once. */
function createStopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) process.once(name, () => stop.abort());
  return stop.signal;
}

/** Reads the configuration. One that is not valid ends the process with one message: there is no log yet. */
function readConfig(): Config {
  try {
    return loadConfig();
  } catch (error) {
    process.stderr.write(`${(error as Error).message}\n`);
    process.exit(1);
  }
}

const config = readConfig();
const log = createLogger({ process: 'api', ...config.log });
const stopping = createStopSignal();
try {
  await run(config, log, stopping);
} catch (error) {
  // Asked to end before it was up: that is no failure.
  if (!stopping.aborted) {
    const code = codeOf(error);
    log.error(
      code === undefined ? { err: error } : { code, reason: (error as Error).message },
      'api-failed',
    );
    process.exitCode = 1;
  }
}
// What was opened before a failure would keep the process alive.
process.exit();
