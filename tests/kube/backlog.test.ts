// A pool under a real backlog: the platform as the chart installs it, with a real process for every pod, and an
// autoscaler that is told what the API tells of Temporal's queue and of busy slots.
//   - 200 tasks make the pool grow from 3 to what the formula says, at the chart's own pace, before any of them is done
//   - no worker is taken away for as long as the window looks back on a need for it; then the pool shrinks to 3
//   - what runs on a worker that is taken away is handed over: its attempt ends as the worker says, and another one
//     follows; nothing is begun twice whose worker stays
//   - all tasks succeed, each with one branch and one commit
import { readFileSync } from 'node:fs';
import { setTimeout as delay } from 'node:timers/promises';
import { Client, Connection } from '@temporalio/client';
import { createApiClient, listAll } from '../../cli/api-client.ts';
import type { ApiClient } from '../../cli/api-client.ts';
import { createLocalApiKey } from '../../cli/dev/home.ts';
import type { Scaling } from '../../contracts/fleet.schema.ts';
import { holdGate } from '../e2e/batch-events.ts';
import { openFaultWorld, queryAdo } from '../faults/fault-world.ts';
import type { FaultWorld } from '../faults/fault-world.ts';
import { until } from '../support/ado-platform.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { startExternalMetrics } from '../support/kube/external-metrics.ts';
import {
  findApi,
  prepareNamespace,
  storeValues,
  tellScaling,
} from '../support/kube/installed-platform.ts';
import { createPodProcesses } from '../support/kube/pod-processes.ts';
import type { PodProcess } from '../support/kube/pod-processes.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';
import type { ReplicaLog } from '../support/kube/replica-log.ts';
import { countCommits, deliveredBranches, makeRepositories } from '../support/repositories.ts';

const namespace = 'backlog';
const taskCount = 200;
/** As many as three workers have slots. */
const longCount = 6;
/** The first that three workers have no room for: new ones take them, which are the first to go. */
const isLong = (place: number): boolean => place >= 8 && place < 8 + longCount;
const repositoryCount = 20;
const fewest = 3;
/** Few, so that what new workers take from the queue makes no worker less. */
const slots = 2;
/** What two cores bear: 200 tasks are 7 or 8 workers. The chart's 10 would be 20; autoscaling.test.ts has those. */
const targetQueued = 25;
/** An autoscaler keeps still within a tenth. */
const tolerance = 1.1;
const downWindowMs = 8_000;
const syncPeriodMs = 2_000;
/** The pods get 20 s more, in which they end by themselves. */
const graceMs = 10_000;
/** The work needs the processor more than the test does. */
const lookEveryMs = 500;
/** Far above what anything takes; a loaded machine is slow. */
const patienceMs = 600_000;
const apiKey = createLocalApiKey();

/** What the API told, and which of its figures the autoscaler had asked for. */
interface Told extends Scaling {
  readonly atMs: number;
  readonly metric: string;
}

let world: FaultWorld;
let cluster: Cluster;
let client: ApiClient;
let agents: ReplicaLog;
const stops: (() => Promise<void>)[] = [];
const told: Told[] = [];
const processes = createPodProcesses(() => cluster.api);

beforeAll(async () => {
  world = await openFaultWorld();
  stops.push(async () => world.stop());
  cluster = await startCluster(processes.run);
  stops.push(cluster.stop);
  const platform = { api: () => cluster.api, namespace, processes };
  const metrics = await startExternalMetrics(
    cluster.plane,
    tellScaling(platform, ({ metric, labels }, scaling) => {
      if (labels['pool'] === 'agents') told.push({ ...scaling, metric, atMs: Date.now() });
    }),
  );
  let url: string | undefined;
  client = createApiClient(async () => {
    url ??= `http://${await findApi(platform)}:3000`;
    return { url, key: apiKey };
  });
  stops.push(metrics.close);
  agents = followReplicas(cluster.api, namespace, 'ado-worker-agents');
  stops.push(agents.stop);
  await prepareNamespace(cluster, { namespace, world, apiKey });
}, 3_600_000);

afterAll(async () => {
  for (const stop of stops.toReversed()) await stop();
  processes.clear();
});

