// The signal that pools are scaled by.
//   - what waits is summed over the queues of a pool, those of its hosts too; the oldest decides the age
//   - what stopping workers still have is counted, they themselves are not
//   - the smallest worker decides how many it takes; without one the configuration does
//   - looks that come together are one; what cannot be seen is an error, not a zero
import type { QueueStats } from '../../adapters/ports.ts';
import type { PoolState, Worker } from '../../contracts/fleet.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Pool } from '../../contracts/names.ts';
import { createPoolLook } from './measure-pools.ts';

const empty: QueueStats = { backlog: 0, backlogAgeSeconds: 0, pollers: [] };

function aWorker(id: string, pools: Worker['pools'], change: Partial<Worker> = {}): Worker {
  const [hostId = ''] = id.split('/');
  return {
    id,
    hostId,
    version: '1.0.0',
    startedAt: '2026-01-01T00:00:00.000Z',
    state: 'running',
    pools,
    ...change,
  };
}

const agents = (slots: number, busySlots = 0): Worker['pools'] => [
  { name: 'agents', slots, busySlots },
];

/** A fleet whose clock stands still until a test moves it. */
function aFleet(workers: readonly Worker[], queues: Readonly<Record<string, QueueStats>> = {}) {
  const looked: string[] = [];
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const look = createPoolLook({
    registry: { list: () => Promise.resolve([...workers]) },
    queues: {
      lookAtQueue(queue, kind) {
        looked.push(`${queue} ${kind}`);
        return Promise.resolve(queues[`${queue} ${kind}`] ?? empty);
      },
    },
    slots: { workflows: 140, models: 100, agents: 64 },
    clock,
  });
  const pool = async (name: Pool): Promise<PoolState | undefined> =>
    (await look()).find((one) => one.name === name);
  return { look, pool, looked, clock };
}

test('a pool without workers wants as many as its backlog takes, by the configured slots', async () => {
  const backlog = { backlog: 130, backlogAgeSeconds: 7.5, pollers: [] };
  const { pool } = aFleet([], { 'ado-agents activity': backlog });

  expect(await pool('agents')).toEqual({
    name: 'agents',
    backlog: 130,
    backlogAgeSeconds: 7.5,
    pollers: 0,
    busySlots: 0,
    slotsPerWorker: 64,
    workers: 0,
    desired: 3,
  });
});

test('what waits for a host and what a stopping worker still has is part of the pool', async () => {
  const { pool } = aFleet(
    [
      aWorker('one/1', agents(10, 8)),
      aWorker('two/1', agents(4, 2)),
      aWorker('three/1', agents(1, 5), { state: 'stopping' }),
      aWorker('four/1', [{ name: 'models', slots: 2, busySlots: 2 }]),
    ],
    {
      'ado-agents activity': { backlog: 3, backlogAgeSeconds: 1, pollers: ['one/1', 'two/1'] },
      'ado-agents@one activity': { backlog: 2, backlogAgeSeconds: 4, pollers: ['one/1'] },
      'ado-agents@three activity': { backlog: 1, backlogAgeSeconds: 0, pollers: [] },
      'ado-models activity': { backlog: 100, backlogAgeSeconds: 9, pollers: ['four/1'] },
    },
  );

  expect(await pool('agents')).toEqual({
    name: 'agents',
    backlog: 6,
    backlogAgeSeconds: 4,
    pollers: 2,
    busySlots: 15,
    slotsPerWorker: 4,
    workers: 2,
    desired: 6,
  });
});

test('only workflows have workflow tasks, and nothing to do takes nobody', async () => {
  const { look, looked } = aFleet([]);

  const measured = await look();

  expect(measured.map(({ desired }) => desired)).toEqual([0, 0, 0]);
  expect(looked).toEqual([
    'ado-workflows workflow',
    'ado-workflows activity',
    'ado-models activity',
    'ado-agents activity',
  ]);
});

test('looks that come within a second are one', async () => {
  const { look, looked, clock } = aFleet([]);

  await Promise.all([look(), look()]);
  clock.nowMs = 999;
  await look();
  const before = looked.length;
  clock.nowMs = 1_000;
  await look();

  expect([before, looked.length]).toEqual([4, 8]);
});

test('what workers have under way is not taken for nothing while Redis is away', async () => {
  const look = createPoolLook({
    registry: { list: () => Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'away')) },
    queues: { lookAtQueue: () => Promise.resolve(empty) },
    slots: { workflows: 1, models: 1, agents: 1 },
    clock: { now: () => 0 },
  });

  await expect(look()).rejects.toMatchObject({ code: 'LIMITER_UNAVAILABLE' });
});
