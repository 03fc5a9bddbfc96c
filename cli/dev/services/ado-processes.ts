/** ado's own two processes, API and worker, started from this checkout with the addresses of all other parts. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { adoVersion, checkoutRoot, nodeFlags, programPath } from '../checkout.ts';
import { postgresVariables, temporalVariables, withoutVariables } from '../environment.ts';
import { findCache, getLocalApiKey } from '../home.ts';
import { loopback } from '../ports.ts';
import type { PortName } from '../ports.ts';
import type { Externals } from '../programs.ts';
import { answersHttp } from '../probes.ts';
import type { Command, Part, PartName, PortOf } from './part.ts';
import { postgresUrl } from './postgres.ts';
import { redisUrl } from './redis.ts';
import { temporalAddress, temporalNamespace, temporalUiUrl } from './temporal.ts';

/** What both processes are made from. */
export interface AdoProcessOptions {
  readonly home: string;
  readonly env: NodeJS.ProcessEnv;
  readonly externals: Externals;
  /** What Node runs instead of the checkout's own program; for tests. */
  readonly program?: string | undefined;
}

/**
 * V8's space for young objects of the API, in MB; the default is at least four times as much. A request of 10,000 items
 * fills it, and V8 does not give it back: the API grew by 50-58 MB, and with this by 9-31 MB, in no more time. The worker
 * gets no such requests, and is no smaller with it.
 */
const apiFlags = ['--max-semi-space-size=4'];

const embedded = ['postgres', 'redis', 'temporal'] as const;

/** The API as a part: ready when its `/health/ready` is, which it says after the migrations. */
export function createApi(options: AdoProcessOptions): Part {
  const url = (portOf: PortOf): string => `http://${loopback}:${String(portOf('api'))}`;
  return {
    name: 'api',
    needs: listNeeds(options.externals),
    ports: ['api', 'api-metrics'],
    prepare: async () => prepare(options.home),
    command: (portOf) => nodeCommand(options, portOf, ['api/main', 'api-metrics']),
    isReady: async (_pid, portOf) => answersHttp(`${url(portOf)}/health/ready`),
    services: (portOf) => [{ name: 'api', url: url(portOf), version: adoVersion() }],
  };
}

/** The worker as a part: it serves no requests, so its metrics port answers for its health. */
export function createWorker(options: AdoProcessOptions): Part {
  const url = (portOf: PortOf): string => `http://${loopback}:${String(portOf('worker-metrics'))}`;
  return {
    name: 'worker',
    needs: listNeeds(options.externals),
    ports: ['worker-metrics'],
    prepare: async () => prepare(options.home),
    command: (portOf) => nodeCommand(options, portOf, ['worker/main', 'worker-metrics']),
    isReady: async (_pid, portOf) => answersHttp(`${url(portOf)}/health/ready`),
    services: (portOf) => [{ name: 'worker', url: url(portOf), version: adoVersion() }],
  };
}

function listNeeds(externals: Externals): PartName[] {
  return embedded.filter((name) => externals[name] === undefined);
}

async function prepare(home: string): Promise<void> {
  mkdirSync(home, { recursive: true });
  getLocalApiKey(home);
  return Promise.resolve();
}

function nodeCommand(
  options: AdoProcessOptions,
  portOf: PortOf,
  [name, metricsPort]: readonly [program: string, metricsPort: PortName],
): Command {
  const program = options.program ?? programPath(name);
  const env = adoEnv(options, portOf);
  return {
    file: process.execPath,
    args: [...nodeFlags(), ...(name === 'api/main' ? apiFlags : []), program],
    env: { ...env, ADO_METRICS_PORT: String(portOf(metricsPort)) },
    cwd: checkoutRoot(),
  };
}

/**
 * The environment of both: the caller's (provider keys, proxies, certificates and toolchains come from it), with the
 * platform's own addresses. What the caller has set for other servers of a kind that is embedded here is left out.
 */
function adoEnv({ home, env, externals }: AdoProcessOptions, portOf: PortOf): NodeJS.ProcessEnv {
  const kept = withoutVariables(
    env,
    ...(externals.postgres === undefined ? [postgresVariables] : []),
    ...(externals.temporal === undefined ? [temporalVariables] : []),
  );
  const namespace = externals.temporal === undefined ? undefined : env['TEMPORAL_NAMESPACE'];
  const uiUrl =
    externals.temporal === undefined ? temporalUiUrl(portOf) : env['ADO_TEMPORAL_UI_URL'];
  return {
    ...kept,
    DATABASE_URL: externals.postgres ?? postgresUrl(home, portOf),
    REDIS_URL: externals.redis ?? redisUrl(portOf),
    TEMPORAL_ADDRESS: externals.temporal ?? temporalAddress(portOf),
    TEMPORAL_NAMESPACE: namespace ?? temporalNamespace,
    ...(uiUrl === undefined ? {} : { ADO_TEMPORAL_UI_URL: uiUrl }),
    ADO_HOME: home,
    ADO_API_HOST: loopback,
    ADO_API_PORT: String(portOf('api')),
    ADO_BOOTSTRAP_API_KEY: getLocalApiKey(home),
    ADO_SCRIPTED_MODELS: 'true',
    LOG_LEVEL: env['LOG_LEVEL'] ?? 'info',
    // Node keeps what it compiled: the second start does not parse a thousand modules again.
    NODE_COMPILE_CACHE: env['NODE_COMPILE_CACHE'] ?? join(findCache(env), 'node-compile'),
  };
}
