// What a fleet tells of itself while it works.
//   - a worker whose sandbox a probe gets out of does not serve, and says why
//   - the signal counts what waits and what is under way, and asks for the workers that this takes
//   - a worker that is told to stop hands its work over; one that is killed is forgotten; nothing of the batch is lost
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startSharedAdo, until } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import type { PoolState, Scaling } from '../../contracts/fleet.schema.ts';
import { noSandbox } from '../support/no-sandbox.ts';
import { makeRepositories } from '../support/repositories.ts';
import { holdGate } from './batch-events.ts';
import { callerOf } from './call-ado.ts';
import type { Caller } from './call-ado.ts';

let ado: Ado;
let caller: Caller;
beforeAll(async () => {
  ado = await startSharedAdo({ env: { ADO_AGENT_SLOTS: '4', ADO_HOST_ID: 'host-one' } });
  caller = callerOf(ado);
});
afterAll(async () => ado.stop());

async function readScaling(pool: string): Promise<Scaling> {
  const response = await fetch(`${ado.api.internalUrl}/internal/scaling/pools/${pool}`);
  return (await response.json()) as Scaling;
}

test('work under way and waiting work ask for workers, and their end lets them go', async () => {
  const gate = holdGate();
  const { id } = await ado.submitBatch({
    prompt: 'Wait',
    agent: 'command',
    exec: `${gate.wait}; echo x > x`,
    parallel: 10,
    items: makeRepositories(10).map((repository) => ({ repository })),
  });
  // Ten items on one worker with four slots.
  let busy = await readScaling('agents');
  await until(
    'all items are counted',
    async () => {
      busy = await readScaling('agents');
      return busy.busySlots === 4 && busy.backlog === 6;
    },
    60_000,
  );
  const metrics = await (await fetch(`${ado.api.internalUrl}/metrics`)).text();
  const listed = await caller.call('pools', 'list', '-o', 'json');

  gate.open();
  await ado.ended(id);
  await until(
    'nothing is left to do',
    async () => (await readScaling('agents')).desired === 0,
    60_000,
  );

  expect(busy).toEqual({
    backlog: 6,
    backlogAgeSeconds: expect.any(Number),
    busySlots: 4,
    slotsPerWorker: 4,
    desired: 3,
  });
  expect(metrics).toContain('ado_task_queue_length{pool="agents"} 6');
  expect(metrics).toContain('ado_pool_busy_slots{pool="agents"} 4');
  expect(metrics).toContain('ado_pool_desired_workers{pool="agents"} 3');
  expect(metrics).toMatch(/^ado_pending_tasks [0-9]+$/m);
  expect(metrics).toMatch(/^ado_oldest_running_task_seconds [0-9.]+$/m);
  const { items } = JSON.parse(listed.stdout) as { items: PoolState[] };
  expect(items.map(({ name, workers, pollers }) => ({ name, workers, pollers }))).toEqual(
    ['workflows', 'models', 'agents'].map((name) => ({ name, workers: 1, pollers: 1 })),
  );
});

test('a worker tells of itself, and is forgotten when it has ended or died', async () => {
  const ids = async (): Promise<string[]> =>
    (await caller.call('workers', 'list', '-o', 'name')).stdout.trim().split('\n').sort();
  const added = await ado.addWorker({ ADO_HOST_ID: 'host-two', ADO_POOLS: 'models' });
  await until('both are seen', async () => (await ids()).length === 2);
  const both = await ids();

  await added.kill9();
  await until('the killed one is forgotten', async () => (await ids()).length === 1, 30_000);
  await added.restart();
  await until('it is seen again', async () => (await ids()).length === 2);
  await added.stop();
  const last = await ids();

  expect(both).toEqual([
    `host-one/${ado.worker.pid() ?? 0}`,
    expect.stringMatching(/^host-two\/\d+$/),
  ]);
  expect(last).toEqual([`host-one/${ado.worker.pid() ?? 0}`]);
});

test('a worker whose sandbox holds nothing does not serve, and says why', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-leak-'));
  writeFileSync(join(folder, 'bwrap'), noSandbox, { mode: 0o755 });
  const path = `${folder}:${process.env['PATH'] ?? ''}`;

  await expect(ado.addWorker({ ADO_HOST_ID: 'host-leaky', PATH: path })).rejects.toThrow(
    /SANDBOX_LEAKS|not tight/,
  );
});
