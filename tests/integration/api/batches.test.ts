/** What a caller may rely on when a batch is planned, submitted, changed, cancelled and retried. */
import type { TaskCosts } from '../../../adapters/ports.ts';
import { AppError } from '../../../contracts/errors.ts';
import { createMemoryUsageStore } from '../../support/fakes/memory-usage-store.ts';
import { aBatch, aTask, keys, startApi, type TestApi } from './api-world.ts';

let api: TestApi;
beforeEach(async () => {
  api = await startApi();
});
afterEach(() => api.stop());

const itemsOf = (batchId: string, query: Record<string, string> = {}) =>
  api.call('listItems', { params: { batchId }, query });

test('a batch is stored with one queued item for each target, in their order', async () => {
  const batch = await api.call('submitBatch', {
    body: aBatch(['/repos/b', '/repos/a'], { name: 'Typos' }),
  });

  const { items } = await itemsOf(batch.id);

  expect(batch).toMatchObject({ status: 'queued', name: 'Typos', counts: { total: 2 } });
  expect(items.map((item) => [item.itemIndex, item.repository])).toEqual([
    [0, '/repos/b'],
    [1, '/repos/a'],
  ]);
  expect(items[0]?.branch).toMatch(/^ado\/typos-[0-9a-f]{8}$/);
  expect(api.relay.wakes).toBe(1);
});

test('a batch without a name is named by the first line of its prompt', async () => {
  const batch = await api.call('submitBatch', {
    body: aBatch(['/a'], { prompt: '\nFix it\nand test' }),
  });

  expect(batch.name).toBe('Fix it');
});

test('every problem is named with its item, and nothing is stored', async () => {
  const items = [
    { repository: '/repos/one' },
    { repository: '/missing/a' },
    { repository: '/repos/two', baseRef: 'nowhere' },
    { repository: '/missing/b' },
    { repository: '/repos/one' },
    { repository: '/repos/three', variables: { other: '1' } },
  ];

  const problem = await api.refuse('submitBatch', {
    body: aBatch([], { prompt: 'Use {{lib}}', items }),
  });

  expect(problem.code).toBe('REPOSITORY_NOT_FOUND');
  expect(problem.problems?.map(({ path }) => path)).toEqual([
    'items.1.repository',
    'items.2.baseRef',
    'items.3.repository',
    'items.4',
    'items.5',
  ]);
  expect(problem.problems?.[3]?.message).toContain('items.0');
  expect(problem.problems?.[4]?.message).toContain('lib');
  expect(await api.call('listBatches')).toEqual({ items: [], nextCursor: null });
});

test('one repository may be named twice with different variables', async () => {
  const items = ['a', 'b'].map((lib) => ({ repository: '/repos/one', variables: { lib } }));

  const batch = await api.call('submitBatch', {
    body: aBatch([], { prompt: 'Use {{lib}}', items }),
  });

  expect((await itemsOf(batch.id)).items.map((item) => item.prompt)).toEqual(['Use a', 'Use b']);
});

test('a plan with an unknown model and a bad repository names both', async () => {
  const body = aBatch(['/missing'], { agent: 'builtin', exec: undefined, model: 'acme:x' });

  const problem = await api.refuse('planBatch', { body });

  expect(problem.code).toBe('MODEL_NOT_FOUND');
  expect(problem.problems?.map(({ path }) => path)).toEqual(['model', 'items.0.repository']);
});

test('a plan says what would run, what is known and what opted out, and stores nothing', async () => {
  const { id } = await api.call('submitTask', { body: aTask({ repository: '/repos/done' }) });
  api.store.endTask(id, 'succeeded');
  const body = aBatch(['/repos/done', '/repos/new'], {});
  body.items.push({ repository: '/repos/out', skip: 'optout' } as never);

  const plan = await api.call('planBatch', { body });

  expect(plan.items.map(({ skip, sourceTaskId }) => [skip, sourceTaskId])).toEqual([
    ['cached', id],
    [undefined, undefined],
    ['optout', undefined],
  ]);
  expect(plan).toMatchObject({
    toRun: 1,
    skipped: 2,
    estimate: { lowMicroUsd: 0, highMicroUsd: 0, worstMicroUsd: 0, basedOnTasks: 0 },
  });
  expect(api.store.taskCount()).toBe(1);
});

test('a plan names the checks of each repository but those that the request names itself', async () => {
  const body = aBatch(['/repos/checked', '/repos/elsewhere'], {
    gateProfile: 'standard',
    gates: [{ name: 'test', command: 'true' }],
  });

  const plan = await api.call('planBatch', { body });

  expect(plan.items.map(({ checks }) => checks)).toEqual([
    [
      { name: 'build', command: 'go build ./...' },
      { name: 'lint', command: 'go vet ./...' },
    ],
    undefined,
  ]);
});

test('with `fresh` a plan runs what is known', async () => {
  const { id } = await api.call('submitTask', { body: aTask() });
  api.store.endTask(id, 'succeeded');

  const plan = await api.call('planBatch', { body: aBatch(['/repos/one'], { fresh: true }) });

  expect(plan.toRun).toBe(1);
});

