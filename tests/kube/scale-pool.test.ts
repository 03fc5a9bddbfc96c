// `ado pools scale` with real helm and kubectl on a real API server: the number is a value of the release, and somebody
// else's number is never overwritten.
import { dirname } from 'node:path';
import { getKubeProgram } from '../../tools/kube/programs.ts';
import { startCluster } from '../support/kube/cluster.ts';
import type { Cluster } from '../support/kube/cluster.ts';
import { chartFolder } from '../support/kube/rendered-chart.ts';
import { makePlace, runAdo } from '../support/run-ado.ts';
import type { CallEnd, Place } from '../support/run-ado.ts';
import { testReporter } from '../support/services/test-process.ts';

const namespace = 'ado-system';
let cluster: Cluster;
let place: Place;

beforeAll(async () => {
  cluster = await startCluster();
  await cluster.createNamespace(namespace);
  const input = JSON.stringify({
    secrets: { generate: true },
    workerPools: { models: { autoscaling: { mode: 'cpu' } } },
  });
  await cluster.helm(['install', 'ado', chartFolder, '-n', namespace, '-f', '-'], { input });
  const search = { env: process.env, reporter: testReporter };
  const folders = [await getKubeProgram('helm', search), await getKubeProgram('kubectl', search)];
  const path = [...folders.map((file) => dirname(file)), process.env['PATH']].join(':');
  place = makePlace({ PATH: path, KUBECONFIG: cluster.plane.kubeconfig });
  const added = await runAdo(place, ['context', 'add', 'kubernetes', '--namespace', namespace]);
  if (added.code !== 0) throw new Error(added.stderr);
}, 3_600_000);

afterAll(async () => {
  await cluster.stop();
});

const scale = async (pool: string, workers: number): Promise<CallEnd> =>
  runAdo(place, ['--context', 'k8s', 'pools', 'scale', pool, String(workers)]);

async function replicasOf(pool: string): Promise<number> {
  const words = ['get', 'deployment', `ado-worker-${pool}`, '-n', namespace];
  return Number(await cluster.kubectl([...words, '-o=jsonpath={.spec.replicas}']));
}

test('a pool gets its workers by a value of the release, and the next upgrade keeps them', async () => {
  const { code, stdout } = await scale('agents', 5);

  expect(stdout).toContain('Pool agents has 5 workers now, before 3 (release ado, revision 2)');
  expect(code).toBe(0);
  expect(await replicasOf('agents')).toBe(5);
  const upgrade = ['upgrade', 'ado', chartFolder, '-n', namespace, '--reset-then-reuse-values'];
  await cluster.helm([...upgrade, '--set', 'image.tag=other']);
  expect(await replicasOf('agents')).toBe(5);
});

test('a number that somebody set by hand is not overwritten, and the error names who', async () => {
  const hand = ['scale', 'deployment/ado-worker-workflows', '--replicas=4', '-n', namespace];
  await cluster.kubectl(hand);

  const { code, stderr } = await scale('workflows', 6);

  expect(code).not.toBe(0);
  expect(stderr).toMatch(/conflict with "kubectl".*UPGRADE_FAILED/s);
  expect(await replicasOf('workflows')).toBe(4);
});

test('a pool with an autoscaler, and one that is not there, are refused before anything changes', async () => {
  const autoscaled = await scale('models', 6);
  const unknown = await scale('agent', 6);

  expect(autoscaled.stderr).toContain('An autoscaler (cpu) decides how many workers models has');
  expect(unknown.stderr).toContain('There is no pool "agent"');
  expect([autoscaled.code, unknown.code]).toEqual([2, 2]);
});
