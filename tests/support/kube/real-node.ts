/**
 * A real node for the control plane of tests: kubelet, containerd and runc, in namespaces of their own, with which
 * everything of the node goes. Its pods reach each other, and on the node's address the ports of this machine that they
 * were given; nothing else. A control plane that reaches nodes asks it for logs and ports. There is no kube-proxy and no
 * DNS.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { checkoutRoot, nodeFlags } from '../../../cli/dev/checkout.ts';
import { getNodePrograms } from '../../../tools/kube/node-programs.ts';
import { createServiceFolder, startTestProcess, testReporter } from '../services/test-process.ts';
import type { ControlPlane } from './control-plane.ts';
import { openTunnels } from './tunnel.ts';

/** A running node. */
export interface RealNode {
  /** What a container of a pod wrote, all of its runs. */
  readonly log: (namespace: string, pod: string, container: string) => string;
  readonly stop: () => Promise<void>;
}

/** What a node is given. */
export interface RealNodeOptions {
  /** Ports of this machine's loopback address that pods find on the node's. */
  readonly ports?: readonly number[];
  /** Archives of images, as `docker save` writes them. */
  readonly images?: readonly string[];
}

/** The name of the node, and its address for pods. */
export const realNode = { name: 'real-node', address: '10.88.0.1' } as const;

/** The image that is always there: tools/kube/pod/main.go. */
export const podImage = 'ado.test/pod:1';

/** Why no node can run here; undefined when one can. */
export function whyNoRealNode(): string | undefined {
  if (process.platform !== 'linux' || process.arch !== 'x64') return 'it needs Linux on x86-64';
  if (process.getuid?.() !== 0) return 'only root can make its namespaces';
  const tryOut = 'mount -t tmpfs tmpfs /run && ip link add ado0 type bridge';
  const args = [...ownNamespaces, 'sh', '-c', tryOut];
  const { error, status, stderr } = spawnSync('unshare', args, { encoding: 'utf8' });
  if (status === 0) return undefined;
  return `namespaces of its own cannot be had: ${error?.message ?? stderr.trim()}`;
}

const ownNamespaces = ['--mount', '--net', '--pid', '--fork', '--kill-child', '--mount-proc'];

/** Starts a node, in about 5 s once its programs are there, and waits until it is ready. */
export async function startRealNode(
  plane: ControlPlane,
  { ports = [], images = [] }: RealNodeOptions = {},
): Promise<RealNode> {
  const programs = await getNodePrograms({ env: process.env, reporter: testReporter });
  const folder = createServiceFolder('node');
  const cgroup = basename(folder);
  for (const name of ['images', 'cni', 'sockets']) mkdirSync(join(folder, name));
  writePodImage(folder, programs.pod);
  images.forEach((image, place) => {
    mustRun('ln', ['-s', image, join(folder, 'images', `given-${String(place)}.tar`)]);
  });
  writeFileSync(
    join(folder, 'containerd.toml'),
    containerdToml(folder, dirname(programs.containerd)),
  );
  writeFileSync(join(folder, 'cni', 'bridge.conflist'), JSON.stringify(network(folder)));
  writeFileSync(
    join(folder, 'kubelet.json'),
    JSON.stringify(kubeletConfiguration(folder, cgroup, plane)),
  );
  createCgroups(cgroup);
  writeFileSync(join(folder, 'kubeconfig'), readFileSync(plane.kubeconfig), { mode: 0o600 });

  const sockets = join(folder, 'sockets');
  const allPorts = [plane.port, ...ports];
  const closeTunnels = await openTunnels(sockets, allPorts);
  const script = join(checkoutRoot(), 'tools', 'kube', 'node.sh');
  const tunnel = join(checkoutRoot(), 'tests', 'support', 'kube', 'tunnel.process.ts');
  const node = await startTestProcess({
    name: 'node',
    folder,
    stopSteps: [], // With its first process the kernel ends all of its containers.
    prepare: async () => Promise.resolve(),
    command: () => ({
      file: 'unshare',
      args: [
        ...[...ownNamespaces, 'sh', script, folder, dirname(programs.containerd)],
        ...[process.execPath, ...nodeFlags(), tunnel, plane.nodeSocket ?? '', sockets],
        ...allPorts.map(String),
      ],
      env: process.env,
      cwd: folder,
    }),
    isReady: async () => isReady(plane),
  }).catch((error: unknown) => {
    closeTunnels();
    removeCgroups(cgroup);
    throw error;
  });
  return {
    log: (namespace, pod, container) => readLog(join(folder, 'logs'), [namespace, pod, container]),
    stop: async () => {
      await node.stop();
      closeTunnels();
      removeCgroups(cgroup);
    },
  };
}

