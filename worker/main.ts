/** Starts a worker process: wires the parts of the platform together and serves the configured pools until it is told to end. */
import { join } from 'node:path';
import packageJson from '../package.json' with { type: 'json' };
import type { ActivityDeps } from '../activities/deps.ts';
import { createCallEstimates } from '../activities/estimate-call.ts';
import { createGateTools } from '../adapters/gates/create-gate-tools.ts';
import { createAgentTools } from '../adapters/agents/builtin-tools.ts';
import { createCodingAgents } from '../adapters/agents/create-coding-agents.ts';
import { createCrashPoint } from '../adapters/crashpoints.ts';
import { createModelGateway } from '../adapters/gateway/model-gateway.ts';
import { createAccountTester } from '../adapters/models/account-tester.ts';
import { collectStream } from '../adapters/models/collect-stream.ts';
import { createModels } from '../adapters/models/create-models.ts';
import { createLimitLooks } from '../adapters/models/limit-looks.ts';
import { createLimitScopes } from '../adapters/models/limit-scopes.ts';
import { createPrices } from '../adapters/models/prices.ts';
import { createUsedSince } from '../adapters/postgres/account-usage.ts';
import { createApprovalJournal } from '../adapters/postgres/approvals.ts';
import { createBatchJournal } from '../adapters/postgres/batch-journal.ts';
import { createLedger } from '../adapters/postgres/ledger.ts';
import { createTaskJournal } from '../adapters/postgres/task-journal.ts';
import { createPriceStore } from '../adapters/postgres/price-store.ts';
import { createDatabase } from '../adapters/postgres/tenant-transaction.ts';
import {
  createLimiterRedis,
  createRedis,
  createSubscriberRedis,
} from '../adapters/redis/client.ts';
import { createLiveChannel } from '../adapters/redis/live-channel.ts';
import type { Tracing } from '../adapters/ports.ts';
import { createResilientLimiter } from '../adapters/redis/resilient-limiter.ts';
import { createSlotLeases } from '../adapters/redis/slot-leases.ts';
import { createSubscriptions } from '../adapters/redis/subscriptions.ts';
import { createWorkerRegistry } from '../adapters/redis/worker-registry.ts';
import { startInternalServer } from '../adapters/telemetry/internal-server.ts';
import { createLimitGauges } from '../adapters/telemetry/limit-gauges.ts';
import { createLogger } from '../adapters/telemetry/logger.ts';
import { measureLimiter } from '../adapters/telemetry/measured-limiter.ts';
import { createMetrics, type Metrics } from '../adapters/telemetry/metrics.ts';
import { traceMetrics, traceTools } from '../adapters/telemetry/traced-work.ts';
import { createTracing } from '../adapters/telemetry/tracing.ts';
import { createForges } from '../adapters/forges/create-forges.ts';
import { checkSandbox } from '../adapters/workspaces/check-sandbox.ts';
import { createWorkspaces, type HostWorkspaces } from '../adapters/workspaces/create-workspaces.ts';
import { loadConfig } from '../config/config.ts';
import { loadProviderAccounts, type ProviderAccount } from '../config/providers-config.ts';
import { codeOf } from '../contracts/errors.ts';
import { hostQueue } from '../contracts/names.ts';
import { startAnnouncing } from './announce.ts';
import { createWorkers } from './create-worker.ts';
import { createStopSignal, runWorkers } from './shutdown.ts';
import { connectToTemporal, installTemporalRuntime, isServing } from './temporal-runtime.ts';
import { prepareWorkflowBundle } from './workflow-bundle.ts';

/** How often worktrees that nobody needs are removed. */
const sweepEveryMs = 3_600_000;

const config = loadConfig();
const log = createLogger({ process: 'worker', ...config.log });
const stop = createStopSignal();
try {
  await serve();
} catch (error) {
  if (!stop.aborted) {
    log.fatal({ err: error }, 'worker-failed');
    process.exit(1);
  }
}
log.info('worker-stopped');
// Not left to the event loop: what an abandoned activity has started may hold it open.
process.exit(0);

