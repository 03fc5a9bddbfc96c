// Who decides how many pods run. What becomes of a live number on upgrades is tested on a real API server.
import { metricDefinitions } from '../../adapters/telemetry/metrics.ts';
import { taskQueues } from '../../contracts/names.ts';
import {
  objectNamed,
  renderChart,
  type KubeObject,
  type Tree,
} from '../support/kube/rendered-chart.ts';

const secret = { secrets: { existingSecret: 'ado-secrets' } };

async function renderPools(workerPools: Tree, more: Tree = {}): Promise<readonly KubeObject[]> {
  return renderChart({ values: { ...secret, ...more, workerPools } });
}

test('a fixed number of workers is what was asked for, none at all too', async () => {
  const objects = await renderPools({ agents: { replicas: 0 }, models: { replicas: 7 } });

  expect(objectNamed(objects, 'Deployment', 'ado-worker-agents').spec['replicas']).toBe(0);
  expect(objectNamed(objects, 'Deployment', 'ado-worker-models').spec['replicas']).toBe(7);
  expect(autoscalersOf(objects)).toEqual(['HorizontalPodAutoscaler ado-api']);
});

test.each(['cpu', 'external', 'keda'])(
  'mode %s has one autoscaler, and no number of its own on a first install',
  async (mode) => {
    const objects = await renderPools({ agents: { autoscaling: { mode }, replicas: 5 } });

    const name = 'ado-worker-agents';
    const deployment = objectNamed(objects, 'Deployment', name);
    const kind = mode === 'keda' ? 'ScaledObject' : 'HorizontalPodAutoscaler';
    expect(deployment.spec).not.toHaveProperty('replicas');
    expect(autoscalersOf(objects)).toEqual(expect.arrayContaining([`${kind} ${name}`]));
    expect(autoscalersOf(objects)).toHaveLength(2);
    expect(objectNamed(objects, kind, name).spec['scaleTargetRef']).toEqual({
      apiVersion: 'apps/v1',
      kind: 'Deployment',
      name,
    });
  },
);

test('a suspended release keeps its stores and runs nothing that writes to them', async () => {
  const values = { suspended: true, temporal: { mode: 'split' } };
  const objects = await renderChart({ files: ['ci/operators-values.yaml'], values });

  const running = objects.filter(({ kind, metadata: { name }, spec }) => {
    const stops = kind === 'Deployment' && name !== 'ado-temporal-ui';
    return stops && (spec as Tree)['replicas'] !== 0;
  });
  expect(running.map(({ metadata }) => metadata.name)).toEqual([]);
  expect(autoscalersOf(objects)).toEqual([]);
  expect(objects.map(({ kind }) => kind)).toContain('StatefulSet');
});

test('3 to 50 workers follow the queue, ten tasks for each, and the slots in use', async () => {
  const objects = await renderPools({ agents: { autoscaling: { mode: 'external' }, slots: 10 } });

  const { spec } = objectNamed(objects, 'HorizontalPodAutoscaler', 'ado-worker-agents');
  expect(spec).toMatchObject({ minReplicas: 3, maxReplicas: 50 });
  expect(spec['metrics']).toEqual([
    externalMetric('ado_task_queue_length', '10'),
    externalMetric('ado_pool_busy_slots', '8'),
  ]);
});

