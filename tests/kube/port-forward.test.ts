// A context on Kubernetes with everything that stands between a command and the API: the real kubectl, API server,
// kubelet and container runtime, and pods that hand on what comes to an API that does what the test says.
//   - a command reaches it by the release's Service, with the key from a Secret, and leaves no kubectl behind
//   - work is followed to its end although the pod through which it is followed goes
import { randomBytes } from 'node:crypto';
import { dirname } from 'node:path';
import { getKubeProgram } from '../../tools/kube/programs.ts';
import { endTask } from '../integration/cli/fake-runs.ts';
import { until } from '../support/ado-platform.ts';
import { FakeApi, fakeKey } from '../support/fake-api.ts';
import { startControlPlane } from '../support/kube/control-plane.ts';
import type { ControlPlane } from '../support/kube/control-plane.ts';
import { podImage, realNode, startRealNode, whyNoRealNode } from '../support/kube/real-node.ts';
import { runTool } from '../support/kube/tools.ts';
import { processesWith } from '../support/process-table.ts';
import { makePlace, runAdo, startAdo } from '../support/run-ado.ts';
import type { CallEnd, Place } from '../support/run-ado.ts';
import { testReporter } from '../support/services/test-process.ts';

const reason = whyNoRealNode();
if (reason !== undefined)
  process.stderr.write(`tests/kube/port-forward.test.ts is skipped: ${reason}.\n`);
const suite = reason === undefined ? describe : describe.skip;

/** Whatever names it is a kubectl of this test's. */
const namespace = `ado-${randomBytes(6).toString('hex')}`;
const pods = `/api/v1/namespaces/${namespace}/pods`;
const labels = { 'app.kubernetes.io/component': 'api' };

suite('a context on Kubernetes', () => {
  let plane: ControlPlane;
  let place: Place;
  const api = new FakeApi();
  const stops: (() => Promise<void>)[] = [];

  beforeAll(async () => {
    await api.start();
    stops.push(async () => api.stop());
    plane = await startControlPlane({ reachesNodes: true });
    stops.push(plane.stop);
    const node = await startRealNode(plane, { ports: [Number(new URL(api.url).port)] });
    stops.push(node.stop);
    await plane.api.create('/api/v1/namespaces', { metadata: { name: namespace } });
    await plane.api.create(`/api/v1/namespaces/${namespace}/secrets`, {
      metadata: { name: 'ado-secrets' },
      stringData: { API_KEY: fakeKey },
    });
    await plane.api.create(`/api/v1/namespaces/${namespace}/services`, {
      metadata: { name: 'ado-api' },
      spec: { selector: labels, ports: [{ port: 3000, targetPort: 'http' }] },
    });
    await createPod('one');
    const kubectl = await getKubeProgram('kubectl', { env: process.env, reporter: testReporter });
    const path = [dirname(kubectl), process.env['PATH']].join(':');
    place = makePlace({ PATH: path, KUBECONFIG: plane.kubeconfig });
    const words = ['context', 'add', 'kubernetes', '--namespace', namespace];
    await mustRunAdo([...words, '--key-secret', 'ado-secrets/API_KEY']);
  }, 3_600_000);

  afterAll(async () => {
    for (const stop of stops.toReversed()) await stop();
  });

  /** Makes a pod of the Service, and waits until it is ready. */
  async function createPod(name: string): Promise<void> {
    const apiPort = new URL(api.url).port;
    const container = {
      name: 'api',
      image: podImage,
      imagePullPolicy: 'Never',
      args: ['relay', `${realNode.address}:${apiPort}`],
      ports: [{ name: 'http', containerPort: 3000 }],
      readinessProbe: { tcpSocket: { port: 'http' }, periodSeconds: 1 },
    };
    await plane.api.create(pods, { metadata: { name, labels }, spec: { containers: [container] } });
    const wait = ['wait', '-n', namespace, `pod/${name}`, '--for=condition=Ready'];
    const env = { KUBECONFIG: plane.kubeconfig };
    await runTool('kubectl', [...wait, '--timeout=60s'], { env });
  }

  async function mustRunAdo(words: readonly string[]): Promise<CallEnd> {
    const end = await runAdo(place, words);
    if (end.code !== 0) throw new Error(`ado ${words.join(' ')} failed:\n${end.stderr}`);
    return end;
  }

  it('reaches the API by the Service, and leaves no kubectl behind', async () => {
    const listed = await mustRunAdo(['--context', 'k8s', 'ps', '-o', 'json']);

    expect(JSON.parse(listed.stdout)).toEqual({ items: [] });
    expect(api.seen.at(-1)?.headers.authorization).toBe(`Bearer ${fakeKey}`);
    await until('no kubectl is left', () => processesWith(namespace).length === 0);
  });

  it('follows work to its end although the pod goes through which it follows', async () => {
    let taskId = '';
    api.onAccepted = (id) => {
      taskId = id;
    };
    const words = ['--context', 'k8s', 'run', 'Wait', '--exec', 'true', '--repo', '/srv/one'];
    const follows = (): number => api.seen.filter(({ route }) => route === 'followTask').length;

    const run = startAdo(place, [...words, '--yes', '-o', 'jsonl']);
    await until('it follows', () => follows() === 1, 60_000);
    const during = processesWith(namespace).length;
    await createPod('two');
    await plane.api.remove(`${pods}/one`, { gracePeriodSeconds: 1 });
    await until('it follows through the other', () => follows() === 2, 60_000);
    endTask(api, taskId, { outcome: 'succeeded' });
    const end = await run.end;

    expect(end.code).toBe(0);
    expect(during).toBe(1);
    await until('no kubectl is left', () => processesWith(namespace).length === 0);
  });
});
