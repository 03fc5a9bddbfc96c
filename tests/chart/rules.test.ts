// Alerts.
//   - promtool understands every rule
//   - each alert fires on trouble, does not on what comes close, and names the runbook that exists for it
//   - what is read is made by somebody: by ado, or by those of whom docs/metrics.md says so
import { mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { parse, stringify } from 'yaml';
import { tryTool } from '../support/kube/tools.ts';
import { alerts, recordedRules, ruleFiles, rules, rulesByFile } from './alert-rules.ts';
import type { Rule } from './alert-rules.ts';
import { findUnknown, scrapeProcessMetrics } from './known-metrics.ts';

const root = join(import.meta.dirname, '../..');

interface Case {
  readonly series: Readonly<Record<string, string>>;
  readonly fires: {
    readonly at: string;
    readonly labels: readonly Readonly<Record<string, string>>[];
  };
  readonly silent: string;
}

const cases = parse(readFileSync(join(import.meta.dirname, 'alert-cases.yaml'), 'utf8')) as Record<
  string,
  Case
>;

/** A text of an alert with its labels filled in. */
function fill(text: string, labels: Readonly<Record<string, string>>): string {
  return text.replace(/\{\{ \$labels\.(\w+) \}\}/g, (_whole, name: string) => labels[name] ?? '');
}

/** promtool's own form of a case. */
function toPromtoolTest({ alert, labels, annotations }: (typeof alerts)[number], one: Case) {
  const expected = one.fires.labels.map((own) => ({
    exp_labels: { ...labels, ...own },
    exp_annotations: Object.fromEntries(
      Object.entries(annotations ?? {}).map(([name, text]) => [name, fill(text, own)]),
    ),
  }));
  const at = (time: string, alertsThen: readonly object[]) => ({
    eval_time: time,
    alertname: alert,
    exp_alerts: alertsThen,
  });
  return {
    name: alert,
    interval: '1m',
    input_series: Object.entries(one.series).map(([series, values]) => ({ series, values })),
    alert_rule_test: [at(one.silent, []), at(one.fires.at, expected)],
  };
}

test('promtool understands every rule', async () => {
  const { stdout } = await tryTool('promtool', ['check', 'rules', ...ruleFiles]);

  expect(stdout.match(/SUCCESS: \d+ rules found/g)).toHaveLength(ruleFiles.length);
});

test('each alert fires when it should, and only then', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-rules-'));
  const records = ({ record }: Rule): boolean => record !== undefined;
  const recording = ruleFiles.filter((file) => rulesByFile.get(file)?.some(records));
  // A file of tests for each of rules: promtool works out every rule that it is given, every minute of each test.
  const files = [...rulesByFile].map(([ruleFile, own]) => {
    const tests = alerts.flatMap((alert) => {
      const one = own.some((rule) => rule.alert === alert.alert) ? cases[alert.alert] : undefined;
      return one === undefined ? [] : [toPromtoolTest(alert, one)];
    });
    const file = join(folder, basename(ruleFile));
    const needed = [...new Set([ruleFile, ...recording])];
    writeFileSync(file, stringify({ rule_files: needed, evaluation_interval: '1m', tests }));
    return file;
  });

  const { code, stdout, stderr } = await tryTool('promtool', ['test', 'rules', ...files]);

  expect(`${stdout}\n${stderr}`.match(/SUCCESS/g)).toHaveLength(ruleFiles.length);
  expect(code).toBe(0);
}, 300_000);

test('every alert has cases, in which something comes close and does not fire', () => {
  expect(Object.keys(cases).sort()).toEqual(alerts.map(({ alert }) => alert).sort());
  for (const [alert, { series, fires }] of Object.entries(cases)) {
    expect([alert, fires.labels.length]).toEqual([alert, 1]);
    const isCalm = ([name]: [string, string]) => name.includes('namespace="good"');
    expect([alert, Object.entries(series).some(isCalm)]).toEqual([alert, true]);
  }
});

test('every alert names its runbook, and no runbook is left over', () => {
  const folder = join(root, 'docs/runbooks');
  const written = readdirSync(folder).filter((name) => name !== 'README.md');

  expect(alerts.map(({ annotations }) => annotations?.['runbook_url']).sort()).toEqual(
    written.map((name) => `docs/runbooks/${name}`).sort(),
  );
  for (const { alert, annotations } of alerts) {
    const text = readFileSync(join(root, annotations?.['runbook_url'] ?? ''), 'utf8');
    expect(text.startsWith(`# ${alert}\n`)).toBe(true);
    for (const heading of ['## Look first', '## Likely causes', '## What to do'])
      expect([alert, text.includes(`\n${heading}\n`)]).toEqual([alert, true]);
  }
});

test('runbooks name commands of ado that there are', () => {
  const folder = join(root, 'docs/runbooks');
  const cli = readFileSync(join(root, 'docs/cli.md'), 'utf8');
  const commands = [...cli.matchAll(/^### `ado ([a-z ]+?)(?: [<[].*)?`$/gm)].map(
    ([, name]) => name,
  );
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));

  const named = texts.flatMap((text) =>
    [...text.matchAll(/`ado ([a-z]+(?: [a-z]+)?)/g)].map(([, name]) => name),
  );

  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((name) => !commands.includes(name))).toEqual([]);
});

test('runbooks change settings that the chart has', () => {
  const folder = join(root, 'docs/runbooks');
  const values = parse(readFileSync(join(root, 'helm/values.yaml'), 'utf8')) as object;
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));

  const paths = texts.flatMap((text) =>
    [...text.matchAll(/--set ([\w.<>]+)=/g)].map(([, path = '']) => path),
  );

  // A pool has what all pools have, and slots by its kind.
  const inValues = (path: string): string[] =>
    path === 'workerPools.<pool>.slots'
      ? ['workerPools', 'agents', 'slots']
      : path.replace('workerPools.<pool>', 'workerDefaults').split('.');
  const isThere = (path: string): boolean => {
    let at: unknown = values;
    for (const key of inValues(path)) at = (at as Record<string, unknown> | undefined)?.[key];
    return at !== undefined;
  };
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !isThere(path))).toEqual([]);
});

test('every alert has a severity that decides who is told', () => {
  const severities = new Set(alerts.map(({ labels }) => labels?.['severity']));

  expect([...severities].sort()).toEqual(['critical', 'high', 'low', 'medium']);
});

test('rules read metrics and labels that exist', async () => {
  await scrapeProcessMetrics();

  expect(rules.flatMap(({ expr }) => findUnknown(expr, recordedRules))).toEqual([]);
});
