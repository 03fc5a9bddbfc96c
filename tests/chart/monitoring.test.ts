// What the chart makes for the Prometheus operator and for Grafana.
//   - nothing, until it is asked for
//   - what is scraped are ports that the chart opens, under the jobs that alerts and dashboards know
//   - the rules are those that were tested, with runbooks that can be opened; those on Kubernetes' own metrics by choice
//   - a cluster without the operator is told so
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseAllDocuments } from 'yaml';
import { runTool, tryTool } from '../support/kube/tools.ts';
import { alerts, rules } from './alert-rules.ts';
import { read } from './known-metrics.ts';

const root = join(import.meta.dirname, '../..');

interface KubernetesObject {
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly labels: Readonly<Record<string, string>>;
  };
  readonly spec: {
    readonly selector?: { readonly matchLabels: Readonly<Record<string, string>> };
    readonly endpoints?: readonly {
      readonly port: string;
      readonly relabelings: readonly {
        readonly targetLabel: string;
        readonly replacement: string;
      }[];
    }[];
    readonly ports?: readonly { readonly name: string }[];
    readonly groups?: readonly { readonly name: string; readonly rules: readonly object[] }[];
  };
  readonly data?: Readonly<Record<string, string>>;
}

const operator = ['ServiceMonitor', 'PrometheusRule'].flatMap((kind) => [
  '--api-versions',
  `monitoring.coreos.com/v1/${kind}`,
]);
const needed = ['--set', 'secrets.existingSecret=ado-secrets'];
const all = ['serviceMonitor', 'rules', 'dashboards'].flatMap((what) => [
  '--set',
  `metrics.${what}.enabled=true`,
]);

async function render(...args: string[]): Promise<KubernetesObject[]> {
  const text = await runTool('helm', ['template', 'ado', join(root, 'helm'), ...needed, ...args]);
  return parseAllDocuments(text).flatMap((document) => {
    const value = document.toJS() as KubernetesObject | null;
    return value === null ? [] : [value];
  });
}

const ofKind = (objects: readonly KubernetesObject[], kind: string) =>
  objects.filter((one) => one.kind === kind);

test('by default there is nothing of it', async () => {
  const objects = await render(...operator);

  const kinds = new Set(objects.map(({ kind }) => kind));
  expect([kinds.has('ServiceMonitor'), kinds.has('PrometheusRule')]).toEqual([false, false]);
  expect(objects.filter(({ metadata }) => metadata.name.includes('dashboard'))).toEqual([]);
});

test('every scraped port is one that a Service of the chart has', async () => {
  const objects = await render(...operator, ...all);
  const monitors = ofKind(objects, 'ServiceMonitor');
  const services = ofKind(objects, 'Service');

  const found = monitors.flatMap(({ spec }) =>
    (spec.endpoints ?? []).map(({ port, relabelings }) => {
      const wanted = Object.entries(spec.selector?.matchLabels ?? {});
      const chosen = services.filter(
        ({ metadata, spec: { ports } }) =>
          wanted.every(([label, value]) => metadata.labels[label] === value) &&
          ports?.some(({ name }) => name === port) === true,
      );
      const job = relabelings.find(({ targetLabel }) => targetLabel === 'job')?.replacement;
      return [job, chosen.length];
    }),
  );

  expect(Object.fromEntries(found)).toEqual({
    'ado-api': 1,
    'ado-worker': 1,
    'ado-worker-sdk': 1,
    'ado-temporal': 1,
  });
});

test('alerts and dashboards know the jobs by these names, and no others', () => {
  const folder = join(root, 'helm/files/dashboards');
  const texts = readdirSync(folder).map((name) => readFileSync(join(folder, name), 'utf8'));
  const expressions = rules.map(({ expr }) => expr);

  const named = [...expressions, ...texts].flatMap((text) =>
    [...text.matchAll(/\bjob=~?\\?"([^"\\]+)/g)].flatMap(([, jobs = '']) => jobs.split('|')),
  );

  expect([...new Set(named)].sort()).toEqual(['ado-api', 'ado-temporal', 'ado-worker']);
});

