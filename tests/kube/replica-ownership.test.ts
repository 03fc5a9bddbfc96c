// Who may set the number of replicas: Helm, an autoscaler, a person with kubectl. What happens when two of them do, with
// each way in which a chart can render the number. The chart of ado renders the number of its values, and under an
// autoscaler the live one: the only way that neither fails nor drops below what runs.
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { startExternalMetrics } from '../support/kube/external-metrics.ts';
import type { ExternalMetrics } from '../support/kube/external-metrics.ts';
import { createPoolChart, queuedPerReplica } from '../support/kube/pool-chart.ts';
import type { PoolValues } from '../support/kube/pool-chart.ts';
import { followReplicas } from '../support/kube/replica-log.ts';
import type { ReplicaLog } from '../support/kube/replica-log.ts';

let cluster: Cluster;
let metrics: ExternalMetrics;
const chart = createPoolChart();
/** By namespace; an autoscaler that asks for another gets no answer and stays where it is. */
const backlogs = new Map<string, number>();
/** Of all rows, which run at once: most of their time is an autoscaler's. */
const logs: ReplicaLog[] = [];

beforeAll(async () => {
  cluster = await startCluster();
  metrics = await startExternalMetrics(cluster.plane, async ({ namespace }) =>
    Promise.resolve(backlogs.get(namespace)),
  );
}, 3_600_000);

afterAll(async () => {
  for (const log of logs) await log.stop();
  await metrics.close();
  await cluster.stop();
});

/** One row of the table, in a namespace of its own. */
interface Row {
  readonly namespace: string;
  readonly log: ReplicaLog;
  /** Installs or upgrades with these values; answers what Helm said when it fails, else nothing. */
  readonly deploy: (values: PoolValues, ...flags: string[]) => Promise<string>;
  readonly scaleByHand: (replicas: number) => Promise<void>;
  /** Has the autoscaler wish for a number of replicas, or get no answer any more, so that it keeps still. */
  readonly wish: (replicas: number | undefined) => void;
}

async function startRow(): Promise<Row> {
  const namespace = `row-${String(logs.length)}`;
  const log = followReplicas(cluster.api, namespace, 'pool');
  logs.push(log);
  await cluster.createNamespace(namespace);
  const place = ['-n', namespace];
  return {
    namespace,
    log,
    deploy: async (values, ...flags) => {
      const args = ['upgrade', '--install', 'pool', chart, ...place, '-f', '-', ...flags];
      const result = await cluster.tryHelm(args, { input: JSON.stringify(values) });
      return result.code === 0 ? '' : result.stderr;
    },
    scaleByHand: async (replicas) => {
      const args = ['scale', 'deployment/pool', `--replicas=${String(replicas)}`];
      await cluster.kubectl([...args, ...place]);
    },
    wish: (replicas) => {
      if (replicas === undefined) backlogs.delete(namespace);
      else backlogs.set(namespace, replicas * queuedPerReplica);
    },
  };
}

/** Helm refuses, because somebody else's number would be lost; it names who. */
const conflictWith = (manager: string): RegExp =>
  new RegExp(`conflict with "${manager}".*\\.spec\\.replicas`, 's');

describe('without an autoscaler', () => {
  it.concurrent('an upgrade sets the number', async () => {
    const { log, deploy } = await startRow();
    expect(await deploy({ render: 'fixed', replicas: 1 })).toBe('');
    expect(await deploy({ render: 'fixed', replicas: 5 })).toBe('');

    await log.until(5);
  });

  it.concurrent(
    'an upgrade after `kubectl scale` is refused, and takes the number back by force',
    async () => {
      const { log, deploy, scaleByHand } = await startRow();
      await deploy({ render: 'fixed', replicas: 1 });
      await scaleByHand(7);

      expect(await deploy({ render: 'fixed', replicas: 4 })).toMatch(conflictWith('kubectl'));
      expect(await deploy({ render: 'fixed', replicas: 4 }, '--force-conflicts')).toBe('');
      await log.until(4);
    },
  );

  it.concurrent(
    'an upgrade on the client side overwrites `kubectl scale` without a word',
    async () => {
      const { log, deploy, scaleByHand } = await startRow();
      await deploy({ render: 'fixed', replicas: 1 });
      await scaleByHand(7);

      expect(await deploy({ render: 'fixed', replicas: 4 }, '--server-side=false')).toBe('');
      await log.until(4);
    },
  );
});

