/** The parts of pods, volume claims and nodes that the stand-in for kubelets reads and writes. */
import type { KubeObject } from './kube-api.ts';

/** One container as its pod asks for it. */
export interface Container {
  readonly name: string;
  readonly image: string;
  readonly command?: readonly string[];
  readonly args?: readonly string[];
  readonly env?: readonly EnvironmentEntry[];
  readonly envFrom?: readonly EnvironmentSource[];
  readonly ports?: readonly { readonly name?: string; readonly containerPort: number }[];
  readonly volumeMounts?: readonly {
    readonly name: string;
    readonly mountPath: string;
    readonly subPath?: string;
  }[];
  readonly readinessProbe?: {
    readonly httpGet?: { readonly path: string; readonly port: number | string };
  };
}

/** One variable, or where it comes from. */
export interface EnvironmentEntry {
  readonly name: string;
  readonly value?: string;
  readonly valueFrom?: {
    readonly secretKeyRef?: KeyReference;
    readonly configMapKeyRef?: KeyReference;
    readonly fieldRef?: { readonly fieldPath: string };
  };
}

/** All variables of a secret or configuration. */
export interface EnvironmentSource {
  readonly prefix?: string;
  readonly secretRef?: Reference;
  readonly configMapRef?: Reference;
}

interface Reference {
  readonly name: string;
  readonly optional?: boolean;
}

interface KeyReference extends Reference {
  readonly key: string;
}

/** One volume of a pod. */
export interface Volume {
  readonly name: string;
  readonly configMap?: { readonly name: string };
  readonly secret?: { readonly secretName: string };
}

/** A pod. */
export interface Pod extends KubeObject {
  readonly metadata: KubeObject['metadata'] & {
    readonly namespace: string;
    readonly uid: string;
    readonly deletionGracePeriodSeconds?: number;
  };
  readonly spec: {
    readonly nodeName?: string;
    readonly restartPolicy?: string;
    readonly terminationGracePeriodSeconds?: number;
    readonly containers: readonly Container[];
    readonly initContainers?: readonly Container[];
    readonly volumes?: readonly Volume[];
  };
  readonly status?: { readonly phase?: string; readonly podIP?: string };
}

/** How a container of a pod is. */
export interface ContainerState {
  readonly ready: boolean;
  readonly restartCount: number;
  /** Exit code of one that has ended. */
  readonly exitCode?: number;
}

/** The status that a kubelet writes for a pod whose containers are all in one state. */
export function podStatus(pod: Pod, podIp: string, state: ContainerState): object {
  const now = new Date().toISOString();
  const hasEnded = state.exitCode !== undefined;
  const condition = (type: string, holds: boolean): object => ({
    type,
    status: holds ? 'True' : 'False',
    lastTransitionTime: now,
  });
  const ended = (exitCode: number): object => ({
    terminated: { exitCode, reason: exitCode === 0 ? 'Completed' : 'Error', finishedAt: now },
  });
  const containerStatus = (container: Container, how: ContainerState): object => ({
    name: container.name,
    image: container.image,
    imageID: container.image,
    ready: how.ready,
    started: how.exitCode === undefined,
    restartCount: how.restartCount,
    state: how.exitCode === undefined ? { running: { startedAt: now } } : ended(how.exitCode),
  });
  const phase = hasEnded ? (state.exitCode === 0 ? 'Succeeded' : 'Failed') : 'Running';
  return {
    phase,
    podIP: podIp,
    podIPs: [{ ip: podIp }],
    hostIP: '10.2.0.1',
    hostIPs: [{ ip: '10.2.0.1' }],
    startTime: now,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', true),
      condition('ContainersReady', state.ready),
      condition('Ready', state.ready),
    ],
    initContainerStatuses: (pod.spec.initContainers ?? []).map((container) =>
      containerStatus(container, { ready: true, restartCount: 0, exitCode: 0 }),
    ),
    containerStatuses: pod.spec.containers.map((container) => containerStatus(container, state)),
  };
}
