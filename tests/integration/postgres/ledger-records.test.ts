// The books are right whoever writes them.
//   - a usage record and the settlement of its call are written together or not at all
//   - PostgreSQL refuses entries that do not sum to 0, movements that happened, and changes of entries
import type { Actor, UsageEntry } from '../../../adapters/ports.ts';
import { readBooks } from './books.ts';
import { ledgerCalls, taskBudget } from './ledger-calls.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
let taskId: string;
beforeAll(async () => {
  world = await createPostgresWorld();
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  taskId = (await world.store.createTask(actor, aTask(), undefined)).id;
});
const { reserve, stateOf } = ledgerCalls(() => ({ world, actor, taskId }));

describe('PostgreSQL itself', () => {
  const entry = {
    call_id: 'call-1',
    movement: 'reserve',
    budget_id: 'task:a' as string,
    at: new Date(),
  } as const;
  const insert = (
    entries: readonly (typeof entry & { account: 'budget' | 'spent'; amount: number })[],
  ) =>
    world.database.inTenant(actor.tenantId, async ({ db, tenantId }) => {
      const rows = entries.map(({ amount, ...rest }) => ({
        ...rest,
        tenant_id: tenantId,
        amount_micro_usd: amount,
      }));
      await db.insertInto('ledger_entries').values(rows).execute();
    });

  test('refuses entries that do not sum to 0, also when those of another budget make up for it', async () => {
    const lost = [{ ...entry, account: 'spent', amount: 5 }] as const;
    const shifted = [
      { ...entry, account: 'spent', amount: 5 },
      { ...entry, account: 'budget', budget_id: 'task:b', amount: -5 },
    ] as const;

    await expect(insert(lost)).rejects.toThrow('does not sum to 0');
    await expect(insert(shifted)).rejects.toThrow('does not sum to 0');
    expect((await readBooks(world, actor)).entries).toBe(0);
  });

  test('refuses a movement that happened', async () => {
    await reserve();

    const again = insert([
      { ...entry, account: 'budget', amount: -5 },
      { ...entry, account: 'spent', amount: 5 },
    ]);

    await expect(again).rejects.toThrow('duplicate key');
  });

  test('refuses to change or remove entries', async () => {
    await reserve();
    const change = () =>
      world.database.inTenant(actor.tenantId, ({ db }) =>
        db
          .updateTable('ledger_entries')
          .set({ account: 'spent' as never })
          .execute(),
      );
    const remove = () =>
      world.database.inTenant(actor.tenantId, ({ db }) =>
        db.deleteFrom('ledger_entries').execute(),
      );

    await expect(change()).rejects.toThrow('permission denied');
    await expect(remove()).rejects.toThrow('permission denied');
  });
});

describe('a usage record', () => {
  function aUsage(changes: Partial<UsageEntry> = {}): UsageEntry {
    return {
      effectId: 'effect-1',
      provider: 'anthropic',
      model: 'claude-sonnet-5',
      requestId: undefined,
      inputTokens: 100,
      outputTokens: 20,
      cacheReadTokens: 0,
      cacheWriteTokens: 12,
      cacheWriteHourTokens: 7,
      reasoningTokens: 0,
      costMicroUsd: 60,
      serviceTier: 'standard',
      priceId: 'override 7',
      callId: 'call-1',
      raw: { service_tier: 'standard' },
      ...changes,
    };
  }

  test('settles its call, once', async () => {
    const fence = await world.aRunningTask(actor);
    await reserve();

    await world.journal.record(fence, { usage: aUsage() });
    await world.journal.record(fence, { usage: aUsage({ costMicroUsd: 90 }) });

    expect(await stateOf(taskBudget)).toMatchObject({ reservedMicroUsd: 0, spentMicroUsd: 60 });
    const rows = await world.database.inTenant(actor.tenantId, ({ db }) =>
      db.selectFrom('usage_records').selectAll().execute(),
    );
    expect(rows).toMatchObject([
      {
        cost_micro_usd: 60,
        cache_write_1h_tokens: 7,
        service_tier: 'standard',
        price_id: 'override 7',
        call_id: 'call-1',
        raw: { service_tier: 'standard' },
      },
    ]);
  });

  test('that may not be written settles nothing', async () => {
    const fence = await world.aRunningTask(actor);
    await reserve();
    await world.journal.begin(fence.ref);

    await expect(world.journal.record(fence, { usage: aUsage() })).rejects.toMatchObject({
      code: 'SUPERSEDED',
    });

    expect(await stateOf(taskBudget)).toMatchObject({ reservedMicroUsd: 100, spentMicroUsd: 0 });
  });

  test('of a call that nothing was reserved for is not written', async () => {
    const fence = await world.aRunningTask(actor);

    await expect(world.journal.record(fence, { usage: aUsage() })).rejects.toThrow(
      'nothing was reserved',
    );

    const { task } = await world.journal.begin(fence.ref);
    expect(task.costMicroUsd).toBe(0);
  });
});

test('what is still held when a task ends is given up: nobody would ask for it again', async () => {
  const fence = await world.aRunningTask(actor, { agent: 'builtin', exec: undefined, model: 'm' });
  await reserve({ taskId: fence.ref.taskId });

  await world.journal.finish(fence, { outcome: 'cancelled', reason: 'user' });

  expect(await stateOf(taskBudget)).toMatchObject({ reservedMicroUsd: 0, unknownMicroUsd: 100 });
});
