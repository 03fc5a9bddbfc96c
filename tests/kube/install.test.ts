// Every way to install the chart that it is looked at elsewhere, in namespaces that enforce the restricted standard.
import { objectsOf } from '../support/kube/release-objects.ts';
import { addCustomKinds } from '../support/kube/custom-kinds.ts';
import { chartCases } from '../support/kube/chart-cases.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import type { RenderOptions } from '../support/kube/rendered-chart.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
  await addCustomKinds(cluster);
  const runtimes = '/apis/node.k8s.io/v1/runtimeclasses';
  await cluster.api.create(runtimes, { metadata: { name: 'gvisor' }, handler: 'runsc' });
}, 3_600_000);

afterAll(async () => {
  await cluster.stop();
});

const untilReady = ['--wait', '--wait-for-jobs', '--timeout', '120s'];
let namespaces = 0;

/** A namespace with the secrets that the cases name, unless the release makes its own. */
async function prepareNamespace({ values = {} }: RenderOptions): Promise<string> {
  namespaces += 1;
  const namespace = `case-${String(namespaces)}`;
  await cluster.createNamespace(namespace);
  const stringData = {
    POSTGRESQL_PASSWORD: 'p1',
    REDIS_PASSWORD: 'p2',
    ANTHROPIC_API_KEY: 'k',
    'ca.crt': 'c',
  };
  const { generate = false } = (values['secrets'] ?? {}) as { readonly generate?: boolean };
  for (const name of ['db-ca', 'ado-tls', ...(generate ? [] : ['ado-secrets'])])
    await cluster.api.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name },
      stringData,
    });
  return namespace;
}

/** The words that name release, chart and values for helm, and the values for its stdin. */
function release({ release: name = 'ado', files = [], values = {} }: RenderOptions) {
  const paths = [...files.map((file) => `${chartFolder}/${file}`), '-'];
  const args = [name, chartFolder, ...paths.flatMap((path) => ['--values', path])];
  return { name, args, input: JSON.stringify(values) };
}

test.concurrent.each(chartCases)(
  'the chart with %s has no field that the API server does not know, and nothing that it warns of',
  async (_name, options) => {
    const { args, input } = release(options);
    const namespace = await prepareNamespace(options);
    const dryRun = ['install', ...args, '-n', namespace, '--dry-run=server', '-o', 'json'];
    const objects = objectsOf(await cluster.helm(dryRun, { input }));
    // A pod is refused without its account, even when nothing is written.
    const accounts = objects.matchAll(/serviceAccountName: (\S+)/g);
    for (const account of new Set([...accounts].map(([, found = '']) => found)))
      await cluster.tryKubectl([
        'create',
        'serviceaccount',
        account,
        '-n',
        namespace,
        '--save-config',
      ]);

    const strict = ['--dry-run=server', '--validate=strict', '--warnings-as-errors'];
    const result = await cluster.tryKubectl(['apply', '-n', namespace, ...strict, '-f', '-'], {
      input: objects,
    });

    expect(result.stderr).toBe('');
    expect(result.code).toBe(0);
  },
);

test.concurrent.each(chartCases)(
  'the chart with %s is installed: everything comes up, and its tests pass',
  async (_name, options) => {
    const { name, args, input } = release(options);
    const namespace = await prepareNamespace(options);

    await cluster.helm(['install', ...args, '-n', namespace, ...untilReady], { input });
    await cluster.helm(['test', name, '-n', namespace, '--timeout', '60s']);

    expect(cluster.nodes.troubles).toEqual([]);
  },
);

describe('a release', () => {
  const options = { values: { secrets: { generate: true } } };
  const { name, args, input } = release(options);
  let namespace: string;

  beforeAll(async () => {
    namespace = await prepareNamespace(options);
    await cluster.helm(['install', ...args, '-n', namespace, ...untilReady], { input });
  });

  const read = async (what: string, path: string): Promise<string> =>
    cluster.kubectl(['get', ...what.split(' '), '-n', namespace, `-o=jsonpath=${path}`]);
  const image = async (): Promise<string> =>
    read('deployment ado-api', '{.spec.template.spec.containers[0].image}');
  const passwords = async (): Promise<string> => read('secret ado-secrets', '{.data}');

  it('keeps its passwords and volumes when it is upgraded and rolled back', async () => {
    const secrets = await passwords();
    const volumes = await read('pvc', '{.items[*].metadata.uid}');
    const upgrade = ['upgrade', ...args, '-n', namespace, ...untilReady];

    await cluster.helm([...upgrade, '--set', 'image.tag=other'], { input });
    expect(await image()).toBe('ado:other');
    await cluster.helm(['rollback', name, '-n', namespace, ...untilReady]);

    expect(await image()).not.toBe('ado:other');
    expect(await passwords()).toBe(secrets);
    expect(volumes).not.toBe('');
    expect(await read('pvc', '{.items[*].metadata.uid}')).toBe(volumes);
  });

  it('leaves nothing that runs when it is uninstalled', async () => {
    await cluster.helm(['uninstall', name, '-n', namespace, '--wait', '--timeout', '120s']);

    const kinds = 'deployments,statefulsets,jobs,cronjobs,services,hpa,pdb,networkpolicies';
    expect(await cluster.kubectl(['get', kinds, '-n', namespace, '-o', 'name'])).toBe('');
  });
});
