// What was spent.
//   - every record is in exactly one row of each grouping, and in the total
//   - money without an answer is told where its reservation says enough
//   - a period has its first moment and not its last; days are those of the place asked for
//   - no tenant sees another's
import type { Actor, Fence, UsageEntry, UsageFilter } from '../../../adapters/ports.ts';
import { createUsageStore } from '../../../adapters/postgres/usage-store.ts';
import { usageGroups, type UsageGroup } from '../../../contracts/usage.schema.ts';
import { ledgerCalls } from './ledger-calls.ts';
import {
  aBatch,
  aTask,
  createPostgresWorld,
  someItems,
  type PostgresWorld,
} from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
let taskId: string;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  world.clock.nowMs = Date.parse('2026-11-21T12:00:00Z');
});
const { reserve, release, settle, markUnknown } = ledgerCalls(() => ({ world, actor, taskId }));

const usage = () => createUsageStore(world.database);
const period = {
  from: new Date('2026-11-01T00:00:00Z'),
  to: new Date('2026-12-01T00:00:00Z'),
};
const sum = (by: UsageGroup, changes: Partial<UsageFilter> = {}) =>
  usage().sumUsage(actor, { by, ...period, timeZone: 'UTC', limit: 50, ...changes });
/** Each row's key and cost. */
const costs = async (by: UsageGroup, changes?: Partial<UsageFilter>) =>
  (await sum(by, changes)).items.map((row) => [row.key, row.costMicroUsd]);

let lastCall = 0;
/** Records an answered call at the clock's time. */
async function call(fence: Fence, changes: Partial<UsageEntry> = {}): Promise<void> {
  lastCall += 1;
  const entry: UsageEntry = {
    effectId: `effect-${lastCall}`,
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    requestId: undefined,
    inputTokens: 100,
    outputTokens: 20,
    cacheReadTokens: 30,
    cacheWriteTokens: 10,
    cacheWriteHourTokens: 4,
    reasoningTokens: 5,
    costMicroUsd: 100,
    account: 'team',
    ...changes,
  };
  await world.journal.record(fence, { usage: entry });
}

test('calls are added up, each kind of token by itself', async () => {
  const fence = await world.aRunningTask(actor);
  await call(fence);
  await call(fence, { costMicroUsd: 1 });

  const { items, total } = await sum('provider');

  const sums = {
    calls: 2,
    inputTokens: 200,
    cacheReadTokens: 60,
    cacheWriteTokens: 20,
    cacheWriteHourTokens: 8,
    outputTokens: 40,
    reasoningTokens: 10,
    costMicroUsd: 101,
  };
  expect(items).toEqual([{ key: 'anthropic', label: undefined, open: undefined, ...sums }]);
  expect(total).toMatchObject(sums);
});

test('rows are by what was asked for, the dearest first', async () => {
  const batch = await world.store.createBatch(actor, aBatch(someItems(2)), undefined);
  const { items } = await world.store.listTasks(actor, { batchId: batch.id, limit: 2 });
  const [one, two] = await Promise.all(
    items.map(({ id }) => world.start(actor, { taskId: id, attempt: 1 })),
  );
  const alone = await world.aRunningTask(actor, { repository: '/srv/alone' });
  if (one === undefined || two === undefined) throw new Error('no items');
  await call(one, { costMicroUsd: 1 });
  await call(two, { costMicroUsd: 2, provider: 'openai', model: 'gpt-5', account: 'other' });
  await call(alone, {
    costMicroUsd: 4,
    provider: 'scripted',
    model: '/s.json',
    account: undefined,
  });

  expect(await costs('provider')).toEqual([
    ['scripted', 4],
    ['openai', 2],
    ['anthropic', 1],
  ]);
  expect(await costs('model')).toEqual([
    ['scripted:/s.json', 4],
    ['openai:gpt-5', 2],
    ['anthropic:claude-sonnet-5', 1],
  ]);
  expect(await costs('account')).toEqual([
    [null, 4],
    ['other', 2],
    ['team', 1],
  ]);
  expect(await costs('task')).toEqual([
    [alone.ref.taskId, 4],
    [two.ref.taskId, 2],
    [one.ref.taskId, 1],
  ]);
  expect((await sum('task')).items[0]?.label).toBe('/srv/alone');
  expect(await costs('batch')).toEqual([
    [null, 4],
    [batch.id, 3],
  ]);
  expect((await sum('batch')).items.map(({ label }) => label)).toEqual([undefined, 'renames']);
  expect((await sum('tenant')).items).toMatchObject([
    { key: actor.tenantId, label: 'test', costMicroUsd: 7, calls: 3 },
  ]);
});

