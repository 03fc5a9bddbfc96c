/**
 * Accounts and their limits, as the API tells them.
 *   - accounts come in the order in which they are tried, with what the worker says of their credentials
 *   - gauges of account and tenant come once, those of models once each, and nothing tells a tenant's id
 *   - a test of an account is the worker's answer; an unknown account is told with those that there are
 *   - a Redis that is away is said, not hidden
 */
import { createLimitLooks } from '../../../adapters/models/limit-looks.ts';
import type { LimitScope } from '../../../adapters/ports.ts';
import type { ProvidersDeps } from '../../../api/deps.ts';
import { providersConfigSchema } from '../../../config/providers-config.ts';
import { AppError } from '../../../contracts/errors.ts';
import { localTenantId } from '../../../contracts/names.ts';
import { keys, startApi, type TestApi } from './api-world.ts';

const { accounts } = providersConfigSchema.parse({
  accounts: [
    { name: 'spare', provider: 'openai', access: 'api', priority: 2, credential: { env: 'B' } },
    {
      name: 'work',
      provider: 'anthropic',
      access: 'api',
      credential: { env: 'A' },
      models: ['sonnet'],
      maxConcurrent: 20,
      tenantShare: 0.5,
      limits: [
        { charge: 'requests', limit: 60, per: 'minute', burst: 10 },
        { charge: 'total', limit: 1_000, per: 'day', scope: 'model' },
      ],
    },
    { name: 'local', provider: 'openai-compatible', access: 'free', baseUrl: 'http://localhost:1' },
  ],
});

const asked: string[] = [];
const providers: ProvidersDeps = {
  accounts,
  file: '/etc/ado/providers.yaml',
  usage: {
    listUsedToday: async (tenantId) =>
      tenantId === localTenantId ? [{ account: 'work', calls: 7, costMicroUsd: 1_250_000 }] : [],
    listUsedModels: async (tenantId) =>
      tenantId === localTenantId ? [{ account: 'work', model: 'opus' }] : [],
    listWaiting: async () => [
      {
        reason: 'limit',
        detail: 'work: requests a minute',
        tasks: 3,
        until: '2026-01-01T00:00:00Z',
      },
    ],
  },
  lookAt: createLimitLooks({
    peek: async (account, model, scopes) => ({
      pausedForMs: model === 'opus' ? 4_000 : 0,
      speed: 0.7,
      breaker: model === 'opus' ? 'open' : 'closed',
      scopes: scopes.map(({ name, dimensions }: LimitScope) => ({
        name,
        concurrent: 3,
        dimensions: dimensions.map((dimension) => ({
          name: dimension.name,
          remaining: name === 'model:opus' ? undefined : 4,
          lineMs: dimension.kind === 'rate' ? 1_500 : 0,
        })),
      })),
    }),
  }),
  checks: {
    testAccount: async (tenantId, account) => {
      asked.push(`${tenantId} ${account}`);
      return { ok: true, status: 200, latencyMs: 41.5, models: 12, missingModels: ['sonnet'] };
    },
    listCredentials: async () => [
      { account: 'work', state: 'missing', detail: 'the variable A is not there or empty' },
      { account: 'local', state: 'not_needed' },
    ],
  },
  timeZone: 'UTC',
};

let api: TestApi;
beforeEach(async () => {
  api = await startApi({ providers });
});
afterEach(() => api.stop());

test('accounts come in the order in which they are tried, each with how it does', async () => {
  const { items, file, nextCursor } = await api.call('listProviders');

  expect([file, nextCursor]).toEqual(['/etc/ado/providers.yaml', null]);
  expect(items.map(({ name }) => name)).toEqual(['local', 'work', 'spare']);
  const [local, work, spare] = items;
  expect(local).toMatchObject({ credential: { state: 'not_needed' }, health: [] });
  expect(work).toEqual({
    name: 'work',
    provider: 'anthropic',
    access: 'api',
    priority: 1,
    models: ['sonnet'],
    credential: { state: 'missing', detail: 'the variable A is not there or empty' },
    health: [
      { model: 'sonnet', breaker: 'closed', pausedForMs: 0, speed: 0.7 },
      { model: 'opus', breaker: 'open', pausedForMs: 4_000, speed: 0.7 },
    ],
    today: { calls: 7, costMicroUsd: 1_250_000 },
  });
  expect(spare).toMatchObject({
    credential: { state: 'unknown', detail: "the worker's providers.yaml has no such account" },
    today: { calls: 0, costMicroUsd: 0 },
  });
});

