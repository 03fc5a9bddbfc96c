// Workers and pools, as the API tells them to those who operate the platform.
import { AppError } from '../../../contracts/errors.ts';
import type { PoolState, Worker } from '../../../contracts/fleet.schema.ts';
import { keys, startApi, type TestApi } from './api-world.ts';

const worker: Worker = {
  id: 'host-a/17',
  hostId: 'host-a',
  version: '1.2.3',
  buildId: 'abc',
  startedAt: '2026-01-01T00:00:00.000Z',
  state: 'running',
  pools: [{ name: 'agents', slots: 4, busySlots: 5 }],
};
const pool: PoolState = {
  name: 'agents',
  backlog: 7,
  backlogAgeSeconds: 1.5,
  pollers: 1,
  busySlots: 5,
  slotsPerWorker: 4,
  workers: 1,
  desired: 3,
};

let isAway = false;
const read = async <T>(items: T): Promise<T> => {
  if (isAway) throw new AppError('ENGINE_UNAVAILABLE', 'Temporal does not answer');
  return items;
};

let api: TestApi;
beforeAll(async () => {
  api = await startApi({
    fleet: { listWorkers: () => read([worker]), lookAtPools: () => read([pool]) },
  });
});
afterAll(() => api.stop());

test('whoever may operate sees workers and pools', async () => {
  expect(await api.call('listWorkers')).toEqual({ items: [worker], nextCursor: null });
  expect(await api.call('listPools')).toEqual({ items: [pool], nextCursor: null });
});

test('a key that only reads tasks does not', async () => {
  const { viewer } = keys;

  expect(await api.refuse('listWorkers', { key: viewer })).toMatchObject({ code: 'SCOPE_MISSING' });
  expect(await api.refuse('listPools', { key: viewer })).toMatchObject({ code: 'SCOPE_MISSING' });
});

test('figures that cannot be had are an error that passes', async () => {
  isAway = true;

  expect(await api.refuse('listPools')).toMatchObject({ code: 'ENGINE_UNAVAILABLE', status: 503 });
});
