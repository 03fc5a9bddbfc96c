// Tasks as the API stores them.
//   - a submit that is repeated, even 50 times at once, makes one task and one message to Temporal
//   - finished work is not done again
import type { Actor, IdempotencyClaim } from '../../../adapters/ports.ts';
import { aCommit, aTask, createPostgresWorld, type PostgresWorld } from './postgres-world.ts';

let world: PostgresWorld;
let actor: Actor;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 20 });
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  await world.drainOutbox();
});

function aClaim(changes: Partial<IdempotencyClaim> = {}): IdempotencyClaim {
  return { key: 'key-1', requestHash: 'hash-1', ...changes };
}

test('a stored task is given back as it was sent, and started once', async () => {
  const task = aTask({
    exec: 'make it',
    labels: { team: 'core', note: 'a=b' },
    baseRef: undefined,
  });

  const stored = await world.store.createTask(actor, task, undefined);

  expect(stored).toMatchObject({
    id: task.id,
    status: 'queued',
    prompt: task.prompt,
    baseCommit: task.baseCommit,
    exec: 'make it',
    labels: task.labels,
    gates: task.gates,
    attempt: 1,
    costMicroUsd: 0,
    cancelRequested: false,
    createdAt: new Date(world.clock.now()).toISOString(),
  });
  expect(stored.baseRef).toBeUndefined();
  expect(await world.store.getTask(actor, task.id)).toEqual(stored);
  expect(await world.drainOutbox()).toEqual([
    {
      kind: 'start-task',
      workflowId: task.id,
      input: {
        tenantId: actor.tenantId,
        taskId: task.id,
        attempt: 1,
        agent: 'command',
        repository: task.repository,
        timeoutMs: task.timeoutMs,
        maxCostMicroUsd: task.maxCostMicroUsd,
      },
      priority: 3,
    },
  ]);
});

test('50 equal submits at once make one task and one message', async () => {
  const answers = await Promise.all(
    Array.from({ length: 50 }, () => world.store.createTask(actor, aTask(), aClaim())),
  );

  const { items } = await world.store.listTasks(actor, { limit: 100 });
  expect(items).toHaveLength(1);
  expect(new Set(answers.map((task) => task.id))).toEqual(new Set(items.map((task) => task.id)));
  expect(await world.drainOutbox()).toHaveLength(1);
  expect(await world.store.findClaimed(actor, aClaim())).toBe(items[0]?.id);
});

test('a key that was used for another request is refused', async () => {
  const reused = { code: 'IDEMPOTENCY_KEY_REUSED' };
  await world.store.createTask(actor, aTask(), aClaim());

  const other = aClaim({ requestHash: 'hash-2' });

  await expect(world.store.createTask(actor, aTask(), other)).rejects.toMatchObject(reused);
  await expect(world.store.findClaimed(actor, other)).rejects.toMatchObject(reused);
  expect((await world.store.listTasks(actor, { limit: 10 })).items).toHaveLength(1);
});

test('two tenants may use the same key', async () => {
  const other = await world.aTenant();

  const mine = await world.store.createTask(actor, aTask(), aClaim());
  const theirs = await world.store.createTask(other, aTask(), aClaim());

  expect(mine.id).not.toBe(theirs.id);
});

test('a submit that fails leaves its key free', async () => {
  const task = aTask();
  await world.store.createTask(actor, task, undefined);
  await expect(world.store.createTask(actor, task, aClaim())).rejects.toThrow('duplicate key');

  const second = await world.store.createTask(actor, aTask(), aClaim());

  expect(second.status).toBe('queued');
});

describe('finished work', () => {
  beforeEach(async () => {
    const fence = await world.aRunningTask(actor, { contentKey: 'known', branch: 'ado/source' });
    const diff = {
      patch: 'the patch',
      commit: aCommit,
      diffStat: { files: 1, insertions: 1, deletions: 0 },
    };
    await world.journal.finish(
      fence,
      { outcome: 'succeeded', commit: aCommit, changed: true, summary: 'renamed' },
      { diff },
    );
    await world.drainOutbox();
  });

  test('is not done again: the task shows its source and is not started', async () => {
    const source = (await world.store.findResults(actor, ['known', 'other'])).get('known');
    const task = await world.store.createTask(actor, aTask({ contentKey: 'known' }), undefined);

    expect(task).toMatchObject({
      status: 'succeeded',
      outcome: 'skipped_unchanged',
      reason: 'cached',
      sourceTaskId: source,
      branch: 'ado/source',
      commit: aCommit,
      summary: 'renamed',
      changed: true,
    });
    expect(await world.store.getDiff(actor, task.id)).toBe('the patch');
    expect(await world.eventTypes(actor, task.id)).toEqual(['task-queued', 'task-ended']);
    expect(await world.drainOutbox()).toEqual([]);
  });

  test('is done again when that is asked for', async () => {
    const task = await world.store.createTask(
      actor,
      aTask({ contentKey: 'known', reuse: false }),
      undefined,
    );

    expect(task.status).toBe('queued');
  });

  test('of another tenant is not taken', async () => {
    const task = await world.store.createTask(
      await world.aTenant(),
      aTask({ contentKey: 'known' }),
      undefined,
    );

    expect(task.status).toBe('queued');
  });

  test('names the last task that did it, never one that took it over', async () => {
    world.clock.nowMs += 1_000;
    const later = await world.aRunningTask(actor, { contentKey: 'known', reuse: false });
    await world.journal.finish(later, { outcome: 'succeeded' });
    await world.store.createTask(actor, aTask({ contentKey: 'known' }), undefined);

    expect((await world.store.findResults(actor, ['known'])).get('known')).toBe(later.ref.taskId);
  });
});

test('every change by a caller is in the audit log', async () => {
  const { id } = await world.store.createTask(actor, aTask(), undefined);
  await world.store.cancelTask(actor, id, 'no');
  await world.store.retryTask(actor, id);

  const rows = await world.database.inTenant(actor.tenantId, ({ db }) =>
    db.selectFrom('audit_log').select(['action', 'key_id', 'target_id']).orderBy('id').execute(),
  );

  expect(rows).toEqual(
    ['create-task', 'cancel-task', 'retry-task'].map((action) => ({
      action,
      key_id: actor.keyId,
      target_id: id,
    })),
  );
});
