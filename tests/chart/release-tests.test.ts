// What `helm test` runs: nothing that the release cannot pass.
import { renderChart, type Tree } from '../support/kube/rendered-chart.ts';
import { environmentOf, podOf, podsOf } from '../support/kube/rendered-pods.ts';

async function render(values: Tree = {}) {
  return renderChart({ values: { secrets: { existingSecret: 'ado-secrets' }, ...values } });
}

const ofTests = async (values: Tree): Promise<readonly string[]> =>
  podsOf(await render(values)).flatMap(({ kind, owner }) => (kind === 'Pod' ? [owner] : []));

test('API, Temporal and a workflow are tried', async () => {
  expect(await ofTests({})).toEqual([
    'Pod ado-test-api',
    'Pod ado-test-temporal',
    'Pod ado-test-workflow',
  ]);
});

test.each([
  ['no pool', { workerPools: { models: null } }],
  ['a pool without workers', { workerPools: { models: { replicas: 0 } } }],
  ['a pool that goes to zero', keda('models')],
  ['workflows that go to zero', keda('workflows')],
])('no workflow is tried where %s may take it', async (_name, values) => {
  expect(await ofTests(values)).toEqual(['Pod ado-test-api', 'Pod ado-test-temporal']);
});

test('the queues of pools that may be empty are asked for no worker', async () => {
  const objects = await render(keda('agents'));

  expect(environmentOf(podOf(objects, 'Pod ado-test-temporal'))['QUEUES']).toBe(
    'ado-models ado-workflows',
  );
});

function keda(pool: string): Tree {
  return { workerPools: { [pool]: { autoscaling: { mode: 'keda', min: 0 } } } };
}