test('of one batch, only what its items spent and hold is added up', async () => {
  const batch = await world.store.createBatch(actor, aBatch(someItems(1)), undefined);
  const { items } = await world.store.listTasks(actor, { batchId: batch.id, limit: 1 });
  const inBatch = await world.start(actor, { taskId: items[0]?.id ?? '', attempt: 1 });
  const alone = await world.aRunningTask(actor);
  await call(inBatch, { costMicroUsd: 2 });
  await call(alone, { costMicroUsd: 4 });
  ({ taskId } = alone.ref);
  await reserve({ callId: 'alone' });

  for (const by of usageGroups) {
    const { items: rows, total } = await sum(by, { batchId: batch.id });
    expect([by, rows.length, rows[0]?.costMicroUsd]).toEqual([by, 1, 2]);
    expect(total).toMatchObject({ calls: 1, costMicroUsd: 2, open: { heldMicroUsd: 0 } });
  }
});

test('days are those of the place asked for, in their order', async () => {
  const fence = await world.aRunningTask(actor);
  world.clock.nowMs = Date.parse('2026-11-20T23:30:00Z');
  await call(fence, { costMicroUsd: 1 });
  world.clock.nowMs = Date.parse('2026-11-21T00:30:00Z');
  await call(fence, { costMicroUsd: 10 });
  world.clock.nowMs = Date.parse('2026-11-21T23:30:00Z');
  await call(fence, { costMicroUsd: 5 });

  expect(await costs('day')).toEqual([
    ['2026-11-20', 1],
    ['2026-11-21', 15],
  ]);
  expect(await costs('day', { timeZone: 'Europe/Berlin' })).toEqual([
    ['2026-11-21', 11],
    ['2026-11-22', 5],
  ]);
});

test('a period has its first moment and not its last', async () => {
  const fence = await world.aRunningTask(actor);
  const from = new Date('2026-11-10T00:00:00Z');
  const to = new Date('2026-11-11T00:00:00Z');
  for (const [at, costMicroUsd] of [
    [from.getTime() - 1, 1],
    [from.getTime(), 2],
    [to.getTime() - 1, 4],
    [to.getTime(), 8],
  ] as const) {
    world.clock.nowMs = at;
    await call(fence, { costMicroUsd });
  }

  expect((await sum('tenant', { from, to })).total.costMicroUsd).toBe(6);
  const day = new Date(from.getTime() + 86_400_000);
  expect(
    await usage().sumCosts(actor, [
      { from, to },
      { from, to: from },
      { from: day, to: new Date(day.getTime() + 1) },
    ]),
  ).toEqual([6, 0, 8]);
  expect(await usage().findFirstCall(actor)).toEqual(new Date(from.getTime() - 1));
});

test('money that is held or lost from sight is told, where a reservation says whose it is', async () => {
  const fence = await world.aRunningTask(actor);
  ({ taskId } = fence.ref);
  await call(fence, { costMicroUsd: 7 });
  for (const callId of ['held', 'lost', 'back', 'paid']) await reserve({ callId });
  await markUnknown('lost');
  await release('back');
  await settle('paid', 7);

  const open = { heldMicroUsd: 100, unknownMicroUsd: 100, unknownCalls: 1 };
  for (const by of ['task', 'batch', 'day', 'tenant'] as const) {
    expect((await sum(by)).items).toMatchObject([{ costMicroUsd: 7, open }]);
  }
  const byProvider = await sum('provider');
  expect(byProvider.items.map((row) => row.open)).toEqual([undefined]);
  expect(byProvider.total.open).toEqual(open);
});

test('pages of tasks join to the whole, without doubles', async () => {
  const keys: string[] = [];
  for (let n = 0; n < 7; n += 1) {
    const fence = await world.aRunningTask(actor);
    await call(fence, { costMicroUsd: n % 3 });
    keys.push(fence.ref.taskId);
  }

  const seen: (string | null)[] = [];
  let cursor: string | undefined;
  do {
    const page = await sum('task', { limit: 2, cursor });
    expect(page.total.calls).toBe(7);
    seen.push(...page.items.map(({ key }) => key));
    cursor = page.nextCursor ?? undefined;
  } while (cursor !== undefined);

  expect(seen).toHaveLength(7);
  expect(seen.sort()).toEqual(keys.sort());
});

