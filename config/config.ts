/** The one reader of a server process's environment. */
import { hostname, homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { findAgentsDir } from './agent-programs.ts';
import { environmentSchema, workflowSlots, type Environment } from './environment.ts';
import type { SandboxLimits } from './sandbox-limits.ts';

/** Shorter ones are words that stand in log lines for other reasons. */
const shortestSecret = 12;

/** Values of the environment that must not be read in logs: whatever is named like a credential, and passwords in URLs. */
function findSecrets(env: NodeJS.ProcessEnv): string[] {
  const values = Object.entries(env).flatMap(([name, value = '']) => {
    if (/(KEY|TOKEN|SECRET|PASSWORD)$/.test(name)) return [value];
    const { password = '' } = URL.parse(value) ?? {};
    return [password, decoded(password)];
  });
  return [...new Set(values)].filter((value) => value.length >= shortestSecret);
}

function decoded(password: string): string {
  try {
    return decodeURIComponent(password);
  } catch {
    return password;
  }
}

const sandboxLimitNames = {
  ADO_SANDBOX_MEMORY_BYTES: true,
  ADO_SANDBOX_PROCESSES: true,
  ADO_SANDBOX_FILE_BYTES: true,
  ADO_SANDBOX_CPU_SECONDS: true,
  ADO_SANDBOX_OPEN_FILES: true,
} as const;

function toLimits(env: Pick<Environment, keyof typeof sandboxLimitNames>): SandboxLimits {
  return {
    memoryBytes: env.ADO_SANDBOX_MEMORY_BYTES,
    processes: env.ADO_SANDBOX_PROCESSES,
    fileBytes: env.ADO_SANDBOX_FILE_BYTES,
    cpuSeconds: env.ADO_SANDBOX_CPU_SECONDS,
    openFiles: env.ADO_SANDBOX_OPEN_FILES,
  };
}

function toConfig(env: Environment, secrets: readonly string[]) {
  const dataDir =
    env.ADO_HOME ?? join(env.XDG_DATA_HOME ?? join(homedir(), '.local', 'share'), 'ado');
  return {
    database: { url: env.DATABASE_URL, poolSize: env.DATABASE_POOL_SIZE },
    redis: { url: env.REDIS_URL },
    temporal: {
      address: env.TEMPORAL_ADDRESS,
      namespace: env.TEMPORAL_NAMESPACE,
      uiUrl: env.ADO_TEMPORAL_UI_URL,
    },
    api: {
      host: env.ADO_API_HOST,
      port: env.ADO_API_PORT,
      drainMs: env.ADO_API_DRAIN_MS,
      bootstrapKey: env.ADO_BOOTSTRAP_API_KEY,
      checksSandbox: env.ADO_API_CHECKS_SANDBOX,
      readOnly: env.ADO_API_READ_ONLY,
    },
    metrics: { host: env.ADO_METRICS_HOST, port: env.ADO_METRICS_PORT },
    temporalMetrics:
      env.ADO_TEMPORAL_METRICS_PORT === undefined
        ? undefined
        : { host: env.ADO_METRICS_HOST, port: env.ADO_TEMPORAL_METRICS_PORT },
    worker: {
      hostId: env.ADO_HOST_ID ?? hostname(),
      pools: env.ADO_POOLS,
      slots: {
        workflows: workflowSlots.workflowTasks + workflowSlots.glue,
        models: env.ADO_MODEL_SLOTS,
        agents: env.ADO_AGENT_SLOTS,
      },
      tenantRunningMax: env.ADO_TENANT_RUNNING_MAX,
      workflowCache: env.ADO_WORKFLOW_CACHE,
      shutdownGraceMs: env.ADO_SHUTDOWN_GRACE_MS,
      build: findBuild(env),
    },
    workspaces: {
      ...{ dataDir, toolPath: env.PATH, homeDir: homedir() },
      limits: toLimits(env),
    },
    egress: { privateHosts: env.ADO_EGRESS_PRIVATE_HOSTS ?? [] },
    agents: {
      agentsDir: findAgentsDir({
        ADO_AGENTS_DIR: env.ADO_AGENTS_DIR,
        ADO_CACHE: env.ADO_CACHE,
        XDG_CACHE_HOME: env.XDG_CACHE_HOME,
      }),
      toolPath: env.PATH,
    },
    policy: {
      allowUnsandboxed: env.ADO_ALLOW_UNSANDBOXED,
      scriptedModels: env.ADO_SCRIPTED_MODELS,
    },
    money: {
      confirmAboveCostMicroUsd: env.ADO_CONFIRM_ABOVE_COST_USD,
      maxDailyCostMicroUsd: env.ADO_MAX_DAILY_COST_USD,
      maxTenantCostMicroUsd: env.ADO_MAX_TENANT_COST_USD,
      timeZone: env.ADO_BUDGET_TIME_ZONE,
    },
    providersFile: {
      path: resolve(env.ADO_PROVIDERS_FILE ?? join(dataDir, 'providers.yaml')),
      required: env.ADO_PROVIDERS_FILE !== undefined,
    },
    forges: {
      github: { url: env.ADO_GITHUB_URL, token: env.ADO_GITHUB_TOKEN },
      gitlab: { url: env.ADO_GITLAB_URL, token: env.ADO_GITLAB_TOKEN },
    },
    crashpoints: env.NODE_ENV === 'production' ? undefined : env.ADO_CRASHPOINTS,
    traces: { endpoint: env.OTEL_EXPORTER_OTLP_ENDPOINT, ratio: env.OTEL_TRACES_SAMPLER_ARG },
    log: { level: env.LOG_LEVEL, secrets },
  } as const;
}

/** A build of the workers, as Temporal knows it. */
export interface WorkerBuild {
  readonly deploymentName: string;
  readonly buildId: string;
}

type BuildVariables = Pick<Environment, 'TEMPORAL_DEPLOYMENT_NAME' | 'TEMPORAL_WORKER_BUILD_ID'>;

function findBuild(env: BuildVariables): WorkerBuild | undefined {
  const { TEMPORAL_DEPLOYMENT_NAME: deploymentName, TEMPORAL_WORKER_BUILD_ID: buildId } = env;
  if (deploymentName === undefined || buildId === undefined) return undefined;
  return { deploymentName, buildId };
}

const hasWholeBuild = (env: BuildVariables): boolean =>
  (env.TEMPORAL_DEPLOYMENT_NAME === undefined) === (env.TEMPORAL_WORKER_BUILD_ID === undefined);

/** The configuration of a server process, in the words of the domain. */
export type Config = Readonly<ReturnType<typeof toConfig>>;

/**
 * Reads the whole configuration from the environment, once, at start-up.
 * @throws Error naming every bad or missing variable, not only the first
 */
export function loadConfig(env: NodeJS.ProcessEnv = process.env): Config {
  const whole = environmentSchema.refine(hasWholeBuild, {
    message: 'needed as soon as one of the two is there',
    path: ['TEMPORAL_DEPLOYMENT_NAME and TEMPORAL_WORKER_BUILD_ID'],
  });
  return Object.freeze(toConfig(parse(whole, env), findSecrets(env)));
}

/**
 * Reads what it takes to tell Temporal which build is to get new work.
 * @throws Error naming every bad or missing variable
 */
export function loadBuildConfig(env: NodeJS.ProcessEnv = process.env) {
  const parts = environmentSchema.pick({
    TEMPORAL_ADDRESS: true,
    TEMPORAL_NAMESPACE: true,
    ADO_POOLS: true,
    LOG_LEVEL: true,
  });
  const schema = parts.extend({
    TEMPORAL_DEPLOYMENT_NAME: z.string().min(1),
    TEMPORAL_WORKER_BUILD_ID: z.string().min(1),
  });
  const read = parse(schema, env);
  return {
    temporal: { address: read.TEMPORAL_ADDRESS, namespace: read.TEMPORAL_NAMESPACE },
    build: {
      deploymentName: read.TEMPORAL_DEPLOYMENT_NAME,
      buildId: read.TEMPORAL_WORKER_BUILD_ID,
    },
    pools: read.ADO_POOLS,
    log: { level: read.LOG_LEVEL, secrets: findSecrets(env) },
  } as const;
}

/**
 * Reads what it takes to try an agent without a platform.
 * @throws Error naming every bad or missing variable
 */
export function loadAgentsConfig(env: NodeJS.ProcessEnv = process.env) {
  const { PATH } = parse(environmentSchema.pick({ PATH: true }), env);
  return { agentsDir: findAgentsDir(env), toolPath: PATH, homeDir: homedir() } as const;
}

/**
 * Reads what it takes to try the sandbox without a platform.
 * @throws Error naming every bad variable
 */
export function loadSandboxConfig(env: NodeJS.ProcessEnv = process.env) {
  const read = parse(environmentSchema.pick({ PATH: true, ...sandboxLimitNames }), env);
  return { toolPath: read.PATH, homeDir: homedir(), limits: toLimits(read) } as const;
}

function parse<T>(schema: z.ZodType<T>, env: NodeJS.ProcessEnv): T {
  const parsed = schema.safeParse(env);
  if (!parsed.success) throw new Error(`Bad configuration:\n${z.prettifyError(parsed.error)}`);
  return parsed.data;
}