describe('what a plan of a priced model costs', () => {
  const body = (change: object = {}) =>
    aBatch(['/a', '/b'], { agent: 'builtin', exec: undefined, model: 'acme:x', ...change });
  /** A model at a micro-dollar a token, and tasks of it that were finished before. */
  const estimate = async (earlier: TaskCosts, change: object = {}, unknown = false) => {
    await api.stop();
    api = await startApi({
      models: {
        routesOf: async () => [{}] as never,
        isFree: () => false,
        estimateCost: async (_tenantId, _route, { inputTokens, outputTokens }) => {
          if (unknown) throw new AppError('PRICE_UNKNOWN', 'no price');
          return inputTokens + outputTokens;
        },
      },
      usage: createMemoryUsageStore({ findTaskCosts: async () => earlier }),
    });
    return (await api.call('planBatch', { body: body(change) })).estimate;
  };
  const none = { tasks: 0, p90MicroUsd: 0 };

  test('is at least the first call of each item, with all that it sends', async () => {
    const short = await estimate(none);
    const long = await estimate(none, { prompt: `Fix the typo${' '.repeat(3_999)}.` });

    expect(short.lowMicroUsd).toBeGreaterThan(2 * 300);
    expect(long.lowMicroUsd - short.lowMicroUsd).toBe(2 * 1_000);
  });

  test('is at most what nine of ten earlier tasks cost, once there are five', async () => {
    const worstMicroUsd = 20_000_000;

    expect(await estimate({ tasks: 5, p90MicroUsd: 50_000 })).toMatchObject({
      ...{ highMicroUsd: 100_000, worstMicroUsd, basedOnTasks: 5 },
    });
    expect(await estimate({ tasks: 4, p90MicroUsd: 50_000 })).toMatchObject({
      ...{ highMicroUsd: worstMicroUsd, worstMicroUsd, basedOnTasks: 0 },
    });
  });

  test('is never more than the limit of the batch', async () => {
    const earlier = { tasks: 9, p90MicroUsd: 50_000 };

    expect(await estimate(earlier, { maxCostMicroUsd: 7 })).toEqual({
      ...{ lowMicroUsd: 7, highMicroUsd: 7, worstMicroUsd: 7, basedOnTasks: 9 },
    });
  });

  test('begins at nothing where no price is known: such a call is not made', async () => {
    expect((await estimate(none, {}, true)).lowMicroUsd).toBe(0);
  });
});

test('a repeated submit answers the first batch', async () => {
  const sent = { body: aBatch(['/a', '/b']), headers: { 'idempotency-key': 'once' } };

  const [first, second] = [
    await api.call('submitBatch', sent),
    await api.call('submitBatch', sent),
  ];

  expect(second.id).toBe(first.id);
  expect(api.store.taskCount()).toBe(2);
});

test('of a cancelled batch exactly the running items are told at once', async () => {
  const batch = await api.call('submitBatch', { body: aBatch(['/a', '/b', '/c']) });
  const [first, second] = (await itemsOf(batch.id)).items;
  for (const item of [first, second]) api.store.changeTask(item?.id ?? '', { status: 'running' });

  const cancelled = await api.call('cancelBatch', { params: { batchId: batch.id } });

  expect(cancelled.cancelRequested).toBe(true);
  const told = api.live.published.filter(({ kind }) => kind === 'cancel');
  expect(told).toEqual([first, second].map((item) => ({ kind: 'cancel', taskId: item?.id })));
});

test('a change must change something, and is kept', async () => {
  const { id } = await api.call('submitBatch', { body: aBatch(['/a']) });

  const empty = await api.refuse('changeBatch', { params: { batchId: id }, body: {} });
  const changed = await api.call('changeBatch', { params: { batchId: id }, body: { parallel: 3 } });

  expect(empty.code).toBe('INVALID_REQUEST');
  expect(changed.parallel).toBe(3);
});

test('a retry says how many items it took up', async () => {
  const { id } = await api.call('submitBatch', { body: aBatch(['/a', '/b']) });
  const nothing = await api.refuse('retryBatch', { params: { batchId: id } });
  const { items } = await itemsOf(id);
  api.store.endTask(items[1]?.id ?? '', 'failed');

  const retried = await api.call('retryBatch', { params: { batchId: id } });

  expect(nothing.code).toBe('NOTHING_TO_RETRY');
  expect(retried.retried).toBe(1);
});

test('a batch of another tenant is unknown', async () => {
  const { id } = await api.call('submitBatch', { body: aBatch(['/a']) });

  for (const batchId of [id, 'batch-1']) {
    for (const name of [
      'getBatch',
      'listItems',
      'cancelBatch',
      'retryBatch',
      'followBatch',
    ] as const) {
      const problem = await api.refuse(name, { key: keys.stranger, params: { batchId } });
      expect(problem).toMatchObject({ status: 404, code: 'BATCH_NOT_FOUND' });
    }
  }
});
