// A cancel that comes at the worst moment.
//   F51  at each crash point: exactly one final status, no process left, and no more bought than one call under way;
//        at any other moment of a command's start: the same
import { randomInt } from 'node:crypto';
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { CrashPointName } from '../../adapters/ports.ts';
import { codeOf } from '../../contracts/errors.ts';
import type { Ado } from '../support/ado-platform.ts';
import { until } from '../support/ado-platform.ts';
import { processesWith } from '../support/process-table.ts';
import { makeRepository } from '../support/repositories.ts';
import { runningWorkflows } from './batch-outcome.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

/** In the order of a task's life. Each makes everybody who passes it wait for a moment. */
const commandPoints: readonly CrashPointName[] = [
  'api.tx.afterCommit.beforeStart',
  'slot.afterAcquire.beforeRunning',
  'tool.afterExit.beforeSnapshot',
  'git.afterImport.beforeRef',
  'git.afterRef.beforeReturn',
  'deliver.afterPush.beforeRecord',
  'task.afterFinish.beforeReturn',
];
const modelPoints: readonly CrashPointName[] = [
  'llm.afterResponse.beforeLedger',
  'llm.afterLedger.beforeReturn',
];

let world: FaultWorld;
let ado: Ado;
beforeAll(async () => {
  world = await openFaultWorld();
  const points = [...commandPoints, ...modelPoints].map((name) => `${name}=sleep:800*99`);
  ado = await world.startAdo({ env: { ADO_CRASHPOINTS: points.join(',') } });
});
afterAll(async () => {
  await ado.stop();
  await world.stop();
});

interface Race {
  readonly status: string;
  readonly endings: number;
  /** The cancel was refused, as the task had ended before. */
  readonly refused: boolean;
  readonly costMicroUsd: number;
}

/** Cancels a task while it waits at a point. */
async function cancelAt(
  point: CrashPointName,
  work: { agent: 'command'; exec: string } | { agent: 'builtin'; model: string },
): Promise<Race> {
  const key = `cancel at ${point}`;
  await until('the task before has left', async () => (await runningWorkflows(ado)) === 0);
  const before = ado.crashes(point);
  const submitted = ado.submitTask({ prompt: key, repository: makeRepository(), ...work }, key);
  await until(`the task is at ${point}`, () => ado.crashes(point) > before, 20_000);
  const found = async () =>
    (await ado.client.call('get /v1/tasks', { query: { limit: 1 } })).items[0]?.id ?? '';
  const taskId = await found();
  const refused = await ado.client
    .call('post /v1/tasks/:taskId/cancel', { params: { taskId }, body: {} })
    .then(
      () => false,
      (error: unknown) => codeOf(error) === 'TASK_ALREADY_ENDED',
    );
  await submitted;
  const events = await ado.ended(taskId, 30_000);
  const task = await ado.getTask(taskId);
  return {
    status: task.status,
    endings: events.filter(({ type }) => type === 'task-ended').length,
    refused,
    costMicroUsd: task.costMicroUsd,
  };
}

test('F51: a cancel at any point ends the task once, with nothing left behind', async () => {
  const marker = `0.5${randomInt(1e9, 1e10)}`;
  const folder = mkdtempSync(join(tmpdir(), 'ado-test-script-'));
  const script = {
    price: { inputMicroUsd: 3_000_000, outputMicroUsd: 0 },
    answers: [
      { toolCalls: [{ tool: 'list_files' }], usage: { inputTokens: 1_000, outputTokens: 1 } },
      { text: 'Done.', usage: { inputTokens: 1_000, outputTokens: 1 } },
    ],
  };
  writeFileSync(join(folder, 'script.yaml'), JSON.stringify(script));
  const command = { agent: 'command', exec: `sleep ${marker}; echo x > x` } as const;
  const builtin = { agent: 'builtin', model: `scripted:${join(folder, 'script.yaml')}` } as const;

  const races = new Map<CrashPointName, Race>();
  for (const point of commandPoints) races.set(point, await cancelAt(point, command));
  for (const point of modelPoints) races.set(point, await cancelAt(point, builtin));

  const all = [...races.values()];
  const mostBooked = Math.max(...all.map((race) => race.costMicroUsd));
  const left = processesWith(marker).length;
  report(
    'F51',
    {
      of: 'cancels at a point',
      count: all.length,
      atLeast: commandPoints.length + modelPoints.length,
    },
    {
      cancelled: all.filter((race) => race.status === 'cancelled').length,
      'ended before and refused': all.filter((race) => race.refused).length,
      'endings beyond one': all.filter((race) => race.endings !== 1).length,
      'processes left': left,
      'most booked (one call is 3000)': mostBooked,
    },
  );
  for (const [point, race] of races) {
    // After the end is on record there is nothing to cancel.
    const isOver = point === 'task.afterFinish.beforeReturn';
    const expected = { status: isOver ? 'succeeded' : 'cancelled', endings: 1, refused: isOver };
    expect({ point, ...race }).toMatchObject({ point, ...expected });
  }
  expect(left).toBe(0);
  expect(mostBooked).toBeLessThanOrEqual(3_000);
}, 180_000);

test('F51: cancels while commands are being started leave no process', async () => {
  const marker = `3600.${randomInt(1e9, 1e10)}`;
  const exec = `sleep ${marker}; echo x > x`;
  const cancelLate = async (place: number): Promise<number> => {
    const repository = makeRepository();
    const { id } = await ado.submitTask({ prompt: 'Race', repository, agent: 'command', exec });
    // From before the worker has the task to after its command sleeps.
    await delay(place * 75);
    await ado.client.call('post /v1/tasks/:taskId/cancel', { params: { taskId: id }, body: {} });
    const events = await ado.ended(id, 30_000);
    return events.filter(({ type }) => type === 'task-ended').length;
  };

  const endings = await Promise.all(
    Array.from({ length: 32 }, async (_, place) => cancelLate(place)),
  );

  const noProcess = (): boolean => processesWith(marker).length === 0;
  const gone = await until('no process is left', noProcess, 5_000);
  report(
    'F51',
    { of: 'cancels around a start', count: endings.length, atLeast: 32 },
    {
      'endings beyond one': endings.filter((count) => count !== 1).length,
      'last process gone after (ms)': gone,
    },
  );
  expect(new Set(endings)).toEqual(new Set([1]));
});