function values(): string {
  const down = {
    stabilizationWindowSeconds: downWindowMs / 1_000,
    policies: [{ type: 'Pods', value: 100, periodSeconds: 1 }],
  };
  return JSON.stringify({
    fullnameOverride: 'ado',
    ...storeValues(world),
    api: { replicas: 1, autoscaling: { mode: 'none' }, databasePoolSize: 10 },
    workerPools: {
      workflows: { replicas: 1 },
      models: { replicas: 0 },
      agents: {
        slots,
        terminationGracePeriodSeconds: graceMs / 1_000 + 20,
        autoscaling: {
          mode: 'external',
          targetQueued,
          // All slots may be in use, so that it is the queue that asks for more.
          busySlots: { ratio: 1 },
          behavior: { scaleDown: down },
        },
        // A pod's name is its host's; here all have the same host.
        extraEnv: [
          { name: 'ADO_HOST_ID', valueFrom: { fieldRef: { fieldPath: 'metadata.name' } } },
        ],
      },
    },
  });
}

/** The autoscaler's formula for the figure that it was told, before it is rounded up. */
function workersFor({ metric, backlog, busySlots }: Told): number {
  const isQueue = metric === 'ado_task_queue_length';
  return Math.max(fewest, isQueue ? backlog / targetQueued : busySlots / slots);
}

async function countWorkers(): Promise<number> {
  const { items } = await client.call('get /v1/pools', {});
  return items.find(({ name }) => name === 'agents')?.workers ?? 0;
}

/** Workers of the agents' pool whose pods are taken away. One that has not served yet has nothing to hand over. */
async function leavingWorkers(): Promise<PodProcess[]> {
  const selector = 'labelSelector=app.kubernetes.io/component=worker';
  const path = `/api/v1/namespaces/${namespace}/pods?${selector}`;
  const { items } = await cluster.api.get<{ items: PodProcess['pod'][] }>(path);
  const staying = items.filter(({ metadata }) => metadata.deletionTimestamp === undefined);
  const uids = new Set(staying.map(({ metadata }) => metadata.uid));
  return processes.started.filter(
    ({ pod, logFile }) =>
      pod.metadata.name.startsWith('ado-worker-agents-') &&
      !uids.has(pod.metadata.uid) &&
      readFileSync(logFile, 'utf8').includes('"msg":"worker-ready"'),
  );
}

/** How the one activity of each task went: the worker that its work began on, its attempts, and why the last but one ended. */
async function readAttempts(taskIds: readonly string[]) {
  const firsts = await queryAdo<{ stream_id: string; worker: string }>(
    world,
    "select stream_id, data->>'worker' as worker from events where type = 'task-started'",
  );
  const firstWorker = new Map(firsts.map(({ stream_id: id, worker }) => [id, worker]));
  const { address, namespace: temporalNamespace } = world.temporal;
  const connection = await Connection.connect({ address });
  try {
    const { workflow } = new Client({ connection, namespace: temporalNamespace });
    return await Promise.all(
      taskIds.map(async (id) => {
        const { events } = await workflow.getHandle(id).fetchHistory();
        const starts = (events ?? []).flatMap(({ activityTaskStartedEventAttributes: started }) =>
          started === undefined || started === null ? [] : [started],
        );
        return {
          worker: firstWorker.get(id) ?? '',
          activities: starts.length,
          attempts: starts[0]?.attempt ?? 0,
          endedBy: starts[0]?.lastFailure?.applicationFailureInfo?.type ?? undefined,
        };
      }),
    );
  } finally {
    await connection.close();
  }
}

