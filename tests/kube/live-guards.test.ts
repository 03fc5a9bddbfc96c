// What the chart looks up before it changes something, on a release that is live: numbers of pods that somebody stopped, or
// that an autoscaler is about to change, and data that a wrong setting would make unreadable.
import { until } from '../support/ado-platform.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import type { RunningPod } from '../support/kube/fake-nodes.ts';
import type { Tree } from '../support/kube/rendered-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';

// An upgrade takes Helm seconds, and beside another cluster's processes ten times that.
jest.setTimeout(300_000);

const untilReady = ['--wait', '--wait-for-jobs', '--timeout', '120s'];
let cluster: Cluster;
let namespaces = 0;
let namespace = '';

beforeAll(async () => {
  cluster = await startCluster(({ metadata: { namespace: where, labels } }) =>
    labels?.['test'] === 'held' ? runUntil(ends(where).promise) : undefined,
  );
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

/** The ends of the pods that run until the test says so, by namespace. */
const held = new Map<string, PromiseWithResolvers<number>>();

function ends(where: string): PromiseWithResolvers<number> {
  const found = held.get(where) ?? Promise.withResolvers<number>();
  held.set(where, found);
  return found;
}

async function runUntil(ended: Promise<number>): Promise<RunningPod> {
  const now = Promise.resolve();
  return Promise.resolve({ ready: now, ended, stop: async () => now });
}

/** Helm runs it when all is rendered, and goes on when it has ended: the time between a look and a change, made long. */
const hook = {
  apiVersion: 'batch/v1',
  kind: 'Job',
  metadata: { name: 'hook', annotations: { 'helm.sh/hook': 'pre-upgrade' } },
  spec: {
    template: {
      metadata: { labels: { test: 'held' } },
      spec: {
        restartPolicy: 'Never',
        containers: [
          {
            name: 'main',
            image: 'pause',
            securityContext: {
              runAsNonRoot: true,
              allowPrivilegeEscalation: false,
              capabilities: { drop: ['ALL'] },
              seccompProfile: { type: 'RuntimeDefault' },
            },
          },
        ],
      },
    },
  },
};

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

test.each([0, 1])(
  'an upgrade on the heels of an install and %i more is not refused, and takes no pod away',
  async (upgrades) => {
    const values = {
      workerPools: { models: { autoscaling: { mode: 'cpu', min: 3, max: 9 } } },
      extraObjects: [hook],
    };
    const names = ['ado-api', 'ado-worker-models'];
    const logs = names.map((name) => followReplicas(cluster.api, namespace, name));
    const looked = '{.items[*].status.conditions[?(@.type=="AbleToScale")].status}';
    cluster.plane.pauseControllers();
    try {
      expect(await deploy(values)).toBe('');
      for (let done = 0; done < upgrades; done += 1)
        expect(await deploy(values, '--no-hooks')).toBe('');

      const upgrade = deploy({ ...values, image: { tag: 'other' } });
      const job = `/apis/batch/v1/namespaces/${namespace}/jobs/hook`;
      await until('all is rendered', async () => cluster.api.isOk(job), 90_000);
      cluster.plane.resumeControllers();
      const areDone = async (): Promise<boolean> => (await read('hpa', looked)) === 'True True';
      await until('the autoscalers have looked', areDone, 90_000);
      ends(namespace).resolve(0);

      expect(await upgrade).toBe('');
    } finally {
      cluster.plane.resumeControllers();
      for (const log of logs) await log.stop();
    }
    expect(await read('deployment ado-api', '{.spec.template.spec.containers[0].image}')).toBe(
      'ado:other',
    );
    expect(logs.map(({ numbers }) => numbers)).toEqual([[2], [3]]);
  },
);

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
