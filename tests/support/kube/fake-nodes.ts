/**
 * Stands in for the kubelets of three nodes in three zones: a pod that was given one of them runs and is ready at once,
 * one that is to end (a Job's, a test's) has succeeded, one that is deleted goes. Volume claims get a volume. What a
 * pod's containers do is left to `run`: nothing, or a process of this machine.
 */
import { randomInt } from 'node:crypto';
import type { KubeApi, KubeChange, KubeObject } from './kube-api.ts';
import { isStatus } from './kube-api.ts';
import { podStatus } from './pods.ts';
import type { ContainerState, Pod } from './pods.ts';

/** What runs as a pod. */
export interface RunningPod {
  /** Resolves when it may get traffic. */
  readonly ready: Promise<void>;
  /** Resolves with the exit code when it ends by itself; a pod whose containers are to run gets a new one. */
  readonly ended: Promise<number>;
  /** Asks it to end; resolves when it is gone, at the latest after its grace. */
  readonly stop: (graceMs: number) => Promise<void>;
}

/** Starts what a pod asks for; undefined for a pod of which nothing is run. `address` is its own. */
export type RunPod = (pod: Pod, address: string) => Promise<RunningPod> | undefined;

/** The nodes of a cluster. */
export interface FakeNodes {
  /** Ends every process of a pod and stops looking after pods. */
  readonly stop: () => Promise<void>;
  /** What went wrong on a node; a test that ends well has none. */
  readonly troubles: readonly string[];
}

const zones = ['zone-a', 'zone-b', 'zone-c'];

/** Makes the nodes and looks after their pods. */
export async function startFakeNodes(
  api: KubeApi,
  run: RunPod = () => undefined,
): Promise<FakeNodes> {
  for (const zone of zones) await createNode(api, zone);
  const end = new AbortController();
  const troubles: string[] = [];
  const pods = new Map<string, PodLife>();
  // Every cluster has a network of its own, as several may run on one machine.
  let address = randomInt(16 * 65_536, 255 * 65_536);

  const onPod = ({ type, object: pod }: KubeChange<Pod>): void => {
    const { uid } = pod.metadata;
    const life = pods.get(uid);
    if (type === 'DELETED') {
      pods.delete(uid);
      life?.delete(0);
      return;
    }
    if (pod.spec.nodeName === undefined) return;
    if (life === undefined) {
      address += 1;
      const host = [address >> 16, (address >> 8) & 255, address & 255].join('.');
      const created = new PodLife({ api, pod, run, host, signal: end.signal, troubles });
      pods.set(uid, created);
      created.start();
    }
    if (pod.metadata.deletionTimestamp !== undefined)
      pods.get(uid)?.delete((pod.metadata.deletionGracePeriodSeconds ?? 0) * 1_000);
  };
  const watches = [
    api.watch<Pod>('/api/v1/pods', onPod, end.signal),
    api.watch<KubeObject>(
      '/api/v1/persistentvolumeclaims',
      (change) => {
        if (change.type === 'ADDED')
          void provideVolume(api, change.object).catch((error: unknown) => {
            if (!isStatus(error, 409) && !end.signal.aborted) troubles.push(String(error));
          });
      },
      end.signal,
    ),
  ];
  return {
    troubles,
    stop: async () => {
      end.abort();
      await Promise.all(watches);
      await Promise.all([...pods.values()].map(async (life) => life.kill()));
    },
  };
}

interface PodLifeOptions {
  readonly api: KubeApi;
  readonly pod: Pod;
  readonly run: RunPod;
  /** The last three numbers of the pod's address. */
  readonly host: string;
  readonly signal: AbortSignal;
  readonly troubles: string[];
}

/**
 * One pod on its node: `start` runs it until `delete` is called, which ends what runs and then takes the object away.
 * Writes of its status come one after another, and those that come too late are left out.
 */
class PodLife {
  readonly #options: PodLifeOptions;
  readonly #path: string;
  #running: RunningPod | undefined;
  #deleting = false;
  #restarts = 0;
  #writes: Promise<void> = Promise.resolve();

  constructor(options: PodLifeOptions) {
    this.#options = options;
    const { namespace, name } = options.pod.metadata;
    this.#path = `/api/v1/namespaces/${namespace}/pods/${name}`;
  }

