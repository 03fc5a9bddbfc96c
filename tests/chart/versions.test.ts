// Builds side by side: work stays with the workers that began it, and a new build gets work once it is there.
import {
  objectNamed,
  renderChart,
  type KubeObject,
  type Tree,
} from '../support/kube/rendered-chart.ts';
import { environmentOf, mainContainer, podOf, podsOf } from '../support/kube/rendered-pods.ts';

const secret = { secrets: { existingSecret: 'ado-secrets' } };

async function render(versioning: Tree, more: Tree = {}): Promise<readonly KubeObject[]> {
  const values = { ...secret, image: { tag: '2.0.0' }, versioning, ...more };
  return renderChart({ values });
}

/** Build and image of every worker Deployment, by its name. */
function buildsOf(objects: readonly KubeObject[]): Readonly<Record<string, string>> {
  const pods = podsOf(objects).filter((pod) => 'ado.dev/pool' in pod.labels);
  return Object.fromEntries(
    pods.map((pod) => {
      const build = environmentOf(pod)['TEMPORAL_WORKER_BUILD_ID'] ?? 'none';
      return [
        pod.owner.replace('Deployment ado-worker-', ''),
        `${build} of ${mainContainer(pod).image}`,
      ];
    }),
  );
}

test('without versions no worker has a build', async () => {
  const objects = await render({ enabled: false, previous: [{ tag: '1.0.0' }] });

  expect(buildsOf(objects)).toEqual({
    agents: 'none of ado:2.0.0',
    models: 'none of ado:2.0.0',
    workflows: 'none of ado:2.0.0',
  });
  expect(objects.map(({ metadata }) => metadata.name)).not.toContain('ado-worker-version-1');
});

test('every pool is kept for every build whose work is not done', async () => {
  const previous = [{ tag: '1.9.0', replicas: 4 }, { tag: 'v1.8_RC.1' }];
  const autoscaling = { mode: 'external' };
  const workerPools = { models: null, workflows: null, agents: { autoscaling } };

  const objects = await render({ enabled: true, previous }, { workerPools });

  expect(buildsOf(objects)).toEqual({
    agents: '2.0.0 of ado:2.0.0',
    'agents-1-9-0': '1.9.0 of ado:1.9.0',
    'agents-v1-8-rc-1': 'v1.8_RC.1 of ado:v1.8_RC.1',
  });
  const replicas = (pool: string): unknown =>
    objectNamed(objects, 'Deployment', `ado-worker-${pool}`).spec['replicas'];
  expect(replicas('agents')).toBeUndefined();
  expect(replicas('agents-1-9-0')).toBe(4);
  expect(replicas('agents-v1-8-rc-1')).toBe(1);
});

test('new work goes to the current build when its pools are there', async () => {
  const canary = { pools: ['models'], image: { tag: '3.0.0-rc' } };
  const workerPools = { workflows: { replicas: 0 }, models: { replicas: 1 }, canary };

  const pod = podOf(
    await render({ enabled: true, ramp: 25, deploymentName: 'fleet' }, { workerPools }),
    'Job ado-worker-version-1',
  );

  expect(mainContainer(pod).args).toEqual([
    'node',
    ...['dist/worker/set-current-version.js', '--wait', '600', '--ramp', '25'],
  ]);
  expect(environmentOf(pod)).toMatchObject({
    TEMPORAL_DEPLOYMENT_NAME: 'fleet',
    TEMPORAL_WORKER_BUILD_ID: '2.0.0',
    ADO_POOLS: 'agents,models',
  });
});

test('all of it goes there unless it is told a share', async () => {
  const pod = podOf(await render({ enabled: true }), 'Job ado-worker-version-1');

  expect(mainContainer(pod).args).not.toContain('--ramp');
});

test('KEDA looks at the queue of the build that a pool runs', async () => {
  const workerDefaults = { autoscaling: { mode: 'keda' } };
  const objects = await render({ enabled: true }, { workerDefaults });

  const { triggers } = objectNamed(objects, 'ScaledObject', 'ado-worker-workflows').spec as {
    triggers: readonly { metadata: Tree }[];
  };
  expect(triggers[0]?.metadata).toMatchObject({
    workerDeploymentName: 'ado',
    workerDeploymentBuildId: '2.0.0',
  });
});
