/** Every variable that api and worker read. */
import { z } from 'zod';
import { pools } from '../contracts/names.ts';
import { isTimeZone } from '../contracts/calendar.ts';
import { allowedHostSchema } from '../contracts/task.schema.ts';
import { defaultSandboxLimits } from './sandbox-limits.ts';

const port = z.coerce.number().int().min(0).max(65_535);
const count = z.coerce.number().int().min(1);
/** Dollars with at most six digits behind the point, as millionths. */
const usDollars = z
  .string()
  .regex(/^\d{1,9}(\.\d{1,6})?$/, 'an amount in US dollars such as 2.50')
  .transform((text) => Math.round(Number(text) * 1_000_000));
const yesNo = z.enum(['true', 'false']).transform((word) => word === 'true');

/** A name alone, which tasks then name in `allowHosts` with the port that they need. */
const privateHost = allowedHostSchema.refine((host) => !/[*:]/.test(host), {
  message: 'a name without star and port, such as packages.corp.example',
});

/**
 * What a worker of the workflows pool takes at once. Workflow tasks are short, and more of them only queue up for the one
 * thread that runs them; glue is short reads and writes of PostgreSQL, and one long wait a batch.
 */
export const workflowSlots = { workflowTasks: 40, glue: 100 } as const;

/** Every variable that api and worker read, with its meaning; docs/configuration.md and .env.example follow it. */
export const environmentSchema = z.object({
  DATABASE_URL: z.string().min(1).describe('PostgreSQL, as a URL. Needed.'),
  DATABASE_POOL_SIZE: count.default(20).describe('Connections of one process to PostgreSQL.'),
  REDIS_URL: z.string().min(1).describe('Redis or Valkey, as a URL. Needed.'),
  TEMPORAL_ADDRESS: z.string().min(1).describe('Temporal frontend, `host:port`. Needed.'),
  TEMPORAL_NAMESPACE: z.string().min(1).default('default').describe('Temporal namespace.'),
  TEMPORAL_DEPLOYMENT_NAME: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name of all worker builds of this platform to Temporal. With TEMPORAL_WORKER_BUILD_ID: work stays with the build that began it (docs/worker-versions.md). Default: any worker takes any work.',
    ),
  TEMPORAL_WORKER_BUILD_ID: z
    .string()
    .min(1)
    .optional()
    .describe("Which build this worker is, such as the image's tag."),
  ADO_HOME: z
    .string()
    .min(1)
    .optional()
    .describe('Data folder: mirrors, worktrees, cached bundle. Default: `$XDG_DATA_HOME/ado`.'),
  XDG_DATA_HOME: z
    .string()
    .min(1)
    .optional()
    .describe('Base of the default of ADO_HOME. Default: `~/.local/share`.'),
  ADO_AGENTS_DIR: z
    .string()
    .min(1)
    .optional()
    .describe(
      "Folder of the coding agents' programs, a folder for each: docs/agents.md. Default: `$ADO_CACHE/agents`. After it, PATH is searched.",
    ),
  ADO_CACHE: z
    .string()
    .min(1)
    .optional()
    .describe('Base of the default of ADO_AGENTS_DIR. Default: `$XDG_CACHE_HOME/ado`.'),
  XDG_CACHE_HOME: z
    .string()
    .min(1)
    .optional()
    .describe('Base of the default of ADO_CACHE. Default: `~/.cache`.'),
  ADO_HOST_ID: z
    .string()
    .regex(/^[A-Za-z0-9._-]{1,100}$/)
    .optional()
    .describe(
      'Name of this host in queue names; stays the same over restarts. Default: the host name.',
    ),
  ADO_API_HOST: z.string().default('127.0.0.1').describe('Address that the API listens on.'),
  ADO_API_PORT: port.default(3000).describe('Port of the API.'),
  ADO_API_DRAIN_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(0)
    .describe(
      'Time that the API, asked to stop and no longer ready, still takes requests: until load balancers send them elsewhere. On Kubernetes 5000 or more.',
    ),
  ADO_API_READ_ONLY: yesNo
    .default(false)
    .describe(
      'Whether the API only shows what was done: it refuses every change, carries no work to Temporal, and neither updates the tables nor makes ADO_BOOTSTRAP_API_KEY.',
    ),
  ADO_METRICS_PORT: port.default(9090).describe('Internal port: metrics and, on a worker, health.'),
  ADO_METRICS_HOST: z.string().default('127.0.0.1').describe('Address of the internal ports.'),
  ADO_TEMPORAL_METRICS_PORT: port
    .min(1)
    .optional()
    .describe(
      "Internal port on which a worker shows the metrics of Temporal's SDK: docs/metrics.md. Default: none.",
    ),
  ADO_TEMPORAL_UI_URL: z
    .url()
    .optional()
    .describe('Where people find the Temporal web UI; shown in answers.'),
  ADO_BOOTSTRAP_API_KEY: z
    .string()
    .optional()
    .describe(
      'Admin key to make sure of for tenant `local` at start; set by the embedded default.',
    ),
  ADO_POOLS: z
    .string()
    .default(pools.join(','))
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(pools)).min(1))
    .describe('Pools that this worker process serves, comma-separated.'),
  ADO_AGENT_SLOTS: count
    .default(64)
    .describe(
      'Activities of the agents pool at once in this process; waiting for a slot counts. For a pool without workers, the API takes its own value for theirs.',
    ),
  ADO_MODEL_SLOTS: count
    .default(100)
    .describe('Model calls at once in this process; to the API as with ADO_AGENT_SLOTS.'),
  ADO_TENANT_RUNNING_MAX: count.default(50).describe('Tasks of one tenant that may run at once.'),
  ADO_WORKFLOW_CACHE: count.default(300).describe('Workflows kept in the cache of a worker.'),
  ADO_SHUTDOWN_GRACE_MS: z.coerce
    .number()
    .int()
    .min(0)
    .default(5_000)
    .describe(
      'Time that running activities get when the worker is asked to stop; then they are handed over.',
    ),
  ADO_ALLOW_UNSANDBOXED: yesNo
    .default(false)
    .describe(
      "Whether tasks may ask to run without the sandbox. The embedded default says yes: there, it is the user's own machine.",
    ),
  ADO_SANDBOX_MEMORY_BYTES: count
    .default(defaultSandboxLimits.memoryBytes)
    .describe(
      'Memory of a sandboxed program with all that it starts, what it keeps in /tmp and an own home included; above, it is ended.',
    ),
  ADO_SANDBOX_PROCESSES: count
    .default(defaultSandboxLimits.processes)
    .describe('Processes and threads of a sandboxed program; at that number it is ended.'),
  ADO_SANDBOX_FILE_BYTES: count
    .default(defaultSandboxLimits.fileBytes)
    .describe('Largest file that a sandboxed program may write.'),
  ADO_SANDBOX_CPU_SECONDS: count
    .default(defaultSandboxLimits.cpuSeconds)
    .describe('Processor time of each process in the sandbox.'),
  ADO_SANDBOX_OPEN_FILES: count
    .default(defaultSandboxLimits.openFiles)
    .describe('Files that each process in the sandbox may have open.'),
  ADO_EGRESS_PRIVATE_HOSTS: z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(privateHost).max(100))
    .optional()
    .describe(
      'Names of hosts, comma-separated, whose addresses may be private: a mirror of packages in your own network. Tasks still have to name them in `allowHosts`. Default: none.',
    ),
  ADO_API_CHECKS_SANDBOX: yesNo
    .default(true)
    .describe(
      'Whether the API tries the sandbox on its own machine before it accepts work; `false` where workers run elsewhere, as in containers.',
    ),
  ADO_SCRIPTED_MODELS: yesNo
    .default(false)
    .describe(
      'Whether models `scripted:<file>` may be used: such files are read, and `.mjs` ones are executed, by the worker.',
    ),
  ADO_CONFIRM_ABOVE_COST_USD: usDollars
    .default(1_000_000)
    .describe(
      'Spending of a task, in US dollars, above which a person must say yes, unless the request says otherwise. Default: 1.',
    ),
  ADO_MAX_DAILY_COST_USD: usDollars
    .default(50_000_000)
    .describe('What a tenant may spend a day, in US dollars. Default: 50.'),
  ADO_MAX_TENANT_COST_USD: usDollars
    .optional()
    .describe('What a tenant may spend in all, in US dollars. Default: no bound.'),
  ADO_BUDGET_TIME_ZONE: z
    .string()
    .refine(isTimeZone, 'a time zone is a name such as Europe/Berlin')
    .default('UTC')
    .describe('Where the days of the daily budget begin.'),
  ADO_PROVIDERS_FILE: z
    .string()
    .min(1)
    .optional()
    .describe(
      'File of model accounts: docs/providers.md. Default: `providers.yaml` in the data folder; without one there are none.',
    ),
  ADO_GITHUB_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://github.com')
    .describe('Where GitHub is; for GitHub Enterprise the address of its web pages.'),
  ADO_GITHUB_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Token that workers make pull requests with at GitHub: pull requests, read and write. Default: none are made there.',
    ),
  ADO_GITLAB_URL: z
    .url({ protocol: /^https?$/ })
    .default('https://gitlab.com')
    .describe('Where GitLab is: the address of its web pages.'),
  ADO_GITLAB_TOKEN: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Token that workers make merge requests with at GitLab: scope `api`. Default: none are made there.',
    ),
  ADO_CRASHPOINTS: z
    .string()
    .optional()
    .describe('Crash points for fault tests, `name=action`; ignored when NODE_ENV is production.'),
  NODE_ENV: z.string().default('development').describe('`production` switches crash points off.'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe(
      'Collector that traces are sent to by OTLP over HTTP, such as `http://collector:4318`. Default: no traces.',
    ),
  OTEL_TRACES_SAMPLER_ARG: z.coerce
    .number()
    .min(0)
    .max(1)
    .default(1)
    .describe(
      'Part of the traces that is kept, 0 to 1. Requests that bring a trace decide for themselves.',
    ),
  LOG_LEVEL: z
    .enum(['trace', 'debug', 'info', 'warn', 'error'])
    .default('info')
    .describe('Lowest level that is logged.'),
  PATH: z
    .string()
    .default('/usr/local/bin:/usr/bin:/bin')
    .describe('Where the sandbox takes its toolchains from.'),
});

/** The environment, checked and with its defaults. */
export type Environment = z.infer<typeof environmentSchema>;
