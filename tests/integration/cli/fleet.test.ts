// `ado workers` and `ado pools`, against a server:
//   - both come as tables, and in every form asked for
//   - a fleet of nobody is said, and a pool that has work and no worker stands out by its figures
import type { PoolState, Worker } from '../../../contracts/fleet.schema.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

const workers: Worker[] = [
  {
    id: 'agents-0/1',
    hostId: 'agents-0',
    version: '1.2.3',
    buildId: 'v7',
    startedAt: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    state: 'stopping',
    pools: [{ name: 'agents', slots: 4, busySlots: 3 }],
  },
  {
    id: 'glue-0/1',
    hostId: 'glue-0',
    version: '1.2.3',
    startedAt: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    state: 'running',
    pools: [
      { name: 'workflows', slots: 140, busySlots: 2 },
      { name: 'models', slots: 100, busySlots: 0 },
    ],
  },
];
const pools: PoolState[] = [
  {
    name: 'workflows',
    backlog: 0,
    backlogAgeSeconds: 0,
    pollers: 1,
    busySlots: 2,
    slotsPerWorker: 140,
    workers: 1,
    desired: 1,
  },
  {
    name: 'agents',
    backlog: 42,
    backlogAgeSeconds: 75,
    pollers: 0,
    busySlots: 3,
    slotsPerWorker: 4,
    workers: 0,
    desired: 12,
  },
];

let api: FakeApi;
let place: Place;
beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
  api.answers.listWorkers = () => ({ items: workers, nextCursor: null });
  api.answers.listPools = () => ({ items: pools, nextCursor: null });
});
afterEach(() => api.stop());

test('workers are a table', async () => {
  const { code, stdout } = await runAdo(place, ['workers', 'list']);

  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'WORKER      STATE     POOLS (BUSY/SLOTS)             VERSION   STARTED',
      'agents-0/1  stopping  agents 3/4                     1.2.3 v7  3h ago',
      'glue-0/1    running   workflows 2/140, models 0/100  1.2.3     3h ago',
      '',
    ].join('\n'),
  );
});

test('a fleet of nobody is said', async () => {
  api.answers.listWorkers = () => ({ items: [], nextCursor: null });

  const { code, stdout, stderr } = await runAdo(place, ['workers', 'list']);

  expect([code, stdout]).toEqual([0, '']);
  expect(stderr).toContain('No worker has told of itself');
});

test('pools are a table with figures under each other', async () => {
  const { code, stdout } = await runAdo(place, ['pools', 'list']);

  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'POOL       WORKERS  DESIRED  BUSY  SLOTS EACH  BACKLOG  OLDEST',
      'workflows        1        1     2         140        0       -',
      'agents           0       12     3           4       42   1m15s',
      '',
    ].join('\n'),
  );
});

test('both come as JSON, and as names', async () => {
  const read = async (...words: string[]) => (await runAdo(place, words)).stdout;

  expect(JSON.parse(await read('workers', 'list', '-o', 'json'))).toEqual({ items: workers });
  expect(JSON.parse(await read('pools', 'list', '-o', 'json'))).toEqual({ items: pools });
  expect(await read('workers', 'list', '-o', 'name')).toBe('agents-0/1\nglue-0/1\n');
  expect(await read('pools', 'list', '-o', 'name')).toBe('workflows\nagents\n');
});
