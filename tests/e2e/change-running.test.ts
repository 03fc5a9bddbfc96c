// What can be done to work that runs.
//   - a cancelled batch is over within ten seconds: no item, no child workflow, no process is left
//   - one cancelled item leaves the others alone
//   - a task whose workflow is terminated in Temporal ends as failed, and leaves no process
//   - another `parallel` holds within two seconds, up and down, and stops nothing that runs
import { randomInt } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import type { Event } from '../../contracts/event.schema.ts';
import { startSharedAdo, until } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { processesWith } from '../support/process-table.ts';
import { deliveredBranches, makeRepositories } from '../support/repositories.ts';
import { holdGate } from './batch-events.ts';
import { callerOf } from './call-ado.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

async function startBatch(
  exec: string,
  parallel: number,
  count: number,
): Promise<{ id: string; repositories: string[] }> {
  const repositories = makeRepositories(count);
  const items = repositories.map((repository) => ({ repository }));
  const { id } = await ado.submitBatch({
    prompt: 'Change it',
    agent: 'command',
    exec,
    parallel,
    items,
  });
  return { id, repositories };
}

async function countStarted(id: string): Promise<number> {
  return (await ado.listEvents(id)).filter(({ type }) => type === 'item-started').length;
}

async function withTemporal<T>(work: (client: Client) => Promise<T>): Promise<T> {
  const { address, namespace } = ado.temporal;
  const connection = await Connection.connect({ address });
  try {
    return await work(new Client({ connection, namespace }));
  } finally {
    await connection.close();
  }
}

async function countOpenWorkflows(batchId: string): Promise<number> {
  const query = `BatchId = '${batchId}' AND ExecutionStatus = 'Running'`;
  return withTemporal(async ({ workflow }) => (await workflow.count(query)).count);
}

test('a task whose workflow is terminated in Temporal ends as failed, with its process', async () => {
  const marker = `3600.${randomInt(1e9, 1e10)}`;
  const [repository = ''] = makeRepositories(1);
  const work = { prompt: 'Lose it', agent: 'command', exec: `sleep ${marker}` } as const;
  const { id } = await ado.submitTask({ ...work, repository });
  await until('its command runs', () => processesWith(marker).length > 0, 40_000);

  await withTemporal(async ({ workflow }) => workflow.getHandle(id).terminate('by hand'));
  await ado.ended(id);

  expect(await ado.getTask(id)).toMatchObject({
    status: 'failed',
    errorCode: 'WORKER_LOST',
    error: 'its workflow was ended from outside: terminated',
  });
  await until('its process is gone', () => processesWith(marker).length === 0, 20_000);
});

test('a cancelled batch is over within ten seconds, with all that belonged to it', async () => {
  const marker = `3600.${randomInt(1e9, 1e10)}`;
  const { id, repositories } = await startBatch(`echo x > x; sleep ${marker}`, 4, 8);
  await until('four commands run', async () => (await countStarted(id)) === 4, 40_000);
  await until('their processes are there', () => processesWith(marker).length >= 4);

  const began = Date.now();
  const { code } = await callerOf(ado).call('batch', 'cancel', id);
  await ado.ended(id);
  await until('no process is left', () => processesWith(marker).length === 0);
  await until('no child runs', async () => (await countOpenWorkflows(id)) === 0);

  expect(code).toBe(0);
  expect(Date.now() - began).toBeLessThan(10_000);
  expect(await ado.getBatch(id)).toMatchObject({
    status: 'cancelled',
    counts: { byOutcome: { cancelled: 8 } },
  });
  expect(await countStarted(id)).toBe(4);
  for (const repository of repositories) expect(deliveredBranches(repository)).toEqual([]);
});

test('one cancelled item leaves the others alone', async () => {
  const gate = holdGate();
  const { id } = await startBatch(`${gate.wait}; echo x > x`, 3, 3);
  await until('three items run', async () => (await countStarted(id)) === 3, 40_000);
  const [, second] = await ado.listItems(id);

  const { code } = await callerOf(ado).call('cancel', second?.id ?? '');
  await ado.seen(id, (event) => event.type === 'item-ended' && event.data.taskId === second?.id);
  gate.open();
  await ado.ended(id);

  expect(code).toBe(0);
  const outcomes = (await ado.listItems(id)).map((item) => item.outcome);
  expect(outcomes).toEqual(['succeeded', 'cancelled', 'succeeded']);
});

/** For each start after an event of this type: how many ran already. */
function runningAtStartsAfter(events: readonly Event[], seq: number): number[] {
  let running = 0;
  const found: number[] = [];
  for (const event of events) {
    if (event.type === 'item-started' && event.seq > seq) found.push(running);
    if (event.type === 'item-started') running += 1;
    if (event.type === 'item-ended') running -= 1;
  }
  return found;
}

test('another number at once holds within two seconds, up and down', async () => {
  const gate = holdGate();
  const { id } = await startBatch(`${gate.wait}; echo x > x`, 2, 10);
  const caller = callerOf(ado);
  await until('two items run', async () => (await countStarted(id)) === 2, 40_000);

  await caller.call('batch', 'set', id, '--parallel', '6');
  await until('six items run', async () => (await countStarted(id)) === 6, 2_000);
  await caller.call('batch', 'set', id, '--parallel', '1');
  const changed = (await ado.listEvents(id)).findLast(({ type }) => type === 'batch-changed');
  gate.open();
  const events = await ado.ended(id);

  // Read two seconds after the change at the latest: nothing starts beside another any more.
  expect(runningAtStartsAfter(events, changed?.seq ?? 0)).toEqual([0, 0, 0, 0]);
  expect(await ado.getBatch(id)).toMatchObject({ status: 'succeeded', parallel: 1 });
});
