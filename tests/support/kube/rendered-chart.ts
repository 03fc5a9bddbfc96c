/** The chart as Helm renders it, without a cluster. */
import { fileURLToPath } from 'node:url';
import { parseAllDocuments } from 'yaml';
import type { ProgramResult } from '../../../cli/dev/programs/run-program.ts';
import { tryTool } from './tools.ts';

/** A YAML mapping that nobody has looked into yet. */
export type Tree = Readonly<Record<string, unknown>>;

/** An object of the release. */
export interface KubeObject extends Tree {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
}

/** What a chart is rendered with. */
export interface RenderOptions {
  /** Name of the release. Default: `ado`. */
  readonly release?: string;
  /** Files of values under helm/, such as `profiles/dev.yaml`. */
  readonly files?: readonly string[];
  /** Over all files. */
  readonly values?: Tree;
}

/** The folder of the chart. */
export const chartFolder = fileURLToPath(new URL('../../../helm', import.meta.url));

/** What the operators that the chart can use add to a cluster; and `v1/Pod`, which tells a live cluster. */
const knownKinds = [
  'v1/Pod',
  'keda.sh/v1alpha1/ScaledObject',
  'postgresql.cnpg.io/v1/Cluster',
  'external-secrets.io/v1/ExternalSecret',
  'gateway.networking.k8s.io/v1/HTTPRoute',
  'monitoring.coreos.com/v1',
  'monitoring.coreos.com/v1/ServiceMonitor',
  'monitoring.coreos.com/v1/PrometheusRule',
];

/** Runs `helm template`; a refusal is a result like any other. */
export async function tryRender(
  { release = 'ado', files = [], values = {} }: RenderOptions,
  kinds: readonly string[] = knownKinds,
): Promise<ProgramResult> {
  const args = [
    ...['template', release, chartFolder, '--namespace', 'ado-system'],
    ...[...files.map((file) => `${chartFolder}/${file}`), '-'].flatMap((file) => [
      '--values',
      file,
    ]),
    ...kinds.flatMap((kind) => ['--api-versions', kind]),
  ];
  return tryTool('helm', args, { input: JSON.stringify(values) });
}

/** Renders the chart. @throws Error with what Helm says when it refuses, or writes what is not YAML */
export async function renderChart(options: RenderOptions = {}): Promise<readonly KubeObject[]> {
  const { code, stdout, stderr } = await tryRender(options);
  if (code !== 0) throw new Error(`helm template failed:\n${stderr}`);
  return parseAllDocuments(stdout).flatMap((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0];
    const object = document.toJS() as KubeObject | null;
    return object === null ? [] : [object];
  });
}

/** The object of a kind with a name. @throws Error naming those that are there */
export function objectNamed(
  objects: readonly KubeObject[],
  kind: string,
  name: string,
): KubeObject & { readonly spec: Tree } {
  const found = objects.find((object) => object.kind === kind && object.metadata.name === name);
  if (found !== undefined) return found as KubeObject & { readonly spec: Tree };
  const names = objects.map((object) => `${object.kind} ${object.metadata.name}`);
  throw new Error(`no ${kind} ${name} among ${names.join(', ')}`);
}