describe('with an autoscaler', () => {
  it.concurrent('a chart that renders a number as well cannot be upgraded', async () => {
    const { log, deploy, wish } = await startRow();
    wish(6);
    await deploy({ render: 'fixed', replicas: 2, max: 10 });
    await log.until(6);

    const refusal = await deploy({ render: 'fixed', replicas: 2, max: 10 });

    expect(refusal).toMatch(conflictWith('kube-controller-manager'));
  });

  it.concurrent.each([
    ['on the server', []],
    ['on the client', ['--server-side=false']],
  ])('a chart that then renders nothing drops to one, applied %s', async (_side, flags) => {
    const { log, deploy, wish } = await startRow();
    await deploy({ render: 'fixed', replicas: 4 }, ...flags);
    await log.until(4);

    expect(await deploy({ render: 'nothing', max: 10 }, ...flags)).toBe('');

    await log.until(1);
    wish(5);
    await log.until(5);
    expect(log.numbers).toEqual([4, 1, 5]);
  });

  it.concurrent('a number that nobody owned is overwritten without a conflict', async () => {
    const { log, deploy, wish } = await startRow();
    await deploy({ render: 'fixed', replicas: 4 });
    await deploy({ render: 'nothing', max: 10 });
    await log.until(1);
    wish(5);
    await log.until(5);

    wish(undefined);
    expect(await deploy({ render: 'fixed', replicas: 3 })).toBe('');

    await log.until(3);
  });

  it.concurrent(
    'a chart that renders the live number never drops, however often it is upgraded',
    async () => {
      const { log, deploy, wish } = await startRow();
      await deploy({ render: 'fixed', replicas: 4 });
      wish(8);

      expect(await deploy({ render: 'live', max: 10 })).toBe('');
      await log.until(8);
      expect(await deploy({ render: 'live', max: 10, image: 'worker:2' })).toBe('');
      expect(await deploy({ render: 'live', max: 10, image: 'worker:3' })).toBe('');

      expect(log.numbers).toEqual([4, 8]);
    },
  );

  it.concurrent(
    'a chart that once rendered the live number and then nothing drops to one',
    async () => {
      const { log, deploy } = await startRow();
      await deploy({ render: 'fixed', replicas: 3 });
      expect(await deploy({ render: 'live', max: 10 })).toBe('');

      expect(await deploy({ render: 'nothing', max: 10 })).toBe('');

      await log.until(1);
      expect(log.numbers).toEqual([3, 1]);
    },
  );

  it.concurrent('turned off, the number has to be taken back by force', async () => {
    const { log, deploy, wish } = await startRow();
    await deploy({ render: 'fixed', replicas: 4 });
    wish(8);
    await deploy({ render: 'live', max: 10 });
    await log.until(8);

    const refusal = await deploy({ render: 'fixed', replicas: 2 });

    expect(refusal).toMatch(conflictWith('kube-controller-manager'));
    wish(undefined);
    expect(await deploy({ render: 'fixed', replicas: 2 }, '--force-conflicts')).toBe('');
    await log.until(2);
  });

  it.concurrent(
    'turned off, a number that the chart never rendered is taken without a conflict',
    async () => {
      const { log, deploy, wish } = await startRow();
      wish(5);
      await deploy({ render: 'nothing', max: 10 });
      await log.until(5);

      wish(undefined);
      expect(await deploy({ render: 'fixed', replicas: 2 })).toBe('');

      await log.until(2);
    },
  );

  it.concurrent('a lower bound from above takes effect', async () => {
    const { log, deploy, wish } = await startRow();
    await deploy({ render: 'fixed', replicas: 4 });
    wish(9);
    await deploy({ render: 'live', max: 10 });
    await log.until(9);

    expect(await deploy({ render: 'live', max: 8 })).toBe('');

    await log.until(8);
    expect(log.numbers).toEqual([4, 9, 8]);
  });

  it.concurrent(
    'a rollback to it lands on the number that its revision rendered, and the autoscaler goes on',
    async () => {
      const { namespace, log, deploy, wish } = await startRow();
      await deploy({ render: 'fixed', replicas: 4 });
      await deploy({ render: 'live', max: 10 });
      wish(6);
      await log.until(6);
      // Helm changes the number first and then removes the autoscaler.
      wish(undefined);
      await deploy({ render: 'fixed', replicas: 2 }, '--force-conflicts');
      await log.until(2);

      wish(6);
      await cluster.helm(['rollback', 'pool', '2', '-n', namespace]);

      await log.until(6);
      expect(log.numbers).toEqual([4, 6, 2, 4, 6]);
    },
  );

  it.concurrent(
    'a rollback from one autoscaled revision to another is refused once the autoscaler has moved',
    async () => {
      const { namespace, log, deploy, wish } = await startRow();
      await deploy({ render: 'fixed', replicas: 2 });
      await deploy({ render: 'live', max: 10 });
      wish(6);
      await log.until(6);
      await deploy({ render: 'live', max: 10, image: 'worker:2' });
      const rollback = ['rollback', 'pool', '2', '-n', namespace];

      const refusal = await cluster.tryHelm(rollback);

      expect(refusal.stderr).toMatch(conflictWith('kube-controller-manager'));
      expect(log.numbers).toEqual([2, 6]);
      await cluster.helm([...rollback, '--force-conflicts']);
      await log.until(6);
      expect(log.numbers).toEqual([2, 6, 2, 6]);
    },
  );
});
