/** The configuration files of a Temporal server on PostgreSQL, for tests: all four services in one process. */
import { loopback } from '../../../cli/dev/ports.ts';
import { tunedSettings } from '../../../cli/dev/services/temporal.ts';
import type { TestPostgres } from './postgres.ts';

/** What the files depend on. */
export interface TemporalServerPlan {
  readonly postgres: Pick<TestPostgres, 'host' | 'port' | 'user' | 'password'>;
  readonly databases: { readonly temporal: string; readonly visibility: string };
  /** Nine free ports: four that speak gRPC, four with which the services find each other, one for metrics. */
  readonly ports: readonly number[];
  readonly dynamicConfigFile: string;
}

/** `temporal.yaml`, as a value; JSON is YAML. */
export function temporalServerConfig(plan: TemporalServerPlan): object {
  const { postgres, databases, ports } = plan;
  const store = (databaseName: string, maxConns: number): object => ({
    sql: {
      pluginName: 'postgres12_pgx', // About a quarter faster than postgres12 (measured).
      databaseName,
      connectAddr: `${postgres.host}:${postgres.port}`,
      connectProtocol: 'tcp',
      user: postgres.user,
      password: postgres.password,
      maxConns,
      maxIdleConns: maxConns,
      maxConnLifetime: '1h',
    },
  });
  const names = ['frontend', 'history', 'matching', 'worker'];
  const services = names.map((name, place) => {
    const rpc = { grpcPort: ports[place], membershipPort: ports[place + 4], bindOnLocalHost: true };
    return [name, { rpc }] as const;
  });
  return {
    log: { stdout: true, level: 'warn' },
    persistence: {
      defaultStore: 'main',
      visibilityStore: 'visibility',
      numHistoryShards: 4,
      datastores: {
        main: store(databases.temporal, 20),
        visibility: store(databases.visibility, 10),
      },
    },
    global: {
      membership: { maxJoinDuration: '30s', broadcastAddress: loopback },
      metrics: {
        prometheus: { timerType: 'histogram', listenAddress: `${loopback}:${ports[8] ?? 0}` },
      },
    },
    services: Object.fromEntries(services),
    clusterMetadata: {
      enableGlobalNamespace: false,
      failoverVersionIncrement: 10,
      masterClusterName: 'active',
      currentClusterName: 'active',
      clusterInformation: {
        active: {
          enabled: true,
          initialFailoverVersion: 1,
          rpcName: 'frontend',
          rpcAddress: `localhost:${ports[0] ?? 0}`,
        },
      },
    },
    dynamicConfigClient: { filepath: plan.dynamicConfigFile, pollInterval: '10s' },
  };
}

/** Settings for tests beside those that ado uses everywhere: limits out of the way, and no stale definitions. */
const testSettings: Readonly<Record<string, number | boolean>> = {
  ...tunedSettings,
  'activity.enableStandalone': true,
  // A search attribute is usable at once; by default its definition is cached for about a minute.
  'system.forceSearchAttributesCacheRefreshOnRead': true,
  'frontend.rps': 20_000,
  'frontend.namespaceRPS': 20_000,
  'frontend.namespaceCount': 10_000,
  'frontend.namespaceRPS.visibility': 200,
  'history.rps': 20_000,
  'matching.rps': 20_000,
  'frontend.persistenceMaxQPS': 20_000,
  'history.persistenceMaxQPS': 20_000,
  'matching.persistenceMaxQPS': 20_000,
  'limit.maxIDLength': 255,
  'history.hostLevelCacheMaxSize': 8_192,
};

/** `dynamicconfig.yaml`, as a value. */
export function temporalDynamicConfig(): object {
  return Object.fromEntries(
    Object.entries(testSettings).map(([name, value]) => [name, [{ value }]]),
  );
}
