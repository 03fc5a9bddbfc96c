// What holds for every object that the chart can make, whichever way it is installed.
import { chartCases } from '../support/kube/chart-cases.ts';
import {
  chartFolder,
  renderChart,
  type KubeObject,
  type Tree,
} from '../support/kube/rendered-chart.ts';
import { tryTool } from '../support/kube/tools.ts';
import { mainContainer, podsOf, type Container } from '../support/kube/rendered-pods.ts';

/** Longest name that leaves room for what Kubernetes appends to it. */
const nameMaxChars = 47;
const commonLabels = ['name', 'instance', 'version', 'part-of', 'managed-by'];

describe.each(chartCases)('installed with %s', (_name, options) => {
  let objects: readonly KubeObject[];
  beforeAll(async () => {
    objects = await renderChart(options);
  });

  test('helm finds no fault with it', async () => {
    const { files = [], values = {} } = options;
    const paths = [...files.map((file) => `${chartFolder}/${file}`), '-'];

    const { code, stdout } = await tryTool(
      'helm',
      ['lint', '--strict', chartFolder, ...paths.flatMap((path) => ['--values', path])],
      { input: JSON.stringify(values) },
    );

    expect([code, stdout]).toEqual([0, expect.stringContaining('0 chart(s) failed')]);
    expect(stdout).not.toMatch(/WARNING|ERROR/);
  });

  test('no name is too long, and none is there twice', () => {
    const names = objects.map((object) => `${object.kind} ${object.metadata.name}`);

    expect(objects.map((o) => o.metadata.name).filter((n) => n.length > nameMaxChars)).toEqual([]);
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([]);
  });

  test('every object says what it belongs to', () => {
    const lacking = objects.filter(({ metadata: { labels = {} } }) =>
      [...commonLabels.map((label) => `app.kubernetes.io/${label}`), 'helm.sh/chart'].some(
        (label) => labels[label] === undefined,
      ),
    );

    expect(lacking.map(({ kind, metadata }) => `${kind} ${metadata.name}`)).toEqual([]);
  });

  test('pods have the labels that select them, and a selector has none that an upgrade changes', () => {
    for (const object of objects.filter(({ kind }) =>
      ['Deployment', 'StatefulSet'].includes(kind),
    )) {
      const { selector, template } = object['spec'] as {
        selector: { matchLabels: Tree };
        template: { metadata: { labels: Tree } };
      };
      const labels = Object.keys(selector.matchLabels);

      expect(template.metadata.labels).toMatchObject(selector.matchLabels);
      expect(labels).toEqual(expect.arrayContaining(['app.kubernetes.io/component']));
      expect(labels.filter((label) => /version|chart|managed-by|part-of/.test(label))).toEqual([]);
    }
  });

  test('no two workloads select the same pods', () => {
    const selectors = objects
      .filter(({ kind }) => ['Deployment', 'StatefulSet'].includes(kind))
      .map((object) => (object['spec'] as { selector: unknown }).selector);

    expect(new Set(selectors.map((selector) => JSON.stringify(selector))).size).toBe(
      selectors.length,
    );
  });

  test('every service and budget selects pods of one component, which has the port', () => {
    const pods = podsOf(objects);
    for (const object of objects.filter(({ kind }) => kind === 'Service')) {
      const { selector, ports } = object['spec'] as {
        selector: Record<string, string>;
        ports: { targetPort: string | number }[];
      };
      const selected = pods.filter((pod) => isSelected(pod.labels, selector));

      expect(selected).not.toEqual([]);
      expect(new Set(selected.map((p) => p.labels['app.kubernetes.io/component'])).size).toBe(1);
      for (const { targetPort } of ports) {
        const known = selected.flatMap((pod) =>
          pod.spec.containers.flatMap((container) =>
            (container.ports ?? []).flatMap((port) => [port.name, port.containerPort]),
          ),
        );
        expect(known).toContain(targetPort);
      }
    }
  });

  test('every pod keeps the Pod Security Standard "restricted", on a root that cannot be written', () => {
    for (const pod of podsOf(objects)) {
      const { securityContext, containers, initContainers = [] } = pod.spec;

      expect(securityContext).toMatchObject({
        runAsNonRoot: true,
        seccompProfile: { type: 'RuntimeDefault' },
      });
      expect(securityContext?.['runAsUser']).toBeGreaterThan(0);
      expect(pod.spec).not.toHaveProperty('hostNetwork');
      expect(pod.spec['automountServiceAccountToken']).toBe(false);
      for (const container of [...containers, ...initContainers]) {
        expect(container.securityContext).toEqual({
          allowPrivilegeEscalation: false,
          readOnlyRootFilesystem: true,
          capabilities: { drop: ['ALL'] },
        });
      }
    }
  });

  test('every container has a fixed image, requests and a bound on memory', () => {
    for (const { image, resources } of containersOf(objects)) {
      expect(image).toMatch(/:[^:/]+$|@sha256:[0-9a-f]{64}$/);
      expect(image).not.toMatch(/:latest$/);
      expect(resources?.requests).toEqual(
        expect.objectContaining({
          cpu: expect.any(String) as string,
          memory: expect.any(String) as string,
        }),
      );
      expect(resources?.limits).toHaveProperty('memory');
    }
  });

  test('what runs all the time has three probes, and what ends has none', () => {
    for (const pod of podsOf(objects)) {
      const probes = ['startupProbe', 'readinessProbe', 'livenessProbe'].filter(
        (probe) => probe in mainContainer(pod),
      );

      expect([pod.owner, probes.length]).toEqual([
        pod.owner,
        ['Deployment', 'StatefulSet'].includes(pod.kind) ? 3 : 0,
      ]);
    }
  });

  test('every volume that is mounted is there, and none is there for nothing', () => {
    for (const { kind, owner, spec } of podsOf(objects)) {
      const mounted = [...spec.containers, ...(spec.initContainers ?? [])].flatMap((container) =>
        (container.volumeMounts ?? []).map((mount) => mount.name),
      );
      const there = (spec.volumes ?? []).map((volume) => volume['name'] as string);
      // A claim of a StatefulSet is a volume, too.
      if (kind === 'StatefulSet' && !there.includes('data')) there.push('data');

      expect([owner, [...new Set(mounted)].sort()]).toEqual([owner, there.sort()]);
    }
  });

  test('config maps that are read are made by the chart', () => {
    const made = objects.filter(({ kind }) => kind === 'ConfigMap').map((o) => o.metadata.name);
    const read = [
      ...JSON.stringify(podsOf(objects)).matchAll(/"configMap(?:Ref)?":\{"name":"([^"]+)/g),
    ];

    expect(read.length).toBeGreaterThan(0);
    for (const [, name] of read) expect(made).toContain(name);
  });
});

function isSelected(labels: Tree, selector: Tree): boolean {
  return Object.entries(selector).every(([key, value]) => labels[key] === value);
}

function containersOf(objects: readonly KubeObject[]): readonly Container[] {
  return podsOf(objects).flatMap(({ spec }) => [
    ...spec.containers,
    ...(spec.initContainers ?? []),
  ]);
}
