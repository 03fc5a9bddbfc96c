// Builds of the workers side by side.
//   - a build gets no work before it was told to; telling it again changes nothing
//   - work stays with the build that began it, while new work goes to the next one
//   - a host's own queue, which is of no build, still serves the tasks of its host
//   - a build that nobody serves, or half of whose queues nobody serves, is not made current
import { execFile } from 'node:child_process';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import type { Scaling } from '../../contracts/fleet.schema.ts';
import { checkoutRoot, nodeFlags, programPath } from '../../cli/dev/checkout.ts';
import { startSharedAdo, until } from '../support/ado-platform.ts';
import type { Ado, Variables } from '../support/ado-platform.ts';
import { makeRepository } from '../support/repositories.ts';
import { holdGate } from './batch-events.ts';

jest.setTimeout(180_000);

const aBuild = (buildId: string, own: Variables = {}): Variables => ({
  ADO_HOST_ID: `host-of-${buildId}`,
  TEMPORAL_DEPLOYMENT_NAME: 'ado-test',
  TEMPORAL_WORKER_BUILD_ID: buildId,
  ...own,
});

let ado: Ado;
let connection: Connection;
beforeAll(async () => {
  ado = await startSharedAdo({ workers: [aBuild('one')] });
  connection = await Connection.connect({ address: ado.temporal.address });
});
afterAll(async () => {
  await connection.close();
  await ado.stop();
});

interface End {
  readonly code: number;
  readonly stderr: string;
}

/** What the chart runs after an upgrade. */
async function setCurrent(buildId: string, ...flags: readonly string[]): Promise<End> {
  const env = {
    PATH: process.env['PATH'] ?? '',
    TEMPORAL_ADDRESS: ado.temporal.address,
    TEMPORAL_NAMESPACE: ado.temporal.namespace,
    ...aBuild(buildId),
  };
  const words = [...nodeFlags(), programPath('worker/set-current-version'), ...flags];
  return new Promise((resolve) => {
    const child = execFile(
      process.execPath,
      words,
      { cwd: checkoutRoot(), env },
      (_e, _o, stderr) => resolve({ code: child.exitCode ?? -1, stderr }),
    );
  });
}

async function startHeld(prompt: string) {
  const gate = holdGate();
  const task = await ado.submitTask({
    prompt,
    agent: 'command',
    exec: `${gate.wait}; echo x > x`,
    repository: makeRepository(),
  });
  return { ...task, gate };
}

const isRunning = (taskId: string) => async (): Promise<boolean> =>
  (await ado.getTask(taskId)).status === 'running';

async function buildOf(taskId: string): Promise<string | undefined> {
  const { workflow } = new Client({ connection, namespace: ado.temporal.namespace });
  const { raw } = await workflow.getHandle(taskId).describe();
  return raw.workflowExecutionInfo?.versioningInfo?.deploymentVersion?.buildId ?? undefined;
}

test('a build gets work once it is current, and is told so as often as one likes', async () => {
  const readBacklog = async (): Promise<number> => {
    const url = `${ado.api.internalUrl}/internal/scaling/pools/workflows`;
    return ((await (await fetch(url)).json()) as Scaling).backlog;
  };
  const task = await startHeld('Early');
  // It is seen by the autoscaler, and nobody takes it.
  await until('the task waits', async () => (await readBacklog()) >= 1, 30_000);

  const first = await setCurrent('one');
  const again = await setCurrent('one');
  await until('it is taken', isRunning(task.id), 60_000);
  task.gate.open();
  await ado.ended(task.id);

  expect(first).toMatchObject({ code: 0, stderr: expect.stringContaining('build-current') });
  expect(again).toMatchObject({ code: 0, stderr: expect.stringContaining('build-current') });
  expect((await ado.getTask(task.id)).status).toBe('succeeded');
  expect(await buildOf(task.id)).toBe('one');
});

test('the turns of an agent stay on the host that has the worktree', async () => {
  const script = join(mkdtempSync(join(tmpdir(), 'ado-test-script-')), 'script.yaml');
  writeFileSync(
    script,
    `answers:
  - { toolCalls: [{ tool: read_file, input: { path: README.md } }] }
  - { toolCalls: [{ tool: write_file, input: { path: README.md, content: "Hello" } }] }
  - { text: Done. }`,
  );

  const { id } = await ado.submitTask({
    prompt: 'Greet',
    agent: 'builtin',
    model: `scripted:${script}`,
    repository: makeRepository(),
  });
  await ado.ended(id);

  const { workflow } = new Client({ connection, namespace: ado.temporal.namespace });
  const { events } = await workflow.getHandle(id).fetchHistory();
  const queues = (events ?? []).flatMap(({ activityTaskScheduledEventAttributes: scheduled }) =>
    scheduled?.activityType?.name === 'takeTurn' ? [scheduled.taskQueue?.name] : [],
  );
  const late = (events ?? []).filter((event) => event.activityTaskTimedOutEventAttributes);
  expect((await ado.getTask(id)).status).toBe('succeeded');
  expect(queues).toEqual(['ado-agents', ...Array(2).fill('ado-agents@host-of-one')]);
  expect(late).toEqual([]);
});

test('work stays with its build while new work goes to the next one', async () => {
  const old = await startHeld('Old');
  await until('it runs on the first build', isRunning(old.id), 60_000);
  await ado.addWorker(aBuild('two'));

  const ramped = await setCurrent('two', '--ramp', '25');
  const { workerDeploymentInfo } = await connection.workflowService.describeWorkerDeployment({
    namespace: ado.temporal.namespace,
    deploymentName: 'ado-test',
  });
  const whole = await setCurrent('two');
  const fresh = await startHeld('Fresh');
  await until('it runs', isRunning(fresh.id), 60_000);
  old.gate.open();
  fresh.gate.open();
  const [oldEvents, freshEvents] = await Promise.all([ado.ended(old.id), ado.ended(fresh.id)]);

  expect([ramped.code, whole.code]).toEqual([0, 0]);
  expect(workerDeploymentInfo?.routingConfig).toMatchObject({
    currentDeploymentVersion: { buildId: 'one' },
    rampingDeploymentVersion: { buildId: 'two' },
    rampingVersionPercentage: 25,
  });
  expect([await buildOf(old.id), await buildOf(fresh.id)]).toEqual(['one', 'two']);
  const workersOf = (events: typeof oldEvents) =>
    events.flatMap(({ data }) => ('worker' in data ? [data.worker] : []));
  expect(workersOf(oldEvents)).toEqual(['host-of-one']);
  expect(workersOf(freshEvents)).toEqual(['host-of-two']);
  expect((await ado.getTask(old.id)).status).toBe('succeeded');
  expect((await ado.getTask(fresh.id)).status).toBe('succeeded');
});

test('a build whose workers are missing is not made current', async () => {
  await ado.addWorker(aBuild('half', { ADO_POOLS: 'agents' }));

  const half = await setCurrent('half', '--wait', '3');
  const nobody = await setCurrent('nobody', '--wait', '1');
  const wrong = await setCurrent('two', '--ramp', 'much');
  const still = await startHeld('Still');
  await until('the second build still gets work', isRunning(still.id), 60_000);
  still.gate.open();
  await ado.ended(still.id);

  expect(half).toMatchObject({
    code: 1,
    stderr: expect.stringContaining('no worker of the build serves ado-workflows, ado-models'),
  });
  expect(nobody).toMatchObject({ code: 1, stderr: expect.stringContaining('build nobody') });
  expect(wrong).toMatchObject({ code: 1, stderr: expect.stringContaining('"much" is no number') });
  expect(await buildOf(still.id)).toBe('two');
});
