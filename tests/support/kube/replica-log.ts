/** Every number of replicas that a Deployment was ever asked for, in order: what was there for a moment is there, too. */
import { setTimeout as delay } from 'node:timers/promises';
import type { KubeApi, KubeObject } from './kube-api.ts';

/** The numbers of one Deployment. */
export interface ReplicaLog {
  /** From the first to the last, without repetitions. */
  readonly numbers: readonly number[];
  /** The same, each with the time at which it was seen. */
  readonly moves: readonly { readonly replicas: number; readonly atMs: number }[];
  readonly last: () => number | undefined;
  /** Resolves when the last number is this one. @throws Error with the numbers when it takes a minute */
  readonly until: (replicas: number) => Promise<void>;
  readonly stop: () => Promise<void>;
}

interface Deployment extends KubeObject {
  readonly spec: { readonly replicas: number };
}

const patienceMs = 60_000;

/** Follows a Deployment, which need not be there yet. */
export function followReplicas(api: KubeApi, namespace: string, name: string): ReplicaLog {
  const numbers: number[] = [];
  const moves: { readonly replicas: number; readonly atMs: number }[] = [];
  const end = new AbortController();
  const onChange = ({ object }: { readonly object: Deployment }): void => {
    const { replicas } = object.spec;
    if (object.metadata.name !== name || numbers.at(-1) === replicas) return;
    numbers.push(replicas);
    moves.push({ replicas, atMs: Date.now() });
  };
  const path = `/apis/apps/v1/namespaces/${namespace}/deployments`;
  const watching = api.watch<Deployment>(path, onChange, end.signal);
  return {
    numbers,
    moves,
    last: () => numbers.at(-1),
    until: async (replicas) => {
      const deadline = Date.now() + patienceMs;
      while (numbers.at(-1) !== replicas) {
        if (Date.now() > deadline)
          throw new Error(`${name} never got ${replicas} replicas: ${numbers.join(', ')}`);
        await delay(50);
      }
    },
    stop: async () => {
      end.abort();
      await watching;
    },
  };
}
