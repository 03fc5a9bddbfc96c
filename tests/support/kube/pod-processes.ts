/**
 * Runs ado's own processes for its pods, as the image would: the same program and the variables, files and folders that
 * the pod asks for, on an address of the pod's own. Pods of other images run nothing.
 */
import { spawn } from 'node:child_process';
import { closeSync, mkdirSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { checkoutRoot, nodeFlags, programPath } from '../../../cli/dev/checkout.ts';
import { findCache } from '../../../cli/dev/home.ts';
import { answersHttp } from '../../../cli/dev/probes.ts';
import { endProcess, identify } from '../../../cli/dev/processes.ts';
import type { RunningPod, RunPod } from './fake-nodes.ts';
import type { KubeApi } from './kube-api.ts';
import { isStatus } from './kube-api.ts';
import type { Container, EnvironmentEntry, Pod } from './pods.ts';

/** A process that runs for a pod, or has run. */
export interface PodProcess {
  readonly pod: Pod;
  readonly pid: number;
  readonly address: string;
  readonly logFile: string;
  /** Resolves with its exit code; 137 for one that was killed. */
  readonly ended: Promise<number>;
}

/** The processes of a cluster's pods. */
export interface PodProcesses {
  readonly run: RunPod;
  /** All that were ever started, the oldest first. */
  readonly started: readonly PodProcess[];
  /** Removes their files. */
  readonly clear: () => void;
}

/** Answers what runs ado's processes; `api` is asked for the objects that pods name. */
export function createPodProcesses(api: () => KubeApi): PodProcesses {
  const root = mkdtempSync(join(tmpdir(), 'ado-test-pods-'));
  const started: PodProcess[] = [];
  return {
    started,
    run: (pod, address) => {
      const container = pod.spec.containers.find(({ args = [] }) => args[0] === 'node');
      if (container === undefined) return undefined;
      const folder = mkdtempSync(join(root, `${pod.metadata.name}-`));
      return runContainer({ api: api(), pod, container, address, folder }, started);
    },
    clear: () => {
      rmSync(root, { recursive: true, force: true });
    },
  };
}

interface Run {
  readonly api: KubeApi;
  readonly pod: Pod;
  readonly container: Container;
  readonly address: string;
  readonly folder: string;
}

async function runContainer(run: Run, started: PodProcess[]): Promise<RunningPod> {
  const { pod, container, address, folder } = run;
  const paths = await mount(run);
  const asked = await environment(run);
  const env = Object.fromEntries(
    Object.entries(asked).map(([name, value]) => [name, localValue(value, address, paths)]),
  );
  const [, script = '', ...args] = container.args ?? [];
  const program = programPath(script.replace(/^dist\/(.*)\.js$/, '$1'));
  const logFile = join(folder, 'log');
  const log = openSync(logFile, 'a');
  const child = spawn(process.execPath, [...nodeFlags(), program, ...args], {
    cwd: checkoutRoot(),
    env: {
      PATH: process.env['PATH'],
      LANG: 'C.UTF-8',
      NODE_COMPILE_CACHE: join(findCache(process.env), 'node-compile'),
      ...env,
    },
    stdio: ['ignore', log, log],
  });
  closeSync(log);
  const ended = new Promise<number>((resolve) => {
    child.once('error', () => resolve(128));
    child.once('exit', (code) => resolve(code ?? 137));
  });
  const pid = child.pid ?? 0;
  const identity = identify(pid);
  started.push({ pod, pid, address, logFile, ended });
  let hasEnded = false;
  void ended.then(() => {
    hasEnded = true;
  });
  return {
    ended,
    ready: untilReady(container, address, () => hasEnded),
    stop: async (graceMs) => {
      const steps = graceMs > 0 ? [{ signal: 'SIGTERM' as const, graceMs }] : [];
      if (identity !== undefined) await endProcess(identity, steps);
    },
  };
}

/** Resolves when the container's readiness probe is answered; never, when it ends before. */
async function untilReady(
  { readinessProbe, ports = [] }: Container,
  address: string,
  hasEnded: () => boolean,
): Promise<void> {
  const get = readinessProbe?.httpGet;
  if (get === undefined) return;
  const named = ports.find(({ name }) => name === get.port)?.containerPort;
  const url = `http://${address}:${String(named ?? get.port)}${get.path}`;
  while (!(await answersHttp(url))) {
    if (hasEnded()) return new Promise(() => undefined);
    await delay(100);
  }
}

/** Makes the pod's volumes and answers which folder or file stands for each path of the container. */
async function mount({ api, pod, container, folder }: Run): Promise<Map<string, string>> {
  const namespace = `/api/v1/namespaces/${pod.metadata.namespace}`;
  for (const volume of pod.spec.volumes ?? []) {
    const place = join(folder, volume.name);
    mkdirSync(place, { recursive: true });
    if (volume.configMap !== undefined) {
      const { data = {} } = await api.get<{ data?: Record<string, string> }>(
        `${namespace}/configmaps/${volume.configMap.name}`,
      );
      for (const [name, text] of Object.entries(data)) writeFileSync(join(place, name), text);
    }
    if (volume.secret !== undefined) {
      const secret = await readSecret(api, `${namespace}/secrets/${volume.secret.secretName}`);
      for (const [name, text] of Object.entries(secret))
        writeFileSync(join(place, name), text, { mode: 0o600 });
    }
  }
  const mounts = container.volumeMounts ?? [];
  return new Map(
    mounts.map(({ name, mountPath, subPath }) => [mountPath, join(folder, name, subPath ?? '')]),
  );
}

async function readSecret(api: KubeApi, path: string): Promise<Record<string, string>> {
  const { data = {} } = await api.get<{ data?: Record<string, string> }>(path);
  const entries = Object.entries(data);
  return Object.fromEntries(
    entries.map(([name, text]) => [name, Buffer.from(text, 'base64').toString()]),
  );
}

/** The container's variables with what they refer to, in the order in which the kubelet gives them. */
async function environment(run: Run): Promise<Record<string, string>> {
  const { api, pod, container } = run;
  const namespace = `/api/v1/namespaces/${pod.metadata.namespace}`;
  const env: Record<string, string> = {};
  for (const { prefix = '', secretRef, configMapRef } of container.envFrom ?? []) {
    const all = await orNothing(secretRef ?? configMapRef, async () =>
      secretRef === undefined
        ? ((
            await api.get<{ data?: Record<string, string> }>(
              `${namespace}/configmaps/${configMapRef?.name ?? ''}`,
            )
          ).data ?? {})
        : readSecret(api, `${namespace}/secrets/${secretRef.name}`),
    );
    for (const [name, value] of Object.entries(all ?? {})) env[`${prefix}${name}`] = value;
  }
  for (const entry of container.env ?? []) {
    const value = await valueOf(run, entry);
    if (value === undefined) continue;
    env[entry.name] = value.replace(/\$\(([^)]+)\)/g, (text, name: string) => env[name] ?? text);
  }
  return env;
}