test('without a Temporal of its own none is scraped', async () => {
  const external = ['temporal.enabled=false', 'temporal.address=temporal:7233'];
  const objects = await render(...operator, ...all, ...external.flatMap((one) => ['--set', one]));

  const names = ofKind(objects, 'ServiceMonitor').map(({ metadata }) => metadata.name);
  expect(names).toEqual(['ado-api', 'ado-worker', 'ado-worker-sdk']);
});

test('the rules are the tested ones, and their runbooks can be opened', async () => {
  const base = 'https://git.example.com/ado/blob/main/';
  const objects = await render(
    ...operator,
    ...all,
    '--set',
    'metrics.rules.kubernetes=true',
    '--set',
    `metrics.rules.runbookBaseUrl=${base}`,
  );

  const [rule] = ofKind(objects, 'PrometheusRule');
  const rendered = rule?.spec.groups?.flatMap((group) => group.rules) ?? [];
  const expected = rules.map((one) => {
    const url = one.annotations?.['runbook_url'];
    if (url === undefined) return one;
    return { ...one, annotations: { ...one.annotations, runbook_url: `${base}${url}` } };
  });
  expect(rendered).toHaveLength(expected.length);
  expect(rendered).toEqual(expect.arrayContaining(expected));
});

test('rules on metrics of Kubernetes come only when they are asked for', async () => {
  const objects = await render(...operator, ...all);

  const [rule] = ofKind(objects, 'PrometheusRule');
  const rendered = JSON.stringify(rule?.spec);
  const isOfKubernetes = ({ expr }: { expr: string }) =>
    read(expr).metrics.some((metric) => metric.startsWith('kube'));
  const [left, kept] = [
    alerts.filter(isOfKubernetes),
    alerts.filter((one) => !isOfKubernetes(one)),
  ];
  expect(left.map(({ alert }) => rendered.includes(`"${alert}"`))).toEqual(left.map(() => false));
  expect(kept.map(({ alert }) => rendered.includes(`"${alert}"`))).toEqual(kept.map(() => true));
});

test('each dashboard is a ConfigMap that Grafana finds, and holds its file whole', async () => {
  const objects = await render(...all, ...operator);
  const folder = join(root, 'helm/files/dashboards');

  const found = ofKind(objects, 'ConfigMap').filter(
    ({ metadata }) => metadata.labels['grafana_dashboard'] === '1',
  );

  const files = Object.assign({}, ...found.map(({ data }) => data)) as Record<string, string>;
  const written = readdirSync(folder).map((name) => [
    name,
    readFileSync(join(folder, name), 'utf8').trim(),
  ]);
  expect(Object.entries(files).map(([name, text]) => [name, text.trim()])).toEqual(written);
});

test('a cluster without the operator is told what to install', async () => {
  const { code, stderr } = await tryTool('helm', [
    'template',
    'ado',
    join(root, 'helm'),
    ...needed,
    ...all,
  ]);

  expect(code).not.toBe(0);
  expect(stderr).toContain('--api-versions monitoring.coreos.com/v1/ServiceMonitor');
  expect(stderr).toContain('--api-versions monitoring.coreos.com/v1/PrometheusRule');
});

test('wrong settings are refused by name', async () => {
  const refused = async (setting: string) => {
    const args = ['template', 'ado', join(root, 'helm'), ...needed, '--set', setting];
    return (await tryTool('helm', args)).stderr;
  };

  expect(await refused('metrics.serviceMonitors.enabled=true')).toContain("'serviceMonitors'");
  expect(await refused('metrics.rules.runbookBaseUrl=docs')).toContain(
    '/metrics/rules/runbookBaseUrl',
  );
});
