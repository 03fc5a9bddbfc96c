// The platform as the chart installs it, with a real process for every pod of its API and workers, on a real Temporal,
// PostgreSQL and Redis; the autoscaler of the agents is told what the API tells of the real queue.
//   - the migrations' Job makes the tables, and pods are ready when their processes are
//   - a batch that is more than the pool can do makes it grow, and when all is done it shrinks again
//   - meanwhile every Deployment is rolled over to another image: each repository gets one branch with one commit, and no
//     request to the API fails
//   - a worker that goes has handed its work over before its grace ends
import { readFileSync } from 'node:fs';
import { createApiClient } from '../../cli/api-client.ts';
import { createLocalApiKey } from '../../cli/dev/home.ts';
import { tryAgain } from '../../cli/try-again.ts';
import { openFaultWorld } from '../faults/fault-world.ts';
import type { FaultWorld } from '../faults/fault-world.ts';
import { until } from '../support/ado-platform.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { startExternalMetrics } from '../support/kube/external-metrics.ts';
import type { ExternalMetrics, MetricQuestion } from '../support/kube/external-metrics.ts';
import type { KubeList, KubeObject } from '../support/kube/kube-api.ts';
import { prepareNamespace, storeValues } from '../support/kube/installed-platform.ts';
import { createPodProcesses } from '../support/kube/pod-processes.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';
import { countCommits, deliveredBranches, makeRepositories } from '../support/repositories.ts';

const namespace = 'platform';
const itemCount = 100;
const parallel = 20;
const mostWorkers = 4;
const apiKey = createLocalApiKey();

let world: FaultWorld;
let cluster: Cluster;
let metrics: ExternalMetrics;
const processes = createPodProcesses(() => cluster.api);

beforeAll(async () => {
  world = await openFaultWorld();
  cluster = await startCluster(processes.run);
  metrics = await startExternalMetrics(cluster.plane, askApi);
  await prepareNamespace(cluster, { namespace, world, apiKey });
}, 3_600_000);

afterAll(async () => {
  await metrics.close();
  await cluster.stop();
  await world.stop();
  processes.clear();
});

/** The API as a Service would find it: any of its pods that is ready and stays. */
async function apiAddress(): Promise<string> {
  const selector = 'labelSelector=app.kubernetes.io/component=api';
  const { items } = await cluster.api.get<KubeList<ReadyPod>>(
    `/api/v1/namespaces/${namespace}/pods?${selector}`,
  );
  const ready = items.filter(
    ({ metadata, status }) =>
      metadata.deletionTimestamp === undefined &&
      status.conditions?.some(({ type, status: holds }) => type === 'Ready' && holds === 'True'),
  );
  const uid = ready[0]?.metadata.uid;
  const found = processes.started.findLast(({ pod }) => pod.metadata.uid === uid);
  if (found === undefined) throw new Error('no pod of the API is ready');
  return found.address;
}