test('the metrics that are scaled by are exported, with the label that selects them', async () => {
  const objects = await renderChart({ files: ['ci/metrics-values.yaml'] });

  const text = JSON.stringify(objects.filter(({ kind }) => kind === 'HorizontalPodAutoscaler'));
  const names = [...text.matchAll(/"metric":\{"name":"([^"]+)"/g)].map(([, name]) => name ?? '');
  expect(new Set(names)).toEqual(new Set(['ado_task_queue_length', 'ado_pool_busy_slots']));
  for (const name of names)
    expect(metricDefinitions).toHaveProperty(
      name,
      expect.objectContaining({ labels: { pool: expect.anything() as unknown } }),
    );
});

test('KEDA asks Temporal for the queue of the pool, and the API for the slots in use', async () => {
  const autoscaling = { mode: 'keda', targetQueued: 4, min: 0 };
  const objects = await renderPools({
    workflows: { autoscaling },
    mixed: { pools: ['agents', 'models'], slots: 5, autoscaling },
  });

  const triggers = (pool: string): unknown =>
    objectNamed(objects, 'ScaledObject', `ado-worker-${pool}`).spec['triggers'];
  expect(triggers('workflows')).toEqual([queueTrigger('workflows', 'workflow,activity')]);
  expect(triggers('mixed')).toEqual([
    queueTrigger('agents', 'activity'),
    busyTrigger('agents', '4'),
    queueTrigger('models', 'activity'),
    busyTrigger('models', '4'),
  ]);
});

test('KEDA is given strings only, which is all that it takes', async () => {
  const objects = await renderChart({ files: ['ci/operators-values.yaml'] });

  const scaled = objects.filter(({ kind }) => kind === 'ScaledObject');
  expect(scaled).toHaveLength(3);
  for (const object of scaled) {
    const { triggers } = object['spec'] as { triggers: { metadata: Tree }[] };
    const values = triggers.flatMap(({ metadata }) => Object.values(metadata));
    expect(values.filter((value) => typeof value !== 'string')).toEqual([]);
  }
});

test('an autoscaler of one kind hands the pool over to one of another', async () => {
  const objects = await renderPools({ agents: { autoscaling: { mode: 'keda' } } });

  const object = objectNamed(objects, 'ScaledObject', 'ado-worker-agents');
  expect(object.metadata.annotations).toEqual({
    'scaledobject.keda.sh/transfer-hpa-ownership': 'true',
  });
  expect(object.spec).toMatchObject({
    advanced: { horizontalPodAutoscalerConfig: { name: 'ado-worker-agents' } },
    fallback: { replicas: 3, behavior: 'currentReplicasIfHigher' },
  });
});

test('workers come at once and go slowly, unless the pool says otherwise', async () => {
  const behavior = { scaleDown: { stabilizationWindowSeconds: 5 } };
  const objects = await renderPools({
    agents: { autoscaling: { mode: 'cpu' } },
    models: { autoscaling: { mode: 'cpu', behavior } },
  });

  const behaviorOf = (pool: string): unknown =>
    objectNamed(objects, 'HorizontalPodAutoscaler', `ado-worker-${pool}`).spec['behavior'];
  const up = {
    stabilizationWindowSeconds: 0,
    selectPolicy: 'Max',
    policies: [
      { type: 'Percent', value: 100, periodSeconds: 15 },
      { type: 'Pods', value: 5, periodSeconds: 15 },
    ],
  };
  const down = {
    stabilizationWindowSeconds: 300,
    selectPolicy: 'Max',
    policies: [
      { type: 'Pods', value: 2, periodSeconds: 60 },
      { type: 'Percent', value: 10, periodSeconds: 60 },
    ],
  };
  expect(behaviorOf('agents')).toEqual({ scaleUp: up, scaleDown: down });
  expect(behaviorOf('models')).toEqual({
    scaleUp: up,
    scaleDown: { ...down, stabilizationWindowSeconds: 5 },
  });
});

test('the quota of a lane holds all that its autoscalers may start, and one pod more of each', async () => {
  const values = {
    ...secret,
    postgresql: { external: { host: 'db' } },
    redis: { external: { host: 'redis' } },
  };
  const objects = await renderChart({ files: ['profiles/stable.yaml'], values });

  const maxima = new Map(
    objects.flatMap(({ kind, metadata, spec }) => {
      const { maxReplicas, maxReplicaCount } = (spec ?? {}) as Record<string, number>;
      const isScaler = ['HorizontalPodAutoscaler', 'ScaledObject'].includes(kind);
      return isScaler ? [[metadata.name, maxReplicas ?? maxReplicaCount ?? 0] as const] : [];
    }),
  );
  const needed = { cpu: 0, memory: 0, pods: 0 };
  for (const { kind, metadata, spec } of objects) {
    const { replicas, template } = (spec ?? {}) as { replicas?: number; template?: PodTemplate };
    if (template === undefined) continue;
    const count = kind === 'Job' ? 1 : (maxima.get(metadata.name) ?? replicas ?? 1) + 1;
    const { cpu, memory } = template.spec.containers[0]?.resources.requests ?? {};
    needed.pods += count;
    needed.cpu += count * toCores(cpu);
    needed.memory += count * toGibibytes(memory);
  }
  const quota = objectNamed(objects, 'ResourceQuota', 'ado-quota').spec['hard'] as Record<
    string,
    string
  >;
  expect(needed.pods).toBeLessThanOrEqual(Number(quota['pods']));
  expect(needed.cpu).toBeLessThanOrEqual(Number(quota['requests.cpu']));
  expect(needed.memory).toBeLessThanOrEqual(toGibibytes(quota['requests.memory']));
});

interface PodTemplate {
  readonly spec: {
    readonly containers: { readonly resources: { readonly requests: Record<string, string> } }[];
  };
}

function autoscalersOf(objects: readonly KubeObject[]): readonly string[] {
  return objects
    .filter(({ kind }) => ['HorizontalPodAutoscaler', 'ScaledObject'].includes(kind))
    .map(({ kind, metadata }) => `${kind} ${metadata.name}`);
}

function externalMetric(name: string, averageValue: string): Tree {
  return {
    type: 'External',
    external: {
      metric: { name, selector: { matchLabels: { pool: 'agents' } } },
      target: { type: 'AverageValue', averageValue },
    },
  };
}

function queueTrigger(pool: keyof typeof taskQueues, queueTypes: string): Tree {
  return {
    type: 'temporal',
    name: `${pool}-queue`,
    metadata: {
      endpoint: 'ado-temporal-frontend.ado-system.svc:7233',
      namespace: 'default',
      taskQueue: taskQueues[pool],
      queueTypes,
      targetQueueSize: '4',
      activationTargetQueueSize: '0',
    },
  };
}

function busyTrigger(pool: string, targetValue: string): Tree {
  return {
    type: 'metrics-api',
    name: `${pool}-busy`,
    metadata: {
      url: `http://ado-api-metrics.ado-system.svc:9090/internal/scaling/pools/${pool}`,
      valueLocation: 'busySlots',
      targetValue,
    },
  };
}

function toCores(quantity = '0'): number {
  return quantity.endsWith('m') ? Number(quantity.slice(0, -1)) / 1000 : Number(quantity);
}

function toGibibytes(quantity = '0'): number {
  const match = /^(\d+)(Mi|Gi)$/.exec(quantity);
  if (match === null) throw new Error(`nobody has written what ${quantity} means`);
  return Number(match[1]) / (match[2] === 'Mi' ? 1024 : 1);
}