test('a pool follows 200 tasks up and down, and what outlives its worker is handed over', async () => {
  const install = ['install', 'ado', chartFolder, '-n', namespace, '-f', '-'];
  const ready = ['--wait', '--wait-for-jobs', '--timeout', '280s'];
  await cluster.helm([...install, ...ready], { input: values() });
  await agents.until(fewest);
  await until('three workers serve', async () => (await countWorkers()) === fewest, patienceMs);
  const shorts = holdGate({ lookEverySeconds: 1 });
  const longs = holdGate({ lookEverySeconds: 1 });
  const repositories = makeRepositories(repositoryCount);

  const { id } = await client.call('post /v1/batches', {
    idempotencyKey: 'once',
    body: {
      prompt: 'Do it',
      agent: 'command',
      exec: `if [ "$ADO_VAR_TIME" = long ]; then ${longs.wait}; else ${shorts.wait}; fi; echo done > done`,
      parallel: taskCount,
      items: Array.from({ length: taskCount }, (_, place) => ({
        repository: repositories[place % repositoryCount] ?? '',
        prompt: `Do it, number ${place}`,
        variables: { time: isLong(place) ? 'long' : 'short' },
      })),
    },
  });
  const look = async () => client.call('get /v1/batches/:batchId', { params: { batchId: id } });
  const countSucceeded = async (): Promise<number> => (await look()).counts.byOutcome.succeeded;

  // Up.
  let workers = 0;
  const isSettled = async (): Promise<boolean> => {
    workers = agents.last() ?? 0;
    const { backlog = 0, busySlots = 0 } = told.at(-1) ?? {};
    const areAllBusy = busySlots === workers * slots && backlog + busySlots === taskCount;
    await delay(lookEveryMs);
    return areAllBusy && (await countWorkers()) === workers;
  };
  await until('all workers are busy, and the others wait', isSettled, patienceMs);
  const growth = agents.moves.slice();
  const firstAtMs = told.find(({ backlog }) => backlog > 0)?.atMs ?? 0;
  const grownAfterMs = (growth.at(-1)?.atMs ?? 0) - firstAtMs;
  const doneBefore = await countSucceeded();

  // Down, while the long ones run.
  shorts.open();
  const haveShortEnded = async (): Promise<boolean> => {
    await delay(lookEveryMs);
    return (await countSucceeded()) === taskCount - longCount;
  };
  await until('the short ones have ended', haveShortEnded, patienceMs);
  await agents.until(fewest);
  // The number comes first, then the pods are told.
  let leaving = await leavingWorkers();
  const areTold = async (): Promise<boolean> => {
    leaving = await leavingWorkers();
    return leaving.length >= workers - fewest;
  };
  await until('as many pods are told to go', areTold, patienceMs);
  const atWork = (await look()).counts.byStatus.running;
  const codes = await Promise.all(leaving.map(async ({ ended }) => ended));
  longs.open();
  await until('the batch has ended', async () => (await look()).status === 'succeeded', patienceMs);

  const items = await listAll(taskCount, async (query) =>
    client.call('get /v1/batches/:batchId/items', { params: { batchId: id }, query }),
  );
  const attempts = await readAttempts(items.map((item) => item.id));
  const left = new Set(leaving.map(({ pod }) => pod.metadata.name));
  const wereLeft = attempts.filter((task, place) => isLong(place) && left.has(task.worker));
  const shrinking = agents.moves.slice(growth.length);
  process.stderr.write(
    `backlog: ${String(fewest)} → ${String(workers)} workers ${String(grownAfterMs)} ms after the first metric, ` +
      `then ${agents.numbers.slice(growth.length).join(', ')}; ${String(wereLeft.length)} tasks handed over\n`,
  );

  const grown = growth.map(({ replicas }) => replicas);
  expect(grown).toEqual([...grown].sort((one, other) => one - other));
  expect(told.map((one) => Math.ceil(workersFor(one)))).toContain(workers);
  expect(Math.max(...told.map(workersFor))).toBeLessThanOrEqual(workers * tolerance);
  expect(grownAfterMs).toBeLessThan(120_000);
  expect(doneBefore).toBe(0);
  for (const { replicas, atMs } of shrinking) {
    // What was told last may have come too late for this move.
    const [from, to] = [atMs - downWindowMs, atMs - syncPeriodMs];
    const seen = told.filter((one) => one.atMs > from && one.atMs < to);
    expect(seen.filter((one) => workersFor(one) > replicas)).toEqual([]);
  }
  expect(atWork).toBe(longCount);
  expect(codes).toEqual(leaving.map(() => 0));
  expect(wereLeft.length).toBeGreaterThan(0);
  expect(wereLeft.filter((task) => task.attempts === 1)).toEqual([]);
  const repeated = attempts.filter((task) => task.attempts !== 1);
  expect(repeated.filter(({ worker }) => !left.has(worker))).toEqual([]);
  expect(repeated.filter(({ endedBy }) => endedBy !== 'WORKER_LOST')).toEqual([]);
  expect(attempts.filter(({ activities }) => activities !== 1)).toEqual([]);
  expect(items.map(({ outcome }) => outcome)).toEqual(Array(taskCount).fill('succeeded'));
  const commits = repositories.map((repository) =>
    deliveredBranches(repository).map((branch) => countCommits(repository, branch)),
  );
  expect(commits).toEqual(
    repositories.map(() => Array(taskCount / repositoryCount).fill(1) as number[]),
  );
  expect(cluster.nodes.troubles).toEqual([]);
}, 1_800_000);
