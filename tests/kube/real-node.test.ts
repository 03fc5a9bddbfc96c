// Pods on a real node, with containers that a kernel holds to what they were promised.
import { kubeVersions } from '../../tools/kube/programs.ts';
import { startControlPlane } from '../support/kube/control-plane.ts';
import type { ControlPlane } from '../support/kube/control-plane.ts';
import { podImage, realNode, startRealNode, whyNoRealNode } from '../support/kube/real-node.ts';
import type { RealNode } from '../support/kube/real-node.ts';
import { runTool } from '../support/kube/tools.ts';

const reason = whyNoRealNode();
if (reason !== undefined)
  process.stderr.write(`tests/kube/real-node.test.ts is skipped: ${reason}.\n`);
const suite = reason === undefined ? describe : describe.skip;

suite('a real node', () => {
  let plane: ControlPlane;
  let node: RealNode;
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    plane = await startControlPlane();
    stops.push(plane.stop);
    node = await startRealNode(plane);
    stops.push(node.stop);
  }, 3_600_000);

  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  const kubectl = async (args: readonly string[], input?: object): Promise<string> =>
    runTool('kubectl', args, {
      env: { KUBECONFIG: plane.kubeconfig },
      input: JSON.stringify(input ?? {}),
    });

  it('is the Kubernetes that is pinned', async () => {
    const path = `/api/v1/nodes/${realNode.name}`;

    expect(await plane.api.get(path)).toMatchObject({
      status: { nodeInfo: { kubeletVersion: `v${kubeVersions.kubernetes}` } },
    });
  });

  it('runs a restricted pod until it is ready, and ends it', async () => {
    const labels = { 'pod-security.kubernetes.io/enforce': 'restricted' };
    await plane.api.create('/api/v1/namespaces', { metadata: { name: 'restricted', labels } });
    const container = {
      name: 'main',
      image: podImage,
      imagePullPolicy: 'Never',
      args: ['serve'],
      readinessProbe: { httpGet: { path: '/ready', port: 8080 }, periodSeconds: 1 },
      resources: { limits: { memory: '64Mi', cpu: '500m' } },
      securityContext: {
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ['ALL'] },
      },
      volumeMounts: [{ name: 'tmp', mountPath: '/tmp' }],
    };
    const spec = {
      securityContext: {
        runAsUser: 10_001,
        runAsNonRoot: true,
        fsGroup: 10_001,
        seccompProfile: { type: 'RuntimeDefault' },
      },
      containers: [container],
      volumes: [{ name: 'tmp', emptyDir: {} }],
    };
    const wait = ['wait', '-n', 'restricted', 'pod/web', '--timeout=50s'];

    await kubectl(['create', '-f', '-'], {
      apiVersion: 'v1',
      kind: 'Pod',
      metadata: { name: 'web', namespace: 'restricted' },
      spec,
    });
    await kubectl([...wait, '--for=condition=Ready']);

    const said = node.log('restricted', 'web', 'main').trim().split('\n');
    expect(said.map((line) => line.split(/\s+/).join(' '))).toEqual([
      'Uid: 10001 10001 10001 10001',
      'CapBnd: 0000000000000000',
      'NoNewPrivs: 1',
      'Seccomp: 2',
      'write to /: open /file: read-only file system',
      'write to /tmp: <nil>',
    ]);
    await kubectl(['delete', '-n', 'restricted', 'pod/web', '--wait=false']);
    await kubectl([...wait, '--for=delete']);
  });
});
