/** What a process sets once for all of its Temporal workers, and how it connects. */
import { lookup } from 'node:dns/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  DefaultLogger,
  NativeConnection,
  Runtime,
  type LogEntry,
  type Logger as TemporalLogger,
  type Worker,
} from '@temporalio/worker';
import type { Logger } from '../adapters/telemetry/logger.ts';
import { ensureSearchAttributes } from '../adapters/temporal/search-attributes.ts';
import type { Config } from '../config/config.ts';

/** Longest pause between two tries to connect. */
const connectPauseMs = 500;
/** Time for Temporal to say that it is there. */
const healthTimeoutMs = 1_000;

/**
 * Routes the SDK's log lines into ours, and leaves signals to shutdown.ts. Before anything else of the SDK.
 * @param metrics where the SDK shows metrics of its own; undefined: nowhere
 * @throws Error when that address cannot be listened on
 */
export async function installTemporalRuntime(
  log: Logger,
  metrics: Config['temporalMetrics'],
): Promise<TemporalLogger> {
  const logger = new DefaultLogger('INFO', (entry) => {
    forward(log, entry);
  });
  Runtime.install({
    logger,
    telemetryOptions: {
      logging: { filter: { core: 'WARN', other: 'ERROR' }, forward: {} },
      ...(metrics === undefined ? {} : { metrics: { prometheus: await prometheusOf(metrics) } }),
    },
    shutdownSignals: [],
  });
  return logger;
}

/** Base units and names as Prometheus has them; the SDK's own default is milliseconds, and no suffixes. */
async function prometheusOf({ host, port }: NonNullable<Config['temporalMetrics']>) {
  const { address, family } = await lookup(host);
  return {
    bindAddress: `${family === 6 ? `[${address}]` : address}:${port}`,
    countersTotalSuffix: true,
    unitSuffix: true,
    useSecondsForDurations: true,
  };
}

function forward(log: Logger, { level, message, meta }: LogEntry): void {
  const fields = { ...meta, sdk: message };
  switch (level) {
    case 'TRACE':
    case 'DEBUG':
      log.debug(fields, 'temporal');
      return;
    case 'INFO':
      // The SDK tells each change of a worker's state, and each start and end of a workflow.
      log.debug(fields, 'temporal');
      return;
    case 'WARN':
      // Workers of activities only have no workflows by intent.
      if (message.startsWith('No workflows registered')) log.debug(fields, 'temporal');
      else log.warn(fields, 'temporal');
      return;
    case 'ERROR':
      log.error(fields, 'temporal');
  }
}

/** Where Temporal is, and how long to wait for it. */
export interface ConnectOptions {
  readonly address: string;
  readonly namespace: string;
  readonly log: Logger;
  readonly stop: AbortSignal;
}

/**
 * Connects to Temporal and makes sure of ado's search attributes, waiting as long as it takes: servers, namespace and
 * workers may start in any order. Rejects only when told to stop.
 */
export async function connectToTemporal({
  address,
  namespace,
  log,
  stop,
}: ConnectOptions): Promise<NativeConnection> {
  for (let lastReason = ''; ;) {
    try {
      // Compression costs CPU on both sides (15 % of the throughput on one machine).
      const connection = await NativeConnection.connect({
        address,
        grpcCompression: { codec: 'none' },
      });
      await ensureSearchAttributes(connection, namespace);
      return connection;
    } catch (error) {
      const reason = error instanceof Error ? error.message : String(error);
      if (reason !== lastReason) log.warn({ address, namespace, reason }, 'temporal-awaited');
      lastReason = reason;
      await sleep(connectPauseMs, undefined, { signal: stop });
    }
  }
}

/** Answers whether Temporal answers and all workers take tasks. */
export async function isServing(
  connection: NativeConnection,
  workers: readonly Worker[],
): Promise<boolean> {
  if (!workers.every((worker) => worker.getState() === 'RUNNING')) return false;
  try {
    await connection.withDeadline(Date.now() + healthTimeoutMs, () =>
      connection.workflowService.getSystemInfo({}),
    );
    return true;
  } catch {
    return false;
  }
}
