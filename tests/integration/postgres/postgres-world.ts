/** A database with one tenant, its stores, and builders for what goes into them. */
import { randomUUID } from 'node:crypto';
import pg from 'pg';
import type { Actor, Fence, NewBatch, NewTask, TaskEnding } from '../../../adapters/ports.ts';
import {
  createApprovalJournal,
  createApprovalStore,
} from '../../../adapters/postgres/approvals.ts';
import { createBatchJournal } from '../../../adapters/postgres/batch-journal.ts';
import { createKeyStore } from '../../../adapters/postgres/key-store.ts';
import { createLedger } from '../../../adapters/postgres/ledger.ts';
import { createOutbox } from '../../../adapters/postgres/outbox.ts';
import { createPriceStore } from '../../../adapters/postgres/price-store.ts';
import { createTaskJournal } from '../../../adapters/postgres/task-journal.ts';
import { createTaskStore } from '../../../adapters/postgres/task-store.ts';
import { createDatabase } from '../../../adapters/postgres/tenant-transaction.ts';
import type { BatchItem } from '../../../contracts/activities.ts';
import type { Event } from '../../../contracts/event.schema.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';
import { createTestDatabase } from '../../support/database.ts';

export type PostgresWorld = Awaited<ReturnType<typeof createPostgresWorld>>;

/** Makes the world of one test file; `close` takes it away. */
export async function createPostgresWorld({ poolSize = 10 } = {}) {
  const testDatabase = await createTestDatabase();
  // Moves only when a test says so; every test begins at the same time of day.
  const clock = { nowMs: Date.UTC(2026, 0, 1), now: () => clock.nowMs };
  const database = createDatabase(testDatabase.url, poolSize, clock);
  const journal = createTaskJournal(database);
  const batches = createBatchJournal(database);
  const questions = createApprovalJournal(database);
  const approvals = createApprovalStore(database);
  const store = createTaskStore(database);
  const keys = createKeyStore(database);
  const outbox = createOutbox(database);
  const ledger = createLedger(database);
  const prices = createPriceStore(database);

  return {
    url: testDatabase.url,
    clock,
    database,
    journal,
    batches,
    questions,
    approvals,
    store,
    keys,
    outbox,
    ledger,
    prices,

    /** A tenant of its own for a test. */
    async aTenant(): Promise<Actor> {
      const tenantId = randomUUID();
      const key = aKey();
      await keys.ensureKey(tenantId, 'test', key, ['tasks:read']);
      const actor = await keys.findActor(key);
      if (actor === undefined) throw new Error('the key was not stored');
      return actor;
    },

    /** A running task with the fence of its only worker. */
    async aRunningTask(actor: Actor, changes: Partial<NewTask> = {}): Promise<Fence> {
      const task = await store.createTask(actor, aTask(changes), undefined);
      return this.start(actor, { taskId: task.id, attempt: 1 });
    },

    async start(actor: Actor, item: Pick<BatchItem, 'taskId' | 'attempt'>): Promise<Fence> {
      const { fence } = await journal.begin({
        tenantId: actor.tenantId,
        taskId: item.taskId,
        attempt: item.attempt,
      });
      await journal.markRunning(fence, 'worker-1');
      return fence;
    },

    /** Takes an item through its whole life. */
    async run(
      actor: Actor,
      item: Pick<BatchItem, 'taskId' | 'attempt'>,
      ending: TaskEnding = { outcome: 'succeeded' },
    ) {
      return journal.finish(await this.start(actor, item), ending);
    },

    /** All events of a stream, as `type` words or as they are. */
    async eventsOf(actor: Actor, streamId: string): Promise<readonly Event[]> {
      return store.listEvents(actor, streamId, 0, 100_000);
    },
    async eventTypes(actor: Actor, streamId: string): Promise<string[]> {
      return (await this.eventsOf(actor, streamId)).map((event) => event.type);
    },

    /** Takes what is due out of the outbox, of all tenants. */
    async drainOutbox(): Promise<OutboxMessage[]> {
      const messages: OutboxMessage[] = [];
      await outbox.relay(100_000, async (message) => {
        messages.push(message);
      });
      return messages;
    },

    /** Works past row-level security, as an administrator of the database. */
    async asOwner(
      work: (
        query: (text: string, values?: unknown[]) => Promise<pg.QueryResult>,
      ) => Promise<unknown>,
    ): Promise<void> {
      const client = new pg.Client({ connectionString: testDatabase.url });
      await client.connect();
      try {
        await work((text, values) => client.query(text, values));
      } finally {
        await client.end();
      }
    },

    async close(): Promise<void> {
      await database.close();
      await testDatabase.drop();
    },
  };
}

/** A key that nobody else has. */
export function aKey(): string {
  return `ado_test_${randomUUID().replaceAll('-', '').slice(0, 22)}_${randomUUID()}${randomUUID()}`;
}

let lastId = 0;
/** An id in the form of a UUID version 7; later ones are greater. */
export function anId<P extends 'task' | 'batch'>(prefix: P): `${P}-${string}` {
  lastId += 1;
  const time = lastId.toString(16).padStart(12, '0');
  return `${prefix}-${time.slice(0, 8)}-${time.slice(8)}-7${randomUUID().slice(15)}`;
}

export const aCommit = 'a'.repeat(40);
export const anotherCommit = 'b'.repeat(40);

export function aTask(changes: Partial<NewTask> = {}): NewTask {
  const id = anId('task');
  return {
    id,
    prompt: 'rename the module',
    repository: '/srv/repositories/one',
    baseRef: 'main',
    baseCommit: '0'.repeat(40),
    branch: `ado/rename-${id.slice(-8)}`,
    agent: 'command',
    exec: 'true',
    model: undefined,
    policy: 'autonomous',
    gateProfile: 'none',
    setup: undefined,
    allowHosts: [],
    delivery: { mode: 'branch' },
    gates: [{ name: 'tests', command: 'npm test' }],
    maxCostMicroUsd: 5_000_000,
    confirmedCostMicroUsd: 1_000_000,
    timeoutMs: 60_000,
    priority: 3,
    labels: { team: 'core' },
    sandbox: 'bubblewrap',
    variables: { owner: 'anna' },
    contentKey: id,
    reuse: true,
    skip: undefined,
    ...changes,
  };
}

export function aBatch(items: readonly NewTask[], changes: Partial<NewBatch> = {}): NewBatch {
  const {
    baseRef: _ref,
    baseCommit: _commit,
    branch: _branch,
    repository: _repository,
    ...work
  } = aTask();
  return {
    ...work,
    id: anId('batch'),
    name: 'renames',
    parallel: 10,
    fresh: false,
    items,
    ...changes,
  };
}

export function someItems(
  count: number,
  changes: (index: number) => Partial<NewTask> = () => ({}),
): NewTask[] {
  return Array.from({ length: count }, (_, index) =>
    aTask({ repository: `/srv/repositories/${String(index)}`, ...changes(index) }),
  );
}
