// Looks at accounts, from the API's engine to a worker of the models pool and back:
//   - a test is one activity on the models pool, and its answer comes as it was found
//   - where nobody serves the models pool that is the answer, and it comes soon
import {
  createWorkflowEngine,
  type TemporalEngine,
} from '../../adapters/temporal/workflow-engine.ts';
import { localTenantId, taskQueues } from '../../contracts/names.ts';
import { testService } from '../support/environment.ts';
import { fakeActivities } from '../support/fake-activities.ts';
import { openWorkflowWorld, type WorkflowWorld } from '../support/workflow-world.ts';

let world: WorkflowWorld;
let engine: TemporalEngine;
beforeAll(async () => {
  world = await openWorkflowWorld();
  engine = createWorkflowEngine({
    address: testService('temporalAddress'),
    namespace: world.namespace.name,
  });
  await engine.ensureSearchAttributes();
});
afterAll(async () => {
  await engine.close();
  await world.close();
});

test('a test of an account, and a look at credentials, are an activity each', async () => {
  const fake = fakeActivities();

  const found = await world.withWorkers(fake, async () => [
    await engine.testAccount(localTenantId, 'work'),
    await engine.listCredentials(localTenantId),
  ]);

  expect(found).toEqual([
    { ok: true, status: 200, latencyMs: 5, models: 3, missingModels: [] },
    [{ account: 'work', state: 'present' }],
  ]);
  expect(fake.calls).toEqual(['testAccount work', 'listCredentials']);
});

test('where nobody serves the models pool, that is the answer', async () => {
  const queues = [taskQueues.workflows];

  const found = await world.withWorkers(
    fakeActivities(),
    () =>
      Promise.all([
        engine.testAccount(localTenantId, 'work'),
        engine.listCredentials(localTenantId),
      ]),
    queues,
  );

  expect(found).toEqual([
    {
      ok: false,
      errorCode: 'WORKERS_MISSING',
      error: 'no worker of the models pool took the test in time',
    },
    undefined,
  ]);
});

test('where nobody runs workflows, credentials are unknown after a few seconds', async () => {
  expect(await engine.listCredentials(localTenantId)).toBeUndefined();
});
