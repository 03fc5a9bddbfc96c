/**
 * A real Kubernetes control plane on the loopback address: etcd, API server, controllers and scheduler, without any
 * node. All that has no need of a container is as in production: validation, admission, server-side apply, garbage
 * collection, Deployments, Jobs, autoscalers.
 */
import { randomBytes } from 'node:crypto';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { findFreePorts, loopback } from '../../../cli/dev/ports.ts';
import { answersHttp } from '../../../cli/dev/probes.ts';
import { getKubeProgram } from '../../../tools/kube/programs.ts';
import { createServiceFolder, startTestProcess, testReporter } from '../services/test-process.ts';
import type { TestService } from '../services/test-process.ts';
import { createCertificates, frontProxyName } from './certificates.ts';
import type { CertificateFiles, Certificates } from './certificates.ts';
import { KubeApi } from './kube-api.ts';

/** A running control plane. */
export interface ControlPlane {
  readonly api: KubeApi;
  /** On the loopback address, where the API server listens. */
  readonly port: number;
  /** For helm and kubectl: the administrator's. */
  readonly kubeconfig: string;
  /** For servers of aggregated APIs. */
  readonly certificate: CertificateFiles;
  /** Who may ask nodes shows a certificate that this one has signed. */
  readonly authority: string;
  /** Of one that reaches nodes: where it looks for the way into their network, by HTTP's CONNECT. */
  readonly nodeSocket: string | undefined;
  /** Has the controllers (of Deployments, Jobs, autoscalers) stand still, and go on. */
  readonly pauseControllers: () => void;
  readonly resumeControllers: () => void;
  readonly stop: () => Promise<void>;
}

interface Component {
  readonly name: 'etcd' | 'kube-apiserver' | 'kube-controller-manager' | 'kube-scheduler';
  readonly flags: Readonly<Record<string, string | number | boolean>>;
  readonly isReady: () => Promise<boolean>;
}

/** What a control plane is given. */
export interface ControlPlaneOptions {
  /** It asks nodes for logs and ports. Then it finds nobody else but through `nodeSocket`: no servers of aggregated APIs. */
  readonly reachesNodes?: boolean;
}