interface ReadyPod extends KubeObject {
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** Answers an autoscaler with what the API tells on its internal port. */
async function askApi({ metric, labels }: MetricQuestion): Promise<number | undefined> {
  const url = `/internal/scaling/pools/${labels['pool'] ?? ''}`;
  try {
    const response = await fetch(`http://${await apiAddress()}:9090${url}`);
    if (!response.ok) return undefined;
    const told = (await response.json()) as {
      readonly backlog: number;
      readonly busySlots: number;
    };
    return metric === 'ado_task_queue_length' ? told.backlog : told.busySlots;
  } catch {
    return undefined;
  }
}

/** Asks for a batch again and again, each time one of the pods that a Service would choose. */
function keepAsking(batchId: string): {
  readonly stop: () => Promise<{ readonly asked: number; readonly failures: readonly string[] }>;
} {
  const failures: string[] = [];
  let asked = 0;
  let isOver = false;
  const ask = async (): Promise<void> => {
    while (!isOver) {
      const address = await apiAddress();
      const headers = { authorization: `Bearer ${apiKey}` };
      const url = `http://${address}:3000/v1/batches/${batchId}`;
      await fetch(url, { headers }).then(
        async (response) => {
          await response.text();
          if (!response.ok) failures.push(`${address}: ${String(response.status)}`);
        },
        (error: unknown) => {
          failures.push(`${address}: ${String(error)}`);
        },
      );
      asked += 1;
    }
  };
  const asking = ask();
  return {
    stop: async () => {
      isOver = true;
      await asking;
      return { asked, failures };
    },
  };
}

function values(tag: string): string {
  const atOnce = {
    stabilizationWindowSeconds: 5,
    policies: [{ type: 'Pods', value: 10, periodSeconds: 1 }],
  };
  const behavior = { scaleUp: { ...atOnce, stabilizationWindowSeconds: 0 }, scaleDown: atOnce };
  const grows = { mode: 'external', min: 1, max: mostWorkers, targetQueued: 2, behavior };
  return JSON.stringify({
    fullnameOverride: 'ado',
    image: { tag },
    ...storeValues(world),
    api: { replicas: 2, autoscaling: { mode: 'none' }, databasePoolSize: 5 },
    workerDefaults: { terminationGracePeriodSeconds: 40 },
    workerPools: {
      workflows: { replicas: 1 },
      models: { replicas: 0 },
      agents: { slots: 5, autoscaling: grows },
    },
  });
}

test('a batch is done by as many workers as it needs, while all of them are replaced', async () => {
  const agents = followReplicas(cluster.api, namespace, 'ado-worker-agents');
  const deploy = ['upgrade', '--install', 'ado', chartFolder, '-n', namespace, '-f', '-'];
  const ready = ['--wait', '--wait-for-jobs', '--timeout', '280s'];
  await cluster.helm([...deploy, ...ready], { input: values('v1') });
  let url = `http://${await apiAddress()}:3000`;
  const client = createApiClient(() => ({ url, key: apiKey }));
  const repositories = makeRepositories(itemCount);

  const { id } = await client.call('post /v1/batches', {
    idempotencyKey: 'once',
    body: {
      prompt: 'Do it',
      agent: 'command',
      exec: 'sleep 2; echo done >> README.md',
      parallel,
      items: repositories.map((repository) => ({ repository })),
    },
  });
  const look = async () =>
    tryAgain(
      async () => {
        url = `http://${await apiAddress()}:3000`;
        return client.call('get /v1/batches/:batchId', { params: { batchId: id } });
      },
      { forMs: 60_000, onRepeat: () => undefined },
    );
  const countEnded = async (): Promise<number> =>
    Object.values((await look()).counts.byOutcome).reduce((sum, count) => sum + count, 0);
  await agents.until(mostWorkers);
  const endedBefore = await countEnded();
  const requests = keepAsking(id);
  await cluster.helm([...deploy, ...ready], { input: values('v2') });
  const { asked, failures } = await requests.stop();
  const endedAfter = await countEnded();

  await until('the batch has ended', async () => (await look()).status === 'succeeded', 300_000);
  const figures = `${String(endedBefore)} of ${String(itemCount)} items had ended, after it ${String(endedAfter)}`;
  process.stderr.write(
    `rollout: before it ${figures}; ${String(asked)} requests, ${String(failures.length)} failed\n`,
  );
  const branches = repositories.map(deliveredBranches);
  expect(branches.map((names) => names.length)).toEqual(repositories.map(() => 1));
  const commits = repositories.map((repository, place) =>
    countCommits(repository, branches[place]?.[0] ?? ''),
  );
  expect(commits).toEqual(repositories.map(() => 1));
  expect(endedBefore).toBeLessThan(itemCount - parallel);
  expect(failures).toEqual([]);
  expect(asked).toBeGreaterThan(20);
  const images = new Set(processes.started.map(({ pod }) => pod.spec.containers[0]?.image));
  expect([...images].sort()).toEqual(['ado:v1', 'ado:v2']);

  await agents.until(1);
  await agents.stop();
  const old = processes.started.filter(({ pod }) => pod.spec.containers[0]?.image === 'ado:v1');
  const ends = await Promise.all(
    old.map(async ({ pod, ended, logFile }) => ({
      ...{ pod: pod.metadata.name, code: await ended },
      log: readFileSync(logFile, 'utf8').slice(-2_000),
    })),
  );
  expect(ends.filter(({ code }) => code !== 0)).toEqual([]);
  expect(cluster.nodes.troubles).toEqual([]);
}, 900_000);
