/**
 * The platform as the chart installs it on a test cluster, with a process for each pod, on stores of the test's own:
 * where its API is, and what that tells of its pools.
 */
import type { Scaling } from '../../../contracts/fleet.schema.ts';
import type { FaultWorld } from '../../faults/fault-world.ts';
import type { Cluster } from './cluster.ts';
import type { KubeApi, KubeList, KubeObject } from './kube-api.ts';
import type { MetricQuestion, MetricSource } from './external-metrics.ts';
import type { PodProcesses } from './pod-processes.ts';

/** Where the platform is. */
export interface InstalledPlatform {
  readonly api: () => KubeApi;
  readonly namespace: string;
  readonly processes: PodProcesses;
}

interface ReadyPod extends KubeObject {
  readonly status: {
    readonly conditions?: readonly { readonly type: string; readonly status: string }[];
  };
}

/** The API as a Service would find it: any of its pods that is ready and stays. @throws Error when there is none */
export async function findApi({ api, namespace, processes }: InstalledPlatform): Promise<string> {
  const selector = 'labelSelector=app.kubernetes.io/component=api';
  const { items } = await api().get<KubeList<ReadyPod>>(
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

/** Answers autoscalers with what the API tells on its internal port; `onTold` hears all of it, and what was asked for. */
export function tellScaling(
  platform: InstalledPlatform,
  onTold: (question: MetricQuestion, told: Scaling) => void = () => undefined,
): MetricSource {
  return async (question) => {
    const pool = question.labels['pool'] ?? '';
    try {
      const url = `http://${await findApi(platform)}:9090/internal/scaling/pools/${pool}`;
      const response = await fetch(url);
      if (!response.ok) return undefined;
      const told = (await response.json()) as Scaling;
      onTold(question, told);
      return question.metric === 'ado_task_queue_length' ? told.backlog : told.busySlots;
    } catch {
      return undefined;
    }
  };
}

/** Makes the namespace of a release, with the Secret `passwords` that `storeValues` names. */
export async function prepareNamespace(
  cluster: Pick<Cluster, 'api' | 'createNamespace'>,
  {
    namespace,
    world,
    apiKey,
  }: { readonly namespace: string; readonly world: FaultWorld; readonly apiKey: string },
): Promise<void> {
  await cluster.createNamespace(namespace);
  await cluster.api.create(`/api/v1/namespaces/${namespace}/secrets`, {
    metadata: { name: 'passwords' },
    stringData: { POSTGRESQL_PASSWORD: world.postgres.password, ADO_BOOTSTRAP_API_KEY: apiKey },
  });
}

/** Values of the chart for stores that are there already; the Secret `passwords` holds their passwords. */
export function storeValues({ postgres, redis, temporal }: FaultWorld): object {
  const redisUrl = new URL(redis.url);
  return {
    secrets: { existingSecret: 'passwords' },
    postgresql: {
      mode: 'external',
      auth: { user: postgres.user },
      external: { host: postgres.host, port: postgres.port, tls: { enabled: false } },
    },
    redis: {
      mode: 'external',
      external: {
        host: redisUrl.hostname,
        port: Number(redisUrl.port),
        password: false,
        tls: false,
      },
    },
    temporal: { enabled: false, address: temporal.address, namespace: temporal.namespace },
  };
}
