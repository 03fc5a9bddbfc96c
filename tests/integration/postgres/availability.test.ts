// PostgreSQL that does not answer is STORE_UNAVAILABLE with a time to come back, and the pool recovers by itself.
import { createServer, type AddressInfo } from 'node:net';
import { sql } from 'kysely';
import type { Actor } from '../../../adapters/ports.ts';
import {
  checkPostgres,
  createDatabase,
  type Database,
} from '../../../adapters/postgres/tenant-transaction.ts';
import { aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 4 });
  actor = await world.aTenant();
});
afterAll(() => world.close());

const unavailable = { code: 'STORE_UNAVAILABLE', retryAfterMs: 1_000 };

/** Ends all connections of the world's pool, as a restart does. */
async function terminateAll(): Promise<void> {
  await world.asOwner((query) =>
    query(
      `select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()`,
    ),
  );
}

test('a server that refuses connections is unavailable', async () => {
  const closed = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => closed.once('listening', resolve));
  const { port } = closed.address() as AddressInfo;
  await new Promise((resolve) => closed.close(resolve));
  const database = createDatabase(`postgres://ado@127.0.0.1:${String(port)}/ado`, 1);

  await expect(checkPostgres(database)).rejects.toMatchObject(unavailable);
  await database.close();
});

test('a database that is there and migrated is available', async () => {
  await expect(checkPostgres(world.database)).resolves.toBeUndefined();
});

test('a statement in flight when connections are ended is unavailable, and the next one works', async () => {
  let begun = (): void => undefined;
  const sleeping = new Promise<void>((resolve) => {
    begun = resolve;
  });
  const working = world.database.inTenant(actor.tenantId, async ({ db }) => {
    await sql`select 1`.execute(db);
    begun();
    await sql`select pg_sleep(20)`.execute(db);
  });
  const failed = expect(working).rejects.toMatchObject(unavailable);
  await sleeping;

  await terminateAll();

  await failed;
  expect((await world.store.createTask(actor, aTask(), undefined)).status).toBe('queued');
});

test('idle connections that were ended are replaced without a word', async () => {
  await Promise.all([1, 2, 3, 4].map(() => checkPostgres(world.database)));
  await terminateAll();

  const task = await eventually(() => world.store.createTask(actor, aTask(), undefined));

  expect(task.status).toBe('queued');
});

test('a connection ended between two statements fails its transaction, and writes nothing', async () => {
  const task = aTask();

  const writing = world.database.inTenant(actor.tenantId, async (tx) => {
    await tx.db
      .insertInto('blobs')
      .values({ tenant_id: tx.tenantId, sha256: 'cut', content: 'x', at: tx.at })
      .execute();
    await terminateAll();
    await tx.db
      .insertInto('blobs')
      .values({ tenant_id: tx.tenantId, sha256: 'off', content: 'x', at: tx.at })
      .execute();
  });

  await expect(writing).rejects.toMatchObject(unavailable);
  await eventually(() => world.store.createTask(actor, task, undefined));
  const blobs = await world.database.inTenant(actor.tenantId, ({ db }) =>
    db.selectFrom('blobs').select('sha256').execute(),
  );
  expect(blobs).toEqual([]);
});

test('a lock that is held too long is unavailable, and waiting for it ends', async () => {
  const fence = await world.aRunningTask(actor);
  const impatient = (tx: Parameters<Parameters<Database['inTenant']>[1]>[0]) =>
    sql`set local lock_timeout = '50ms'`.execute(tx.db);

  await world.database.inTenant(actor.tenantId, async ({ db }) => {
    await db
      .selectFrom('tasks')
      .select('id')
      .where('id', '=', fence.ref.taskId)
      .forUpdate()
      .execute();
    const second = world.database.inTenant(actor.tenantId, async (tx) => {
      await impatient(tx);
      await tx.db
        .selectFrom('tasks')
        .select('id')
        .where('id', '=', fence.ref.taskId)
        .forUpdate()
        .execute();
    });
    await expect(second).rejects.toMatchObject(unavailable);
  });
});

test('an error that was passed over inside does not count as committed', async () => {
  const passing = world.database.inTenant(actor.tenantId, async ({ db }) => {
    await sql`select 1 / 0`.execute(db).catch(() => undefined);
    return 'done';
  });

  await expect(passing).rejects.toThrow('passed over');
});

/** Repeats what answers STORE_UNAVAILABLE: a pool may learn of an ended connection only by using it. */
async function eventually<T>(work: () => Promise<T>): Promise<T> {
  for (let tries = 0; ; tries += 1) {
    try {
      return await work();
    } catch (error) {
      if (tries === 5) throw error;
    }
  }
}
