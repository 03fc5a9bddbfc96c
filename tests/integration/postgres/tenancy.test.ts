// No query reaches the rows of another tenant.
//   - the second wall alone holds: a query without a tenant filter sees and changes rows of one tenant only
//   - it holds although the login role is a superuser, and for the system role outside its three tables
//   - the store answers foreign ids as if they did not exist
import { sql } from 'kysely';
import type { Actor, Fence } from '../../../adapters/ports.ts';
import { lookAtOpenTasks } from '../../../adapters/postgres/open-tasks.ts';
import {
  aBatch,
  aTask,
  createPostgresWorld,
  someItems,
  type PostgresWorld,
} from './postgres-world.ts';

let world: PostgresWorld;
let anna: Actor;
let bert: Actor;
beforeAll(async () => {
  world = await createPostgresWorld();
  anna = await world.aTenant();
  bert = await world.aTenant();
});
afterAll(() => world.close());

const tables = [
  'tenants',
  'api_keys',
  'batches',
  'tasks',
  'steps',
  'messages',
  'events',
  'usage_records',
  'checkpoints',
  'blobs',
  'idempotency_keys',
  'outbox',
  'audit_log',
  'price_overrides',
  'budgets',
  'reservations',
  'ledger_entries',
  'approvals',
] as const;

test('every table has row-level security, forced on its owner too', async () => {
  const { rows } = await world.database.inTenant(anna.tenantId, ({ db }) =>
    sql<{ relname: string }>`
      select relname from pg_class
      where relnamespace = 'public'::regnamespace and relkind = 'r' and relname <> 'ado_migrations'
        and relrowsecurity and relforcerowsecurity`.execute(db),
  );

  expect(rows.map((row) => row.relname).sort()).toEqual([...tables].sort());
});

test('a query without a tenant filter sees the rows of its own tenant only', async () => {
  const mine = await world.store.createTask(anna, aTask(), undefined);
  await world.store.createTask(bert, aTask(), undefined);

  const seen = await world.database.inTenant(anna.tenantId, ({ db }) =>
    db.selectFrom('tasks').select('id').execute(),
  );

  expect(seen.map((row) => row.id)).toEqual([mine.id]);
});

test('a query without a tenant filter changes no foreign row', async () => {
  const foreign = await world.store.createTask(bert, aTask(), undefined);

  await world.database.inTenant(anna.tenantId, ({ db }) =>
    db.updateTable('tasks').set({ branch: 'stolen' }).execute(),
  );

  expect((await world.store.getTask(bert, foreign.id)).branch).toBe(foreign.branch);
});

test('a row of another tenant cannot be written', async () => {
  const at = new Date(world.clock.now());
  const writing = world.database.inTenant(anna.tenantId, ({ db }) =>
    db
      .insertInto('blobs')
      .values({ tenant_id: bert.tenantId, sha256: 'x', content: 'x', at })
      .execute(),
  );

  await expect(writing).rejects.toThrow('row-level security');
});

test('the login role is a superuser, and still sees nothing without a tenant', async () => {
  await world.store.createTask(anna, aTask(), undefined);

  const { rows } = await world.database.inTenant(anna.tenantId, async ({ db }) => {
    await sql`set local ado.tenant = ''`.execute(db);
    return sql<{ session: boolean; own: boolean; tasks: number }>`
      select (select rolsuper from pg_roles where rolname = session_user) as session,
        (select rolsuper from pg_roles where rolname = current_user) as own,
        (select count(*) from tasks) as tasks`.execute(db);
  });

  expect(rows).toEqual([{ session: true, own: false, tasks: 0 }]);
});

test.each(tables.filter((table) => !['tenants', 'api_keys', 'outbox'].includes(table)))(
  'the system role may not read %s',
  async (table) => {
    const reading = world.database.asSystem(({ db }) =>
      db.selectFrom(table).select('tenant_id').execute(),
    );

    await expect(reading).rejects.toThrow('permission denied');
  },
);

test('the system role counts the queued tasks of all tenants, and learns nothing else of them', async () => {
  const before = await lookAtOpenTasks(world.database);
  await world.store.createTask(anna, aTask(), undefined);
  await world.store.createTask(bert, aTask(), undefined);
  const ended = await world.store.createTask(bert, aTask(), undefined);
  await world.store.cancelTask(bert, ended.id, undefined);

  expect((await lookAtOpenTasks(world.database)).pending - before.pending).toBe(2);
  for (const column of ['tenant_id', 'id', 'prompt', 'repository'] as const) {
    const reading = world.database.asSystem(({ db }) =>
      db.selectFrom('tasks').select(column).execute(),
    );
    await expect(reading).rejects.toThrow('permission denied');
  }
});

