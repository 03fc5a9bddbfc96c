/** How a line of the tables of metrics looks, and how it becomes a metric. */
import { Counter, Gauge, Histogram, type Registry } from 'prom-client';

/** One line of a table. */
export interface MetricDefinition {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Each label with its values; a sentence where they are names that configuration or a bound limits. Never ids or text. */
  readonly labels: Readonly<Record<string, readonly string[] | string>>;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
}

/** Makes the metrics of a table, by their names. */
export function createMakers<Name extends string>(
  table: Readonly<Record<Name, MetricDefinition>>,
  registry: Registry,
) {
  const base = (name: Name) => ({
    name,
    help: table[name].help,
    labelNames: Object.keys(table[name].labels),
    registers: [registry],
  });
  return {
    counter: (name: Name) => new Counter<string>(base(name)),
    gauge: (name: Name) => new Gauge<string>(base(name)),
    histogram: (name: Name) => {
      const { buckets } = table[name];
      return new Histogram<string>({
        ...base(name),
        ...(buckets === undefined ? {} : { buckets: [...buckets] }),
      });
    },
  };
}
