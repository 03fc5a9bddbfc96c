/** The rules that the chart hands to Prometheus. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { Recorded } from './known-metrics.ts';

/** A rule, of either kind. */
export interface Rule {
  readonly record?: string;
  readonly alert?: string;
  readonly expr: string;
  readonly labels?: Readonly<Record<string, string>>;
  readonly annotations?: Readonly<Record<string, string>>;
}

const folder = join(import.meta.dirname, '../../helm/files/rules');

/** Paths of the files. */
export const ruleFiles: readonly string[] = readdirSync(folder).map((name) => join(folder, name));

/** What stands in each of them. */
export const rulesByFile: ReadonlyMap<string, readonly Rule[]> = new Map(
  ruleFiles.map((file) => {
    const { groups } = parse(readFileSync(file, 'utf8')) as { groups: { rules: Rule[] }[] };
    return [file, groups.flatMap((group) => group.rules)];
  }),
);

/** The rules of all files. */
export const rules: readonly Rule[] = [...rulesByFile.values()].flat();

/** Those that record; what they group by is what their series are told apart by. */
export const recordedRules: readonly Recorded[] = rules.flatMap(({ record, expr }) => {
  if (record === undefined) return [];
  const [, grouped = ''] = /by \(([^)]*)\)/.exec(expr) ?? [];
  const labels = grouped.split(',').map((label) => label.trim());
  return [{ record, labels: labels.filter((label) => label !== 'le') }];
});

/** Those that tell somebody. */
export const alerts = rules.flatMap((rule) =>
  rule.alert === undefined ? [] : [{ ...rule, alert: rule.alert }],
);