test('the longest work is that of whichever tenant; waits, ended work and earlier attempts do not count', async () => {
  const minute = 60_000;
  const minutes = async (): Promise<number> =>
    (await lookAtOpenTasks(world.database)).longestWorkMs / minute;
  const wait = async (fence: Fence, reason: 'limit' | null): Promise<unknown> =>
    world.journal.record(fence, { waitingFor: reason === null ? null : { reason } });

  const idle = await minutes();
  const first = await world.aRunningTask(anna);
  world.clock.nowMs += 10 * minute;
  const second = await world.aRunningTask(bert);
  world.clock.nowMs += minute;
  const worked = await minutes();
  await wait(first, 'limit');
  world.clock.nowMs += 20 * minute;
  const waiting = await minutes();
  await wait(first, null);
  world.clock.nowMs += 10 * minute;
  const again = await minutes();
  await world.journal.finish(second, { outcome: 'failed', failureClass: 'agent' });
  const left = await minutes();
  await world.store.retryTask(bert, second.ref.taskId);
  await world.start(bert, { taskId: second.ref.taskId, attempt: 2 });
  await world.journal.finish(first, { outcome: 'succeeded' });
  world.clock.nowMs += minute;

  // The second went on while the first waited: 1 + 20, and 10 more.
  expect([idle, worked, waiting, again, left]).toEqual([0, 11, 21, 31, 21]);
  expect(await minutes()).toBe(1);
});

test('a tenant that is no UUID gets no transaction', async () => {
  const reading = world.database.inTenant(`${anna.tenantId}'; reset role; --`, ({ db }) =>
    db.selectFrom('tasks').select('id').execute(),
  );

  await expect(reading).rejects.toThrow('not a tenant id');
});

test('what happened cannot be rewritten by the role of the store', async () => {
  await world.store.createTask(anna, aTask(), undefined);

  const rewriting = world.database.inTenant(anna.tenantId, ({ db }) =>
    db.updateTable('events').set({ seq: 9 }).execute(),
  );

  await expect(rewriting).rejects.toThrow('permission denied');
});

test('foreign tasks and batches do not exist', async () => {
  const task = await world.store.createTask(bert, aTask(), undefined);
  const batch = await world.store.createBatch(bert, aBatch(someItems(2)), undefined);
  const page = { limit: 10 };
  const noTask = { code: 'TASK_NOT_FOUND' };
  const noBatch = { code: 'BATCH_NOT_FOUND' };

  await expect(world.store.getTask(anna, task.id)).rejects.toMatchObject(noTask);
  await expect(world.store.cancelTask(anna, task.id, undefined)).rejects.toMatchObject(noTask);
  await expect(world.store.retryTask(anna, task.id)).rejects.toMatchObject(noTask);
  await expect(world.store.listSteps(anna, task.id, page)).rejects.toMatchObject(noTask);
  await expect(world.store.listMessages(anna, task.id, page)).rejects.toMatchObject(noTask);
  await expect(world.store.getDiff(anna, task.id)).rejects.toMatchObject(noTask);
  await expect(world.store.listEvents(anna, task.id, 0, 10)).rejects.toMatchObject(noTask);
  await expect(
    world.journal.begin({ tenantId: anna.tenantId, taskId: task.id, attempt: 1 }),
  ).rejects.toMatchObject(noTask);
  await expect(world.store.getBatch(anna, batch.id)).rejects.toMatchObject(noBatch);
  await expect(world.store.cancelBatch(anna, batch.id, undefined)).rejects.toMatchObject(noBatch);
  await expect(world.store.changeBatch(anna, batch.id, { parallel: 2 })).rejects.toMatchObject(
    noBatch,
  );
  await expect(world.store.retryBatch(anna, batch.id, { cancelled: false })).rejects.toMatchObject(
    noBatch,
  );
  await expect(world.store.listTasks(anna, { batchId: batch.id, limit: 10 })).rejects.toMatchObject(
    noBatch,
  );
  await expect(world.store.listEvents(anna, batch.id, 0, 10)).rejects.toMatchObject(noBatch);
});
