// What may be said of every kind of pod reaches every pod of that kind; what is said of all reaches all.
import { renderChart, type KubeObject, type Tree } from '../support/kube/rendered-chart.ts';
import { podsOf, type PodSpec, type RenderedPod } from '../support/kube/rendered-pods.ts';

/** Each setting, and how a pod shows that it has it. */
const settings: Readonly<
  Record<string, readonly [value: unknown, seen: (pod: RenderedPod) => unknown]>
> = {
  podLabels: [{ team: 'a' }, ({ labels }) => labels['team'] === 'a'],
  podAnnotations: [{ note: 'a' }, ({ annotations }) => annotations['note'] === 'a'],
  nodeSelector: [{ disk: 'fast' }, ({ spec }) => has(spec['nodeSelector'], { disk: 'fast' })],
  tolerations: [[{ key: 'spot' }], ({ spec }) => has(spec['tolerations'], [{ key: 'spot' }])],
  affinity: [{ nodeAffinity: {} }, ({ spec }) => has(spec['affinity'], { nodeAffinity: {} })],
  priorityClassName: ['high', ({ spec }) => spec['priorityClassName'] === 'high'],
  podSecurityContext: [
    { supplementalGroups: [7] },
    ({ spec }) => has(spec.securityContext?.['supplementalGroups'], [7]),
  ],
  securityContext: [
    { procMount: 'Default' },
    ({ spec }) => spec.containers.some((c) => c.securityContext?.['procMount'] === 'Default'),
  ],
  extraEnv: [
    [{ name: 'PROXY', value: 'p' }],
    ({ spec }) => spec.containers.some((c) => c.env?.some(({ name }) => name === 'PROXY')),
  ],
  extraEnvFrom: [
    [{ secretRef: { name: 'more' } }],
    ({ spec }) => spec.containers.some((c) => JSON.stringify(c.envFrom ?? []).includes('"more"')),
  ],
  extraVolumes: [
    [{ name: 'more', emptyDir: {} }],
    ({ spec }) => spec.volumes?.some(({ name }) => name === 'more'),
  ],
  extraVolumeMounts: [
    [{ name: 'more', mountPath: '/more' }],
    ({ spec }) => spec.containers.some((c) => c.volumeMounts?.some(({ name }) => name === 'more')),
  ],
  extraContainers: [
    [{ name: 'side', image: 'side:1' }],
    ({ spec }) => hasNamed(spec.containers, 'side'),
  ],
  initContainers: [
    [{ name: 'first', image: 'first:1' }],
    ({ spec }) => hasNamed(spec.initContainers ?? [], 'first'),
  ],
  resources: [
    { requests: { cpu: '77m' } },
    ({ spec }) => spec.containers.some((c) => c.resources?.requests?.['cpu'] === '77m'),
  ],
};
const all = Object.fromEntries(Object.entries(settings).map(([key, [value]]) => [key, value]));

/** What `all` is said of, and the pods that it is then true of. */
const kinds: readonly (readonly [key: string, values: Tree, components: readonly string[]])[] = [
  ['api', { api: all }, ['api']],
  ['workerDefaults', { workerDefaults: all }, ['worker']],
  ['workerPools', { workerPools: { workflows: all, models: all, agents: all } }, ['worker']],
  ['jobs', { jobs: all }, ['migrations', 'temporal-schema', 'temporal-namespace', 'test']],
  ['temporal.server', { temporal: { server: all } }, ['temporal']],
  ['temporal.ui', { temporal: { ui: all } }, ['temporal-ui']],
  ['postgresql.bundled', { postgresql: { bundled: all } }, ['postgresql']],
  ['postgresql.backup', { postgresql: { backup: { ...all, enabled: true } } }, ['backup']],
  ['redis.bundled', { redis: { bundled: all } }, ['redis']],
];

test.each(kinds)(
  'every setting of %s reaches its pods and no other',
  async (key, values, components) => {
    const pods = podsOf(await render(values));

    for (const [name, [, seen]] of Object.entries(settings)) {
      // A pool's own resources go before those of all pools.
      if (key === 'workerDefaults' && name === 'resources') continue;
      const reached = pods.filter((pod) => seen(pod) === true);
      const found = [
        ...new Set(reached.map(({ labels }) => labels['app.kubernetes.io/component'])),
      ];
      expect([name, found.sort()]).toEqual([name, [...components].sort()]);
    }
  },
);

test('what is said of all pods is true of all, and a component may say otherwise', async () => {
  const values = {
    global: {
      imageRegistry: 'registry.example.com/mirror/',
      imagePullSecrets: [{ name: 'pull' }],
      priorityClassName: 'low',
      nodeSelector: { os: 'linux' },
      podSecurityContext: { runAsUser: 12345 },
    },
    commonLabels: { team: 'agents' },
    api: { priorityClassName: 'high' },
  };

  const objects = await render(values);
  for (const { owner, labels, spec } of podsOf(objects)) {
    expect(labels['team']).toBe('agents');
    expect(spec).toMatchObject({
      imagePullSecrets: [{ name: 'pull' }],
      nodeSelector: { os: 'linux' },
      priorityClassName: owner === 'Deployment ado-api' ? 'high' : 'low',
      securityContext: { runAsUser: 12345, runAsNonRoot: true },
    });
    for (const { image } of spec.containers)
      expect(image).toMatch(/^registry\.example\.com\/mirror\//);
  }
  expect(objects.filter(({ metadata }) => metadata.labels?.['team'] !== 'agents')).toEqual([]);
});

test('a digest is what runs, whatever the tag', async () => {
  const digest = `sha256:${'a'.repeat(64)}`;
  const pods = podsOf(await render({ image: { tag: '1.2.3', digest } }));

  const images = pods.flatMap(({ spec }) => spec.containers.map(({ image }) => image));
  expect(images).toContain(`ado@${digest}`);
  expect(images.join()).not.toContain('1.2.3');
});

test('further objects are added as they are, or as templates', async () => {
  const text = 'apiVersion: v1\nkind: ConfigMap\nmetadata: { name: "{{ .Release.Name }}-more" }';
  const object = { apiVersion: 'v1', kind: 'ConfigMap', metadata: { name: 'other' } };

  const names = (await render({ extraObjects: [text, object] })).map((o) => o.metadata.name);

  expect(names).toEqual(expect.arrayContaining(['ado-more', 'other']));
});

async function render(values: Tree): Promise<readonly KubeObject[]> {
  return renderChart({ values: { secrets: { existingSecret: 'ado-secrets' }, ...values } });
}

function has(found: unknown, wanted: unknown): boolean {
  return JSON.stringify(found) === JSON.stringify(wanted);
}

function hasNamed(containers: PodSpec['containers'], wanted: string): boolean {
  return containers.some(({ name }) => name === wanted);
}