  start(): void {
    const { pod, run, host } = this.#options;
    // The kernel answers on all of 127.0.0.0/8, so that every pod may have the ports that it wants.
    const starting = run(pod, `127.${host}`);
    if (starting === undefined) {
      const isToEnd = (pod.spec.restartPolicy ?? 'Always') !== 'Always';
      const state = { restartCount: 0, ready: !isToEnd, ...(isToEnd ? { exitCode: 0 } : {}) };
      this.#write(state);
      return;
    }
    this.#write({ ready: false, restartCount: this.#restarts });
    void starting.then(
      (running) => this.#follow(running),
      (error: unknown) => {
        this.#options.troubles.push(`${this.#path}: ${String(error)}`);
      },
    );
  }

  /** As a kubelet that sees the deletion of its pod. */
  delete(graceMs: number): void {
    if (this.#deleting) return;
    this.#deleting = true;
    const { api, pod } = this.#options;
    const stopped = this.#running?.stop(graceMs) ?? Promise.resolve();
    const gone = stopped.then(async () =>
      api.remove(this.#path, {
        gracePeriodSeconds: 0,
        preconditions: { uid: pod.metadata.uid },
      }),
    );
    void gone.catch((error: unknown) => {
      this.#tell(error);
    });
  }

  async kill(): Promise<void> {
    this.#deleting = true;
    await this.#running?.stop(0);
    await this.#writes;
  }

  #follow(running: RunningPod): void {
    this.#running = running;
    if (this.#deleting || this.#options.signal.aborted) {
      void running.stop(0);
      return;
    }
    void running.ready.then(() => {
      if (this.#running === running) this.#write({ ready: true, restartCount: this.#restarts });
    });
    void running.ended.then((exitCode) => {
      this.#running = undefined;
      if (this.#deleting || this.#options.signal.aborted) return;
      const policy = this.#options.pod.spec.restartPolicy ?? 'Always';
      if (policy === 'Never' || (policy === 'OnFailure' && exitCode === 0)) {
        this.#write({ ready: false, restartCount: this.#restarts, exitCode });
        return;
      }
      this.#restarts += 1;
      this.start();
    });
  }

  #write(state: ContainerState): void {
    const { api, pod, host } = this.#options;
    const status = podStatus(pod, `10.${host}`, state);
    this.#writes = this.#writes.then(async () =>
      api.patch(`${this.#path}/status`, { status }).then(
        () => undefined,
        (error: unknown) => {
          this.#tell(error);
        },
      ),
    );
  }

  #tell(error: unknown): void {
    // A pod that is gone needs no status.
    if (this.#options.signal.aborted || isStatus(error, 404) || isStatus(error, 409)) return;
    this.#options.troubles.push(`${this.#path}: ${String(error)}`);
  }
}

async function createNode(api: KubeApi, zone: string): Promise<void> {
  const name = `node-in-${zone}`;
  const room = { cpu: '1000', memory: '4000Gi', 'ephemeral-storage': '4000Gi', pods: '1000' };
  const labels = {
    'kubernetes.io/hostname': name,
    'kubernetes.io/os': 'linux',
    'kubernetes.io/arch': 'amd64',
    'topology.kubernetes.io/zone': zone,
  };
  await api.create('/api/v1/nodes', { metadata: { name, labels } });
  const now = new Date().toISOString();
  const ready = {
    type: 'Ready',
    status: 'True',
    reason: 'KubeletReady',
    lastHeartbeatTime: now,
    lastTransitionTime: now,
  };
  const status = { capacity: room, allocatable: room, conditions: [ready] };
  await api.patch(`/api/v1/nodes/${name}/status`, { status });
}

/** Gives a claim a volume of its own; the claim's class and wishes are copied, and nothing is stored. */
async function provideVolume(api: KubeApi, claim: KubeObject): Promise<void> {
  const { name, namespace, uid } = claim.metadata;
  const { spec } = claim as unknown as {
    readonly spec: {
      readonly accessModes: readonly string[];
      readonly storageClassName?: string;
      readonly resources: { readonly requests: { readonly storage: string } };
    };
  };
  await api.create('/api/v1/persistentvolumes', {
    metadata: { name: `volume-${uid ?? ''}` },
    spec: {
      accessModes: spec.accessModes,
      capacity: spec.resources.requests,
      storageClassName: spec.storageClassName ?? '',
      persistentVolumeReclaimPolicy: 'Retain',
      hostPath: { path: '/nowhere' },
      claimRef: { apiVersion: 'v1', kind: 'PersistentVolumeClaim', namespace, name, uid },
    },
  });
}
