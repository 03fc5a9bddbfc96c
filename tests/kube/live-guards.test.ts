// What the chart looks up before it changes something, on a release that is live: numbers of pods that somebody stopped,
// and data that a wrong setting would make unreadable.
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import type { Tree } from '../support/kube/rendered-chart.ts';

const untilReady = ['--wait', '--wait-for-jobs', '--timeout', '120s'];
let cluster: Cluster;
let namespaces = 0;
let namespace = '';

beforeAll(async () => {
  cluster = await startCluster();
}, 3_600_000);

afterAll(async () => {
  await cluster.stop();
});

beforeEach(async () => {
  namespaces += 1;
  namespace = `guard-${String(namespaces)}`;
  await cluster.createNamespace(namespace);
});

/** Installs or upgrades with these values and made passwords; answers what Helm said when it fails, else nothing. */
async function deploy(values: Tree, ...flags: string[]): Promise<string> {
  const args = ['upgrade', '--install', 'ado', chartFolder, '-n', namespace, '-f', '-', ...flags];
  const input = JSON.stringify({ secrets: { generate: true }, ...values });
  const { code, stderr } = await cluster.tryHelm(args, { input });
  return code === 0 ? '' : stderr;
}

async function read(what: string, path: string): Promise<string> {
  return cluster.kubectl(['get', ...what.split(' '), '-n', namespace, `-o=jsonpath=${path}`]);
}

const replicasOf = async (name: string): Promise<number> =>
  Number(await read(`deployment ${name}`, '{.spec.replicas}'));

test('the number of history shards of a database cannot be changed', async () => {
  expect(await deploy({ temporal: { numHistoryShards: 16 } })).toBe('');

  const refusal = await deploy({ temporal: { numHistoryShards: 512 } });

  expect(refusal).toContain('temporal.numHistoryShards: is 16 for this database');
  expect(await read('configmap ado-temporal-config', '{.data.numHistoryShards}')).toBe('16');
});

test('no new password is made for a volume that has an old one', async () => {
  expect(await deploy({}, ...untilReady)).toBe('');
  await cluster.kubectl(['delete', 'secret', 'ado-secrets', '-n', namespace]);

  expect(await deploy({})).toContain('secrets.generate: volume data-ado-postgresql-0');
});

test('a pool at zero gets the minimum when it gets an autoscaler, which would not start from zero', async () => {
  expect(await deploy({ workerPools: { models: { replicas: 0 } } })).toBe('');
  expect(await replicasOf('ado-worker-models')).toBe(0);

  const autoscaling = { mode: 'external', min: 4, max: 9 };
  expect(await deploy({ workerPools: { models: { replicas: 0, autoscaling } } })).toBe('');

  expect(await replicasOf('ado-worker-models')).toBe(4);
});

test('a suspended release comes back with its numbers, and all that it keeps', async () => {
  const values = {
    workerPools: {
      agents: { replicas: 5 },
      models: { autoscaling: { mode: 'external', min: 2, max: 9 } },
    },
  };
  expect(await deploy(values, ...untilReady)).toBe('');
  const volumes = await read('pvc', '{.items[*].metadata.uid}');
  const names = ['ado-api', 'ado-temporal', 'ado-worker-agents', 'ado-worker-models'];
  const numbers = async (): Promise<number[]> => Promise.all(names.map(replicasOf));

  expect(await deploy({ ...values, suspended: true }, '--force-conflicts', ...untilReady)).toBe('');
  expect(await numbers()).toEqual([0, 0, 0, 0]);
  expect(await read('hpa', '{.items}')).toBe('[]');
  expect(await deploy(values, ...untilReady)).toBe('');

  expect(await numbers()).toEqual([2, 1, 5, 2]);
  expect(await read('pvc', '{.items[*].metadata.uid}')).toBe(volumes);
});