test("what another tenant's tasks used is not told", async () => {
  const { items } = await api.call('listProviders', { key: keys.stranger });

  expect(items[1]).toMatchObject({
    today: { calls: 0, costMicroUsd: 0 },
    health: [{ model: 'sonnet' }],
  });
});

test('without accounts nobody is asked, and the list says where they are expected', async () => {
  await api.stop();
  const listCredentials = () => Promise.reject(new AppError('ENGINE_UNAVAILABLE', 'away'));
  api = await startApi({
    providers: { ...providers, accounts: [], checks: { ...providers.checks, listCredentials } },
  });

  expect(await api.call('listProviders')).toEqual({
    file: '/etc/ado/providers.yaml',
    items: [],
    nextCursor: null,
  });
});

test('where no worker tells, a credential is unknown, and why', async () => {
  await api.stop();
  const checks = { ...providers.checks, listCredentials: async () => undefined };
  api = await startApi({ providers: { ...providers, checks } });

  const { items } = await api.call('listProviders');

  expect(items[0]?.credential).toEqual({
    state: 'unknown',
    detail: 'no worker of the models pool answered',
  });
});

test('limits come once for account and tenant and once for each model, and what waits for them', async () => {
  const { accounts: shown, waiting } = await api.call('listLimits');

  const work = shown.find(({ name }) => name === 'work');
  const requests = { name: 'requests a minute', charge: 'requests', freeInMs: 1_500 };
  const total = { name: 'total a day of the model', charge: 'total', freeInMs: 0 };
  expect(work).toEqual({
    name: 'work',
    provider: 'anthropic',
    maxConcurrent: 20,
    concurrent: 3,
    limits: [
      { ...requests, scope: 'account', limit: 60, capacity: 10, used: 6 },
      { ...total, scope: 'model', model: 'sonnet', limit: 1_000, capacity: 1_000, used: 996 },
      { ...requests, scope: 'tenant', limit: 30, capacity: 5, used: 1 },
      { ...total, scope: 'model', model: 'opus', limit: 1_000, capacity: 1_000 },
    ],
    models: [
      { model: 'sonnet', breaker: 'closed', pausedForMs: 0, speed: 0.7 },
      { model: 'opus', breaker: 'open', pausedForMs: 4_000, speed: 0.7 },
    ],
  });
  expect(shown.find(({ name }) => name === 'local')).toMatchObject({ limits: [], models: [] });
  expect(waiting).toMatchObject([{ reason: 'limit', detail: 'work: requests a minute', tasks: 3 }]);
});

test.each(['listLimits', 'listProviders'] as const)('%s says that Redis is away', async (route) => {
  await api.stop();
  const lookAt = () => Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'Redis is away'));
  api = await startApi({ providers: { ...providers, lookAt } });

  expect(await api.refuse(route)).toMatchObject({ status: 503, code: 'LIMITER_UNAVAILABLE' });
});

test('a test of an account is what the worker found', async () => {
  const found = await api.call('testProvider', { params: { account: 'work' } });

  expect(found).toMatchObject({ ok: true, models: 12, missingModels: ['sonnet'] });
  expect(asked).toEqual([`${localTenantId} work`]);
});

test('an unknown account is told with those that there are', async () => {
  const problem = await api.refuse('testProvider', { params: { account: 'wrok' } });

  expect(problem).toMatchObject({ status: 404, code: 'ACCOUNT_NOT_FOUND' });
  expect(problem.detail).toBe('There is no account "wrok". There are spare, work, local.');
});