test('a cursor of another list is refused', async () => {
  const cursor = Buffer.from('"x"').toString('base64url');

  await expect(sum('task', { cursor })).rejects.toMatchObject({ code: 'INVALID_REQUEST' });
});

test('no tenant sees what another spent', async () => {
  const other = await world.aTenant();
  const fence = await world.aRunningTask(other);
  await call(fence);
  taskId = fence.ref.taskId;
  await world.ledger.reserve(other.tenantId, {
    callId: 'theirs',
    taskId,
    amountMicroUsd: 5,
    budgets: [{ kind: 'tenant', limitMicroUsd: 10 }],
  });

  for (const by of usageGroups) {
    const { items, total } = await sum(by);
    expect([items, total.calls, total.open.heldMicroUsd]).toEqual([[], 0, 0]);
  }
  expect(await usage().sumCosts(actor, [period])).toEqual([0]);
  expect(await usage().findFirstCall(actor)).toBeUndefined();
  expect((await usage().listPurchases(actor, { limit: 5 })).items).toEqual([]);
  await expect(usage().listPurchases(actor, { limit: 5, taskId })).rejects.toMatchObject({
    code: 'TASK_NOT_FOUND',
  });
  expect(await usage().findTaskCosts(actor, 'm')).toEqual({ tasks: 0, p90MicroUsd: 0 });
});

test('purchases are listed newest first, by state and task, page by page', async () => {
  const one = await world.aRunningTask(actor, { repository: '/srv/one' });
  const two = await world.aRunningTask(actor);
  const at = (second: number) => {
    world.clock.nowMs = Date.parse('2026-11-21T12:00:00Z') + second * 1_000;
  };
  for (const [index, callId] of ['a', 'b', 'c', 'd'].entries()) {
    at(index);
    taskId = (callId === 'd' ? two : one).ref.taskId;
    await reserve({ callId });
  }
  at(10);
  await markUnknown('a');
  await markUnknown('d');
  await settle('b', 42);

  const list = async (filter: object = {}) =>
    usage().listPurchases(actor, { limit: 10, ...filter });
  const idsOf = async (filter?: object) => (await list(filter)).items.map(({ callId }) => callId);
  expect(await idsOf()).toEqual(['d', 'c', 'b', 'a']);
  expect(await idsOf({ state: 'unknown' })).toEqual(['d', 'a']);
  expect(await idsOf({ state: 'unknown', taskId: one.ref.taskId })).toEqual(['a']);
  expect((await list({ state: 'settled' })).items).toEqual([
    {
      callId: 'b',
      taskId: one.ref.taskId,
      repository: '/srv/one',
      state: 'settled',
      amountMicroUsd: 100,
      costMicroUsd: 42,
      account: undefined,
      reservedAt: '2026-11-21T12:00:01.000Z',
      endedAt: '2026-11-21T12:00:10.000Z',
    },
  ]);
  const first = await list({ limit: 3 });
  const rest = await list({ limit: 3, cursor: first.nextCursor });
  expect([...first.items, ...rest.items].map(({ callId }) => callId)).toEqual(['d', 'c', 'b', 'a']);
  expect(rest.nextCursor).toBeNull();
});

test('what tasks of a model cost is what nine of ten do not exceed, of finished ones', async () => {
  const model = 'anthropic:claude-sonnet-5';
  const spend = async (costMicroUsd: number, ends: boolean, name = model) => {
    const fence = await world.aRunningTask(actor, {
      ...aTask(),
      agent: 'builtin',
      exec: undefined,
      model: name,
    });
    await call(fence, { costMicroUsd });
    await call(fence, { costMicroUsd });
    if (ends) await world.journal.finish(fence, { outcome: 'succeeded' });
  };
  for (let n = 1; n <= 10; n += 1) await spend(n, true);
  await spend(1_000_000, false);
  await spend(1_000_000, true, 'openai:gpt-5');

  expect(await usage().findTaskCosts(actor, model)).toEqual({ tasks: 10, p90MicroUsd: 18 });
});
