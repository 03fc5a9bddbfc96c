/** The documents that are printed from code: `npm run docs` writes them, tests/architecture/documents.test.ts compares. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { metricDefinitions } from '../adapters/telemetry/metrics.ts';
import { buildOpenApi } from '../api/openapi.ts';
import { printCliDocument } from '../cli/print-help.ts';
import { environmentSchema } from '../config/environment.ts';
import { errorKinds } from '../contracts/errors.ts';
import packageJson from '../package.json' with { type: 'json' };
import { listChartValues } from './chart-values.ts';
import { toGrafana } from './dashboards/dashboard.ts';
import { dashboards } from './dashboards/dashboards.ts';
import {
  kubernetesMetrics,
  temporalSdkMetrics,
  temporalServerMetrics,
  type ForeignMetric,
} from './foreign-metrics.ts';

const printed = 'Printed from code by `npm run docs`; change the code, not this file.';

/** Answers every printed document by its path. */
export function printDocuments(): Record<string, string> {
  return {
    'docs/errors.md': errorsDocument(),
    'docs/metrics.md': metricsDocument(),
    'docs/configuration.md': configurationDocument(),
    'docs/cli.md': printCliDocument(),
    'docs/openapi.json': `${JSON.stringify(buildOpenApi(packageJson.version), null, 2)}\n`,
    '.env.example': environmentExample(),
    'helm/README.md': chartReadme(),
    ...Object.fromEntries(
      dashboards.map((dashboard) => [
        `helm/files/dashboards/${dashboard.name}.json`,
        `${JSON.stringify(toGrafana(dashboard), null, 2)}\n`,
      ]),
    ),
  };
}

function errorsDocument(): string {
  const rows = Object.entries(errorKinds).map(
    ([code, { family, http, meaning, remedy }]) =>
      `| <a id="${code.toLowerCase()}"></a>\`${code}\` | ${family} | ${String(http)} | ${meaning} | ${remedy} |`,
  );
  return [
    '# Errors',
    '',
    printed,
    '',
    'Every error of the API is a problem document (RFC 9457) whose `code` is one of these words; the CLI prints the code in',
    'brackets. Families: *caller* errors need another request, *policy* ends were decided, *transient* ones are repeated by',
    'ado itself, *upstream* ones come from the agent, its program or its model, *internal* ones are defects.',
    '',
    '| code | family | HTTP | meaning | what to do |',
    '|---|---|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function metricsDocument(): string {
  const rows = Object.entries(metricDefinitions).map(([name, { kind, help, labels }]) => {
    const shown = Object.entries<readonly string[] | string>(labels).map(
      ([label, values]) =>
        `\`${label}\`: ${typeof values === 'string' ? values : values.join(', ')}`,
    );
    return `| \`${name}\` | ${kind} | ${help} | ${shown.join('; ')} |`;
  });
  return [
    '# Metrics',
    '',
    printed,
    '',
    'Served as Prometheus text at `/metrics` on the internal port (`ADO_METRICS_PORT`) of API and workers, beside the',
    'process metrics of prom-client. Labels are closed sets, or names that configuration or a bound limits; no label is an',
    'id or a text, and none tells whose a task is.',
    '',
    '| metric | kind | meaning | labels |',
    '|---|---|---|---|',
    ...rows,
    '',
    '## Metrics of others',
    '',
    'Alerts and dashboards read these beside ours; their makers show many more.',
    '',
    "Temporal's SDK in every worker, on a port of its own (`ADO_TEMPORAL_METRICS_PORT`), times in seconds:",
    '',
    ...foreignTable(temporalSdkMetrics),
    '',
    'The Temporal server, at `global.metrics.prometheus` of its configuration:',
    '',
    ...foreignTable(temporalServerMetrics),
    '',
    'Kubernetes. What needs them is switched on by itself:',
    '',
    ...foreignTable(kubernetesMetrics),
    '',
  ].join('\n');
}

function foreignTable(table: Readonly<Record<string, ForeignMetric>>): string[] {
  const rows = Object.entries(table).map(
    ([name, { kind, help, labels }]) =>
      `| \`${name}\` | ${kind} | ${help} | ${labels.map((label) => `\`${label}\``).join(', ')} |`,
  );
  return ['| metric | kind | meaning | labels |', '|---|---|---|---|', ...rows];
}

interface Variable {
  readonly name: string;
  readonly description: string;
  readonly fallback: string;
  readonly required: boolean;
}

function variables(): Variable[] {
  return Object.entries(environmentSchema.shape).map(([name, schema]) => {
    const type: z.ZodType = schema;
    const absent = type.safeParse(undefined);
    return {
      name,
      description: type.description ?? '',
      fallback: absent.success && absent.data !== undefined ? shown(absent.data) : '',
      required: !absent.success,
    };
  });
}

function shown(value: unknown): string {
  return Array.isArray(value) ? value.join(',') : String(value);
}

function configurationDocument(): string {
  const rows = variables().map(
    ({ name, description, fallback, required }) =>
      `| \`${name}\` | ${required ? '**needed**' : fallback === '' ? '' : `\`${fallback}\``} | ${description} |`,
  );
  return [
    '# Configuration of the servers',
    '',
    printed,
    '',
    'API and worker read these variables once, at start; every bad or missing one is named together. The embedded platform',
    '(`ado dev`) sets them by itself. The command line has its own files: docs/cli.md.',
    '',
    '| variable | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function environmentExample(): string {
  const lines = variables().flatMap(({ name, description, fallback, required }) => [
    `# ${description}`,
    required ? `${name}=` : `# ${name}=${fallback}`,
  ]);
  return [`# ${printed}`, ...lines, ''].join('\n');
}

/** Of the schema, the settings that every kind of pod takes and that values.yaml does not repeat. */
interface ChartSchema {
  readonly $defs: { readonly pod: { readonly properties: Readonly<Record<string, unknown>> } };
}

function chartReadme(): string {
  const read = (name: string): string =>
    readFileSync(new URL(`../helm/${name}`, import.meta.url), 'utf8');
  const { $defs } = JSON.parse(read('values.schema.json')) as ChartSchema;
  const ofPods = Object.keys($defs.pod.properties)
    .filter((name) => name !== 'resources')
    .map((name) => `\`${name}\``);
  const rows = listChartValues(read('values.yaml')).map(
    ({ key, default: fallback, meaning }) =>
      `| \`${key}\` | ${fallback === undefined ? '' : cell(`\`${fallback}\``)} | ${cell(meaning)} |`,
  );
  return [
    "# ado's Helm chart",
    '',
    printed,
    '',
    'It installs the whole platform: API, worker pools, Temporal with its UI, PostgreSQL, Valkey, and the jobs that make tables and',
    'namespace. How to install it and live with it: [docs/kubernetes.md](../docs/kubernetes.md). Sets of values for common situations',
    'stand in [helm/profiles](profiles) of the repository, and `values.schema.json` refuses what is misspelt.',
    '',
    'Every kind of pod (`api`, `workerDefaults` and each pool, `jobs`, `temporal.server`, `temporal.ui`, `postgresql.bundled`,',
    '`postgresql.backup`, `redis.bundled`) takes these, too:',
    `${ofPods.join(', ')}.`,
    '',
    '| value | default | meaning |',
    '|---|---|---|',
    ...rows,
    '',
  ].join('\n');
}

function cell(text: string): string {
  return text.replaceAll('|', '\\|');
}
