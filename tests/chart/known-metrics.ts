/** Which metrics there are to read, with which labels, and which an expression reads. */
import { parser } from '@prometheus-io/lezer-promql';
import { createMetrics, metricDefinitions } from '../../adapters/telemetry/metrics.ts';
import {
  kubernetesMetrics,
  temporalSdkMetrics,
  temporalServerMetrics,
} from '../../tools/foreign-metrics.ts';

interface Known {
  readonly kind: string;
  readonly labels: readonly string[];
}

const ours = Object.entries(metricDefinitions).map(
  ([name, { kind, labels }]) => [name, { kind, labels: Object.keys(labels) }] as const,
);

const definitions: Readonly<Record<string, Known>> = {
  // Made by Prometheus itself for every scrape.
  up: { kind: 'gauge', labels: [] },
  ...Object.fromEntries(ours),
  ...temporalSdkMetrics,
  ...temporalServerMetrics,
  ...kubernetesMetrics,
};

/** Put on every series by the scrape. */
const ofTarget = ['job', 'namespace', 'pod'];

const labelsByName = new Map<string, readonly string[]>(
  Object.entries(definitions).flatMap(([name, { kind, labels }]) => {
    if (kind !== 'histogram') return [[name, labels] as const];
    const parts = ['bucket', 'sum', 'count'] as const;
    return parts.map((part) => [`${name}_${part}`, [...labels, 'le']] as const);
  }),
);

/** Adds what a process of ours shows beside its own metrics: those of Node.js. To be awaited before the others. */
export async function scrapeProcessMetrics(): Promise<void> {
  const { text } = await createMetrics().read();
  for (const [, name = ''] of text.matchAll(
    /^# TYPE ((?:process|nodejs)_\w+) (?:gauge|counter)$/gm,
  ))
    labelsByName.set(name, []);
}

/** What an expression reads. */
export interface Reading {
  readonly metrics: readonly string[];
  /** Matched, grouped by, or joined on. */
  readonly labels: readonly string[];
}

/** Takes an expression apart. @throws Error when it is none */
export function read(expression: string): Reading {
  const [metrics, labels]: [string[], string[]] = [[], []];
  parser.parse(expression).iterate({
    enter({ name, from, to, node }) {
      if (node.type.isError) throw new Error(`no PromQL at ${from}: ${expression}`);
      const text = expression.slice(from, to);
      if (name === 'Identifier' && node.parent?.name === 'VectorSelector') metrics.push(text);
      if (name === 'LabelName') labels.push(text);
    },
  });
  return { metrics, labels };
}

/** Rules by which new series are recorded. */
export interface Recorded {
  readonly record: string;
  readonly labels: readonly string[];
}

/** Says of an expression which metrics nobody makes, and which labels none of its metrics has. */
export function findUnknown(expression: string, recorded: readonly Recorded[]): string[] {
  const { metrics, labels } = read(expression);
  const labelsOf = (metric: string) =>
    labelsByName.get(metric) ?? recorded.find(({ record }) => record === metric)?.labels;
  const unknown = metrics.filter((metric) => labelsOf(metric) === undefined);
  const there = [...ofTarget, ...metrics.flatMap((metric) => labelsOf(metric) ?? [])];
  return [...unknown, ...labels.filter((label) => !there.includes(label))];
}