/** Serves until the stop signal, or until a part fails. */
async function serve(): Promise<void> {
  const startedAt = new Date().toISOString();
  // As Temporal's web UI shows it.
  const workerId = `${config.worker.hostId}/${process.pid}`;
  const { namespace, address } = config.temporal;
  const clock = { now: () => Date.now() };
  const accounts = loadProviderAccounts(config.providersFile);
  const tracing = createTracing({
    ...config.traces,
    process: 'worker',
    version: packageJson.version,
    instance: workerId,
  });
  const metrics = traceMetrics(createMetrics(), tracing);
  const resilient = createResilientLimiter({
    redis: createLimiterRedis(config.redis.url, log),
    clock,
    workerId,
    log,
    onDegraded: (isDegraded) => metrics.limiterBecame(isDegraded ? 'degraded' : 'well'),
  });
  const limiter = measureLimiter(resilient, metrics);
  const crashpoint = createCrashPoint(
    config.crashpoints,
    join(config.workspaces.dataDir, 'crashpoints'),
  );
  const workspaces = createWorkspaces({
    ...config.workspaces,
    ...config.policy,
    crashpoint,
    egress: {
      ...config.egress,
      onDecision({ host, outcome, isFirst }) {
        metrics.egressDecided(outcome);
        if (isFirst) log.info({ host, outcome }, 'egress-decided');
      },
    },
  });
  const activities = createDeps({
    accounts,
    clock,
    limiter,
    metrics,
    crashpoint,
    workspaces,
    tracing,
  });

  const temporalLogger = await installTemporalRuntime(log, config.temporalMetrics);
  let ready = (): Promise<boolean> => Promise.resolve(false);
  const lookAtLimits = config.worker.pools.includes('models')
    ? createLimitGauges({ accounts, lookAt: createLimitLooks(limiter), metrics, clock })
    : () => Promise.resolve();
  const internal = await startInternalServer({
    ...config.metrics,
    isReady: () => ready(),
    metrics: {
      async read() {
        await lookAtLimits();
        return metrics.read();
      },
    },
  });
  log.info(
    { port: internal.port, pools: config.worker.pools, hostId: config.worker.hostId },
    'worker-starting',
  );

  const [connection, workflowBundle] = await Promise.all([
    connectToTemporal({ address, namespace, log, stop }),
    prepareWorkflowBundle(join(config.workspaces.dataDir, 'cache'), temporalLogger),
    assertTight(),
  ]);
  const poolWorkers = await createWorkers({
    connection,
    namespace,
    settings: config.worker,
    activities,
    workflowBundle,
    tracing,
  });
  const workers = poolWorkers.map(({ worker }) => worker);
  ready = () => isServing(connection, workers);
  if (config.worker.pools.includes('agents')) sweepNowAndThen(workspaces);
  await resilient.start();
  const running = runWorkers(workers, stop);
  const endAnnouncing = startAnnouncing({
    registry: createWorkerRegistry({ redis: createRedis(config.redis.url, log) }),
    workers: poolWorkers,
    slots: config.worker.slots,
    facts: {
      id: workerId,
      hostId: config.worker.hostId,
      version: packageJson.version,
      buildId: config.worker.build?.buildId,
      startedAt,
    },
    stop,
  });
  log.info('worker-ready');
  await running;
  await endAnnouncing();
  await tracing.close();
  await connection.close();
}

/**
 * Has a probe try to get out of the sandbox before any agent does. A host that cannot make sandboxes serves what asks for
 * none; the other tasks end with SANDBOX_UNAVAILABLE. @throws SANDBOX_LEAKS
 */
async function assertTight(): Promise<void> {
  if (!config.worker.pools.includes('agents')) return;
  try {
    log.info(await checkSandbox(config.workspaces), 'sandbox-holds');
  } catch (error) {
    if (codeOf(error) === 'SANDBOX_LEAKS') throw error;
    log.warn({ err: error }, 'sandbox-unavailable');
  }
}

function createDeps({
  accounts,
  clock,
  limiter,
  metrics,
  crashpoint,
  workspaces,
  tracing,
}: Pick<ActivityDeps, 'clock' | 'limiter' | 'crashpoint' | 'workspaces'> & {
  readonly accounts: readonly ProviderAccount[];
  readonly metrics: Metrics;
  readonly tracing: Tracing;
}): ActivityDeps {
  const store = createDatabase(config.database.url, config.database.poolSize);
  const subscriptions = createSubscriptions(createSubscriberRedis(config.redis.url, log));
  const { hostId, tenantRunningMax } = config.worker;
  return {
    journal: createTaskJournal(store),
    batches: createBatchJournal(store),
    approvals: createApprovalJournal(store),
    workspaces,
    forges: createForges(config.forges),
    slots: createSlotLeases({ redis: createRedis(config.redis.url, log), subscriptions, metrics }),
    live: createLiveChannel(createRedis(config.redis.url, log), subscriptions),
    models: createModels({
      scriptedModels: config.policy.scriptedModels,
      accounts,
      clock,
      prices: createPrices({ overrides: createPriceStore(store), clock, metrics }),
    }),
    limiter,
    limitScopes: createLimitScopes(createUsedSince(store)),
    ledger: createLedger(store),
    money: config.money,
    estimates: createCallEstimates(),
    accounts: createAccountTester({ accounts, clock }),
    gates: createGateTools(),
    tools: traceTools(createAgentTools(), tracing),
    agents: createCodingAgents(config.agents),
    gateway: createModelGateway({ dataDir: config.workspaces.dataDir, clock }),
    collectStream,
    metrics,
    crashpoint,
    clock,
    hostId,
    hostQueue: hostQueue(hostId),
    tenantRunningMax,
    asksModels: config.worker.pools.includes('models'),
  };
}

function sweepNowAndThen(workspaces: HostWorkspaces): void {
  const sweep = (): void => {
    workspaces.sweep(new Date()).then(
      (removed) => log.debug({ removed }, 'workspaces-swept'),
      (error: unknown) => log.warn({ err: error }, 'workspaces-sweep-failed'),
    );
  };
  sweep();
  setInterval(sweep, sweepEveryMs).unref();
}
