// How a pool of the chart follows its queue, with the chart's own pace upwards and a shorter one downwards.
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { until } from '../support/ado-platform.ts';
import { startExternalMetrics } from '../support/kube/external-metrics.ts';
import type { ExternalMetrics } from '../support/kube/external-metrics.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';

const namespace = 'ado-system';
const downWindowMs = 8_000;
const syncPeriodMs = 2_000;

let cluster: Cluster;
let metrics: ExternalMetrics;
/** What the agents' queue and workers tell; nothing at first. */
let signal: { readonly backlog: number; readonly busySlots: number } | undefined;
let answers = 0;

beforeAll(async () => {
  cluster = await startCluster();
  metrics = await startExternalMetrics(cluster.plane, async ({ metric }) => {
    if (metric === 'ado_pool_busy_slots') answers += 1;
    return Promise.resolve(
      metric === 'ado_task_queue_length' ? signal?.backlog : signal?.busySlots,
    );
  });
  await cluster.createNamespace(namespace);
}, 3_600_000);

afterAll(async () => {
  await metrics.close();
  await cluster.stop();
});

const down = {
  stabilizationWindowSeconds: downWindowMs / 1_000,
  policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
};
const values = JSON.stringify({
  fullnameOverride: 'ado',
  secrets: { existingSecret: 'ado-secrets' },
  api: { autoscaling: { mode: 'none' } },
  workerPools: {
    agents: { slots: 10, autoscaling: { mode: 'external', behavior: { scaleDown: down } } },
  },
});

it('a pool grows from 3 for 200 tasks, stays while they are at work, and shrinks to 3 when all is quiet', async () => {
  const agents = followReplicas(cluster.api, namespace, 'ado-worker-agents');
  await cluster.helm(['install', 'ado', chartFolder, '-n', namespace, '-f', '-'], {
    input: values,
  });
  // Without any metric, too.
  await agents.until(3);

  // Ten of the queue for each worker.
  signal = { backlog: 200, busySlots: 0 };
  await agents.until(20);
  const growth = agents.numbers.slice(agents.numbers.indexOf(3));
  expect(growth).toEqual([...growth].sort((one, other) => one - other));

  // Eight of ten slots for each worker, less the tenth within which an autoscaler keeps still.
  signal = { backlog: 0, busySlots: 160 };
  const before = answers;
  await until(
    'the window has passed',
    () => answers - before > downWindowMs / syncPeriodMs + 2,
    60_000,
  );
  expect(agents.last()).toBe(20);

  signal = { backlog: 0, busySlots: 0 };
  const quietSince = Date.now();
  await until('it shrinks', () => agents.last() !== 20, 60_000);
  expect(Date.now() - quietSince).toBeGreaterThan(downWindowMs - 2 * syncPeriodMs);
  await agents.until(3);
  await agents.stop();
}, 300_000);