/** Starts a control plane; its program is built the first time, which takes minutes. */
export async function startControlPlane({
  reachesNodes = false,
}: ControlPlaneOptions = {}): Promise<ControlPlane> {
  const search = { env: process.env, reporter: testReporter };
  const etcd = await getKubeProgram('etcd', search);
  const program = await getKubeProgram('control-plane', search);
  const folder = createServiceFolder('kube');
  const certificates = await createCertificates(folder);
  const [etcdPort = 0, peerPort = 0, apiPort = 0] = await findFreePorts(3);
  const token = randomBytes(16).toString('hex');
  const tokens = join(folder, 'tokens.csv');
  writeFileSync(tokens, `${token},admin,admin,system:masters\n`, { mode: 0o600 });
  const url = `https://${loopback}:${apiPort}`;
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(kubeconfig, JSON.stringify(toKubeconfig(url, token, certificates.authority)), {
    mode: 0o600,
  });
  const api = new KubeApi(url, token, readFileSync(certificates.authority));
  const nodeSocket = reachesNodes ? join(folder, 'nodes.sock') : undefined;

  const started = new Map<Component['name'], TestService>();
  const signalControllers = (signal: NodeJS.Signals): void => {
    const pid = started.get('kube-controller-manager')?.pid();
    if (pid === undefined) throw new Error('the controllers do not run');
    process.kill(pid, signal);
  };
  const stop = async (): Promise<void> => {
    api.close();
    for (const service of [...started.values()].toReversed()) await service.stop();
    rmSync(folder, { recursive: true, force: true });
  };
  const start = async ({ name, flags, isReady }: Component): Promise<void> => {
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${String(value)}`);
    const command =
      name === 'etcd' ? { file: etcd, args } : { file: program, args: [name, ...args] };
    const service = await startTestProcess({
      name,
      folder: createServiceFolder(name),
      stopSteps: [], // Nothing of it is kept, and the controllers take up to 10 s to end by themselves.
      prepare: async () => Promise.resolve(),
      command: () => ({ ...command, env: process.env, cwd: folder }),
      isReady,
    });
    started.set(name, service);
  };

  const etcdUrl = `http://${loopback}:${etcdPort}`;
  const peerUrl = `http://${loopback}:${peerPort}`;
  try {
    await start({
      name: 'etcd',
      flags: {
        'data-dir': join(folder, 'etcd'),
        'listen-client-urls': etcdUrl,
        'advertise-client-urls': etcdUrl,
        'listen-peer-urls': peerUrl,
        'initial-advertise-peer-urls': peerUrl,
        'initial-cluster': `default=${peerUrl}`,
        'unsafe-no-fsync': true,
        'log-level': 'error',
      },
      isReady: async () => answersHttp(`${etcdUrl}/health`),
    });
    await start({
      name: 'kube-apiserver',
      flags: {
        'etcd-servers': etcdUrl,
        'bind-address': loopback,
        'advertise-address': loopback,
        'secure-port': apiPort,
        'tls-cert-file': certificates.server.certificate,
        'tls-private-key-file': certificates.server.key,
        'endpoint-reconciler-type': 'none', // Endpoints may not be on the loopback address.
        'service-cluster-ip-range': '10.0.0.0/16',
        'authorization-mode': 'Node,RBAC',
        'token-auth-file': tokens,
        'service-account-issuer': 'https://kubernetes.default.svc',
        'service-account-key-file': certificates.serviceAccountKey,
        'service-account-signing-key-file': certificates.serviceAccountKey,
        'requestheader-client-ca-file': certificates.authority,
        'requestheader-allowed-names': frontProxyName,
        'requestheader-username-headers': 'X-Remote-User',
        'requestheader-group-headers': 'X-Remote-Group',
        'requestheader-extra-headers-prefix': 'X-Remote-Extra-',
        'proxy-client-cert-file': certificates.frontProxy.certificate,
        'proxy-client-key-file': certificates.frontProxy.key,
        ...(nodeSocket === undefined ? {} : wayToNodes(folder, nodeSocket, certificates)),
        profiling: false,
      },
      isReady: async () => api.isOk('/readyz'),
    });
    const serviceAccount = '/api/v1/namespaces/default/serviceaccounts/default';
    await start({
      name: 'kube-controller-manager',
      flags: {
        kubeconfig,
        'leader-elect': false,
        'secure-port': 0,
        'service-account-private-key-file': certificates.serviceAccountKey,
        'root-ca-file': certificates.authority,
        'horizontal-pod-autoscaler-sync-period': '2s',
        // The nodes of tests send no heartbeats.
        'node-monitor-grace-period': '24h',
        'kube-api-qps': 200,
        'kube-api-burst': 400,
        profiling: false,
      },
      isReady: async () => api.isOk(serviceAccount), // The controllers make it.
    });
    await start({
      name: 'kube-scheduler',
      flags: { kubeconfig, 'leader-elect': false, 'secure-port': 0, profiling: false },
      isReady: async () => Promise.resolve(true), // It shows when the first pod gets its node.
    });
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    api,
    port: apiPort,
    kubeconfig,
    certificate: certificates.server,
    authority: certificates.authority,
    nodeSocket,
    pauseControllers: () => {
      signalControllers('SIGSTOP');
    },
    resumeControllers: () => {
      signalControllers('SIGCONT');
    },
    stop,
  };
}

/** With which the API server finds nodes that are in another network, and is known to them. */
function wayToNodes(
  folder: string,
  nodeSocket: string,
  { frontProxy }: Certificates,
): Component['flags'] {
  const file = join(folder, 'egress.json');
  const transport = { uds: { udsName: nodeSocket } };
  const cluster = { name: 'cluster', connection: { proxyProtocol: 'HTTPConnect', transport } };
  const kind = {
    apiVersion: 'apiserver.k8s.io/v1beta1',
    kind: 'EgressSelectorConfiguration',
  };
  writeFileSync(file, JSON.stringify({ ...kind, egressSelections: [cluster] }));
  return {
    'egress-selector-config-file': file,
    'kubelet-preferred-address-types': 'InternalIP',
    'kubelet-client-certificate': frontProxy.certificate,
    'kubelet-client-key': frontProxy.key,
  };
}

function toKubeconfig(server: string, token: string, authority: string): object {
  const name = 'ado-test';
  return {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [{ name, cluster: { server, 'certificate-authority': authority } }],
    users: [{ name, user: { token } }],
    contexts: [{ name, context: { cluster: name, user: name } }],
    'current-context': name,
  };
}
