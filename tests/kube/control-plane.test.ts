// What all other tests of this folder stand on.
import { setTimeout as delay } from 'node:timers/promises';
import { kubeVersions } from '../../tools/kube/programs.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';

let cluster: Cluster;

beforeAll(async () => {
  cluster = await startCluster();
}, 3_600_000);

afterAll(async () => {
  await cluster.stop();
});

const securityContext = {
  runAsNonRoot: true,
  allowPrivilegeEscalation: false,
  capabilities: { drop: ['ALL'] },
  seccompProfile: { type: 'RuntimeDefault' },
};
const container = { name: 'main', image: 'pause', securityContext };
const template = (labels: object, spec: object): object => ({ metadata: { labels }, spec });

async function apply(namespace: string, objects: readonly object[]): Promise<string> {
  const input = JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects });
  return cluster.kubectl(['apply', '-n', namespace, '-f', '-'], { input });
}

describe('a control plane without nodes of its own', () => {
  it('calls itself the Kubernetes that is pinned', async () => {
    expect(await cluster.api.get('/version')).toMatchObject({
      gitVersion: `v${kubeVersions.kubernetes}`,
    });
  });

  it('runs the pods of Deployments, StatefulSets with volumes, and Jobs', async () => {
    const labels = { app: 'a' };
    const pods = { containers: [container] };
    const claim = {
      metadata: { name: 'data' },
      spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '1Gi' } } },
    };
    await cluster.createNamespace('pods');

    await apply('pods', [
      {
        apiVersion: 'apps/v1',
        kind: 'Deployment',
        metadata: { name: 'web' },
        spec: { replicas: 3, selector: { matchLabels: labels }, template: template(labels, pods) },
      },
      {
        apiVersion: 'apps/v1',
        kind: 'StatefulSet',
        metadata: { name: 'store' },
        spec: {
          serviceName: 'store',
          selector: { matchLabels: labels },
          template: template(labels, pods),
          volumeClaimTemplates: [claim],
        },
      },
      {
        apiVersion: 'batch/v1',
        kind: 'Job',
        metadata: { name: 'once' },
        spec: { template: template(labels, { ...pods, restartPolicy: 'Never' }) },
      },
    ]);

    const wait = ['wait', '-n', 'pods', '--timeout=50s'];
    await cluster.kubectl([...wait, '--for=condition=complete', 'job/once']);
    await cluster.kubectl([...wait, '--for=jsonpath={.status.readyReplicas}=3', 'deployment/web']);
    await cluster.kubectl([
      ...wait,
      '--for=jsonpath={.status.readyReplicas}=1',
      'statefulset/store',
    ]);
    await cluster.kubectl(['delete', 'namespace', 'pods', '--timeout=50s']);
    expect(cluster.nodes.troubles).toEqual([]);
  });

  it('keeps pods out of a namespace that break its standard', async () => {
    await cluster.createNamespace('restricted');
    const pod = { apiVersion: 'v1', kind: 'Pod', metadata: { name: 'root' } };
    const spec = { containers: [{ name: 'main', image: 'pause' }] };
    const input = JSON.stringify({ ...pod, spec });
    // The service account comes a moment after its namespace, and a pod waits for it.
    const path = '/api/v1/namespaces/restricted/serviceaccounts/default';
    while (!(await cluster.api.isOk(path))) await delay(50);

    const result = await cluster.tryKubectl(['create', '-n', 'restricted', '-f', '-'], { input });

    expect(result.code).not.toBe(0);
    expect(result.stderr).toContain('violates PodSecurity "restricted:latest"');
  });
});