async function isReady({ api }: ControlPlane): Promise<boolean> {
  const path = `/api/v1/nodes/${realNode.name}`;
  const node = await api
    .get<{ status: { conditions?: { type: string; status: string }[] } }>(path)
    .catch(() => undefined);
  const conditions = node?.status.conditions ?? [];
  return conditions.some(({ type, status }) => type === 'Ready' && status === 'True');
}

/** An image of one file, in the form that `docker save` writes. */
function writePodImage(folder: string, program: string): void {
  const layer = join(folder, 'layer.tar');
  const root = ['--owner=0', '--group=0', '--mode=755', '--transform=s,.*,pod,'];
  mustRun('tar', ['-cf', layer, ...root, '-C', '/', program.slice(1)]);
  const sum = createHash('sha256').update(readFileSync(layer)).digest('hex');
  const config = {
    architecture: 'amd64',
    os: 'linux',
    config: { Entrypoint: ['/pod'] },
    rootfs: { type: 'layers', diff_ids: [`sha256:${sum}`] },
  };
  const manifest = [{ Config: 'config.json', RepoTags: [podImage], Layers: ['layer.tar'] }];
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config));
  writeFileSync(join(folder, 'manifest.json'), JSON.stringify(manifest));
  const image = join(folder, 'images', 'pod.tar');
  const files = ['manifest.json', 'config.json', 'layer.tar'];
  mustRun('tar', ['-cf', image, '-C', folder, ...files]);
}

function mustRun(file: string, args: readonly string[]): void {
  const { status, stderr } = spawnSync(file, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`${file} ${args.join(' ')} failed:\n${stderr}`);
}

function containerdToml(folder: string, programs: string): string {
  const cri = 'plugins."io.containerd.grpc.v1.cri"';
  return `
version = 2
root = "${folder}/containerd"
state = "/run/containerd"
[grpc]
address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
path = "${folder}/opt"
[${cri}]
sandbox_image = "${podImage}"
restrict_oom_score_adj = true # Virtual machines may lack the right to lower it.
[${cri}.cni]
bin_dir = "${programs}"
conf_dir = "${folder}/cni"
[${cri}.containerd.runtimes.runc]
runtime_type = "io.containerd.runc.v2"
`;
}

function network(folder: string): object {
  const ipam = {
    type: 'host-local',
    dataDir: join(folder, 'addresses'),
    ranges: [[{ subnet: '10.88.0.0/24', gateway: realNode.address }]],
    routes: [{ dst: '0.0.0.0/0' }],
  };
  const bridge = { type: 'bridge', bridge: 'cni0', isGateway: true, ipam };
  return { cniVersion: '1.0.0', name: 'ado-test', plugins: [bridge] };
}

function kubeletConfiguration(folder: string, cgroup: string, plane: ControlPlane): object {
  return {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    containerRuntimeEndpoint: `unix://${folder}/containerd.sock`,
    podLogsDir: join(folder, 'logs'),
    volumePluginDir: join(folder, 'plugins'),
    resolvConf: '',
    // Only the API server asks it anything.
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: false },
      x509: { clientCAFile: plane.authority },
    },
    authorization: { mode: 'AlwaysAllow' },
    // Also on a host with the first version of control groups, next to whatever else runs there.
    failCgroupV1: false,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroup}`,
    cgroupsPerQOS: true,
    enforceNodeAllocatable: [],
    failSwapOn: false,
    // A full disk is the machine's trouble, not the pods'.
    evictionHard: {
      'memory.available': '1Mi',
      'nodefs.available': '0%',
      'imagefs.available': '0%',
    },
    imageGCHighThresholdPercent: 100,
  };
}

function readLog(folder: string, [namespace, pod, container]: readonly string[]): string {
  const start = `${String(namespace)}_${String(pod)}_`;
  const found = readdirSync(folder).find((name) => name.startsWith(start));
  if (found === undefined) return '';
  const runs = join(folder, found, String(container));
  const texts = readdirSync(runs).map((name) => readFileSync(join(runs, name), 'utf8'));
  // Each line begins with its time, its stream and whether it is whole.
  return texts.join('').replace(/^\S+ \S+ \S+ /gm, '');
}

/** Makes the node's control groups, in the tree of each controller. */
function createCgroups(name: string): void {
  for (const tree of cgroupTrees()) mkdirSync(join(tree, name), { recursive: true });
}

/** With the first version each controller has a tree of its own. */
function cgroupTrees(): string[] {
  const root = '/sys/fs/cgroup';
  if (existsSync(join(root, 'cgroup.controllers'))) return [root];
  return readdirSync(root).map((tree) => join(root, tree));
}

/** Removes the node's control groups, which are empty once its processes are gone. */
function removeCgroups(name: string): void {
  for (const tree of cgroupTrees())
    spawnSync('find', [join(tree, name), '-depth', '-type', 'd', '-delete']);
}