async function valueOf(run: Run, entry: EnvironmentEntry): Promise<string | undefined> {
  const { api, pod, address } = run;
  const namespace = `/api/v1/namespaces/${pod.metadata.namespace}`;
  const { secretKeyRef, configMapKeyRef, fieldRef } = entry.valueFrom ?? {};
  if (secretKeyRef !== undefined) {
    const secret = await orNothing(secretKeyRef, async () =>
      readSecret(api, `${namespace}/secrets/${secretKeyRef.name}`),
    );
    return keyOf(secret, secretKeyRef);
  }
  if (configMapKeyRef !== undefined) {
    const path = `${namespace}/configmaps/${configMapKeyRef.name}`;
    const map = await orNothing(configMapKeyRef, async () =>
      api.get<{ data?: Record<string, string> }>(path),
    );
    return keyOf(map?.data ?? {}, configMapKeyRef);
  }
  const fields: Readonly<Record<string, string>> = {
    'metadata.name': pod.metadata.name,
    'metadata.namespace': pod.metadata.namespace,
    'metadata.uid': pod.metadata.uid,
    'status.podIP': address,
    'spec.nodeName': pod.spec.nodeName ?? '',
  };
  return fieldRef === undefined ? (entry.value ?? '') : fields[fieldRef.fieldPath];
}

interface Named {
  readonly name: string;
  readonly optional?: boolean;
}

async function orNothing<T>(
  reference: Named | undefined,
  read: () => Promise<T>,
): Promise<T | undefined> {
  return read().catch((error: unknown) => {
    if (reference?.optional === true && isStatus(error, 404)) return undefined;
    throw error;
  });
}

/** As the kubelet: a key that has to be there keeps the container from starting. */
function keyOf(
  values: Record<string, string> | undefined,
  reference: Named & { readonly key: string },
): string | undefined {
  const value = values?.[reference.key];
  if (value === undefined && reference.optional !== true)
    throw new Error(`couldn't find key ${reference.key} in ${reference.name}`);
  return value;
}

/** What the container's value means here: its paths lie in the pod's folder, and all addresses are the pod's own. */
function localValue(value: string, address: string, paths: ReadonlyMap<string, string>): string {
  if (value === '0.0.0.0') return address;
  for (const [path, place] of paths)
    if (value === path || value.startsWith(`${path}/`)) return place + value.slice(path.length);
  return value;
}
