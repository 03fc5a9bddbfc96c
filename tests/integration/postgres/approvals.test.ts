/**
 * A question to a person, from asked to settled.
 *   - it is asked once, and the task waits visibly; its attempt finds what it asked and what came of it
 *   - of any number of answers at once one wins: one effect, one event, one audit line, one message
 *   - the same answer again changes nothing; another one is refused
 *   - silence lets the default count; an answer that came first wins over the deadline
 *   - a task that ends takes its question back in the same transaction
 *   - nobody of another tenant sees or decides it
 */
import type { Actor, Fence } from '../../../adapters/ports.ts';
import { approvalSchema } from '../../../contracts/approval.schema.ts';
import { aBatch, createPostgresWorld, someItems, type PostgresWorld } from './postgres-world.ts';
import { ask, asked, askedToReview } from './question.ts';

let world: PostgresWorld;
let actor: Actor;
let fence: Fence;
beforeAll(async () => {
  world = await createPostgresWorld({ poolSize: 20 });
});
afterAll(() => world.close());
beforeEach(async () => {
  actor = await world.aTenant();
  fence = await world.aRunningTask(actor);
  await world.drainOutbox();
});

const approve = { decision: 'approve' } as const;
const reject = { decision: 'reject' } as const;

async function money(of: Fence = fence) {
  const { task } = await world.journal.begin(of.ref);
  const { confirmedCostMicroUsd: confirmed, costRefused: isRefused, waitedMs } = task;
  return { confirmed, isRefused, waitedMs };
}

async function auditLines(approvalId: string): Promise<unknown[]> {
  let rows: unknown[] = [];
  await world.asOwner(async (query) => {
    const text = 'select key_id, action, detail from audit_log where target_id = $1';
    ({ rows } = await query(text, [approvalId]));
  });
  return rows;
}

describe('asking', () => {
  test('makes the task wait for a person, and says until when', async () => {
    const { approval } = await ask(world, asked(fence));

    const task = await world.store.getTask(actor, fence.ref.taskId);
    expect(approvalSchema.parse(approval)).toEqual(approval);
    expect(approval).toMatchObject({ status: 'pending', defaultDecision: 'reject', reminded: 0 });
    expect(Date.parse(approval.deadlineAt) - world.clock.now()).toBe(3_600_000);
    expect(task).toMatchObject({
      status: 'awaiting_approval',
      waitingFor: { reason: 'approval', until: approval.deadlineAt, detail: approval.title },
    });
    expect((await world.eventsOf(actor, fence.ref.taskId)).at(-1)).toMatchObject({
      type: 'approval-requested',
      data: { approvalId: approval.id, title: approval.title, deadlineAt: approval.deadlineAt },
    });
  });

  test('the same again, even at once and under another id, answers the first question', async () => {
    const all = await Promise.all(Array.from({ length: 5 }, () => ask(world, asked(fence))));
    await world.approvals.decideApproval(actor, all[0]?.approval.id ?? '', approve);
    const late = await ask(world, asked(fence));

    expect(new Set([...all, late].map(({ approval }) => approval.id)).size).toBe(1);
    expect(all.filter(({ isNew }) => isNew)).toHaveLength(1);
    expect(late.opened.decision).toBe('approve');
    expect((await world.store.getTask(actor, fence.ref.taskId)).status).toBe('running');
  });

  test('is refused for an attempt that is over, and for one that is being cancelled', async () => {
    const cancelled = await world.aRunningTask(actor);
    await world.store.cancelTask(actor, cancelled.ref.taskId, undefined);
    await world.journal.finish(fence, { outcome: 'failed' });

    await expect(ask(world, asked(fence))).rejects.toMatchObject({ code: 'SUPERSEDED' });
    await expect(ask(world, asked(cancelled))).rejects.toMatchObject({ code: 'TASK_CANCELLED' });
  });

  test('the attempt that asked finds its questions, with the answer and the reason of each', async () => {
    const first = await ask(world, askedToReview(fence, 'a'.repeat(40)));
    const yes = { ...approve, reason: 'fine' };
    await world.approvals.decideApproval(actor, first.approval.id, yes);
    world.clock.nowMs += 1_000;
    const second = await ask(world, asked(fence));
    const other = await world.aRunningTask(actor);

    const found = await world.questions.listAsked(fence.ref);

    expect(found).toEqual([
      expect.objectContaining({
        ...{ id: first.approval.id, key: `review:${'a'.repeat(40)}` },
        ...{ decision: 'approve', reason: 'fine', kind: 'edits_review' },
      }),
      expect.objectContaining({ id: second.approval.id, key: 'cost', decision: undefined }),
    ]);
    expect(approvalSchema.parse(first.approval)).toEqual(first.approval);
    expect(Date.parse(first.approval.deadlineAt) - Date.parse(first.approval.createdAt)).toBe(
      24 * 3_600_000,
    );
    expect(await world.questions.listAsked({ ...fence.ref, attempt: 2 })).toEqual([]);
    expect(await world.questions.listAsked(other.ref)).toEqual([]);
    const foreign = { ...fence.ref, tenantId: (await world.aTenant()).tenantId };
    expect(await world.questions.listAsked(foreign)).toEqual([]);
    const filter = { kind: ['cost'], limit: 10 } as const;
    const { items } = await world.approvals.listApprovals(actor, filter);
    expect(items.map(({ id }) => id)).toEqual([second.approval.id]);
  });

  test('a yes to delivering the work confirms no spending, and a no refuses none', async () => {
    const before = await money();
    for (const [commit, decision] of [
      ['a', approve],
      ['b', reject],
    ] as const) {
      const { approval } = await ask(world, askedToReview(fence, commit.repeat(40)));
      await world.approvals.decideApproval(actor, approval.id, decision);
    }

    expect(await money()).toEqual(before);
  });

  test('an item tells of it in the stream of its batch', async () => {
    const batch = await world.store.createBatch(actor, aBatch(someItems(1)), undefined);
    const item = await world.batches.takeItems({
      tenantId: actor.tenantId,
      batchId: batch.id,
      pageKey: 'first',
      limit: 1,
    });
    const [taken] = item.items;
    if (taken === undefined) throw new Error('no item was taken');
    const { approval } = await ask(world, asked(await world.start(actor, taken)));

    await world.approvals.decideApproval(actor, approval.id, approve);

    expect(approval.batchId).toBe(batch.id);
    expect(await world.eventTypes(actor, batch.id)).toEqual([
      'batch-queued',
      'batch-started',
      'item-started',
      'approval-requested',
      'approval-decided',
    ]);
    const filter = { batchId: batch.id, limit: 10 };
    expect((await world.approvals.listApprovals(actor, filter)).items).toHaveLength(1);
  });
});

describe('deciding', () => {
  test('yes confirms the spending up to the limit, and wakes the workflow', async () => {
    const { approval } = await ask(world, asked(fence));
    world.clock.nowMs += 5_000;

    const { approval: decided } = await world.approvals.decideApproval(actor, approval.id, {
      ...approve,
      reason: 'worth it',
    });

    expect(decided).toMatchObject({
      status: 'approved',
      decidedBy: actor.keyId,
      reason: 'worth it',
      decidedAt: new Date(world.clock.now()).toISOString(),
    });
    expect(await money()).toEqual({ confirmed: 5_000_000, isRefused: false, waitedMs: 5_000 });
    const task = await world.store.getTask(actor, fence.ref.taskId);
    expect([task.status, task.waitingFor]).toEqual(['running', undefined]);
    expect(await world.drainOutbox()).toEqual([
      {
        kind: 'decide-approval',
        workflowId: fence.ref.taskId,
        answer: { approvalId: approval.id, decision: 'approve' },
      },
    ]);
    expect(await auditLines(approval.id)).toEqual([
      {
        key_id: actor.keyId,
        action: 'decide-approval',
        detail: { taskId: fence.ref.taskId, decision: 'approve', reason: 'worth it' },
      },
    ]);
  });

  test('no refuses the spending, and leaves what was confirmed', async () => {
    const { approval } = await ask(world, asked(fence));

    await world.approvals.decideApproval(actor, approval.id, reject);

    expect(await money()).toMatchObject({ confirmed: 1_000_000, isRefused: true });
  });

  test('twenty at once, of both kinds and a deadline: one wins, with one effect', async () => {
    const { approval, ref } = await ask(world, asked(fence));
    const wishes = Array.from({ length: 20 }, (_, n) => (n % 2 === 0 ? approve : reject));

    const answers = await Promise.allSettled([
      ...wishes.map((wish) => world.approvals.decideApproval(actor, approval.id, wish)),
      world.questions.expire(ref),
    ]);

    const won = answers.filter((answer) => answer.status === 'fulfilled' && answer.value.isNew);
    const refused = answers.flatMap((answer) =>
      answer.status === 'rejected' ? [(answer.reason as { code: string }).code] : [],
    );
    expect(won).toHaveLength(1);
    expect(refused).toEqual(Array.from({ length: 10 }, () => 'APPROVAL_DECIDED'));
    const record = await world.approvals.getApproval(actor, approval.id);
    const isYes = record.status === 'approved';
    expect(await money()).toMatchObject({
      confirmed: isYes ? 5_000_000 : 1_000_000,
      isRefused: !isYes,
    });
    const types = await world.eventTypes(actor, fence.ref.taskId);
    expect(types.filter((type) => type === 'approval-decided')).toHaveLength(1);
    const byPerson = record.status === 'expired' ? 0 : 1;
    expect(await world.drainOutbox()).toHaveLength(byPerson);
    expect(await auditLines(approval.id)).toHaveLength(byPerson);
  });

  test('the same again answers the record as it was; the other one is refused', async () => {
    const { approval } = await ask(world, asked(fence));
    const first = await world.approvals.decideApproval(actor, approval.id, approve);
    world.clock.nowMs += 1_000;

    const again = await world.approvals.decideApproval(actor, approval.id, {
      ...approve,
      reason: 'me too',
    });

    expect(again).toEqual({ approval: first.approval, isNew: false });
    await expect(world.approvals.decideApproval(actor, approval.id, reject)).rejects.toMatchObject({
      code: 'APPROVAL_DECIDED',
    });
  });
});

describe('silence', () => {
  test('a reminder is told once, and no more after the decision', async () => {
    const { approval, ref } = await ask(world, asked(fence));

    const first = await world.questions.remind(ref, 1);
    const again = await world.questions.remind(ref, 1);
    await world.approvals.decideApproval(actor, approval.id, approve);
    const late = await world.questions.remind(ref, 2);

    expect([first.isNew, again.isNew, late.isNew]).toEqual([true, false, false]);
    expect(late.approval).toMatchObject({ status: 'approved', reminded: 1 });
    const types = await world.eventTypes(actor, fence.ref.taskId);
    expect(types.filter((type) => type === 'approval-reminded')).toHaveLength(1);
  });

  test('lets the default count at the deadline, once; then a yes is too late', async () => {
    const { approval, ref } = await ask(world, asked(fence));

    const first = await world.questions.expire(ref);
    const again = await world.questions.expire(ref);

    expect([first.decision, first.isNew, again.decision, again.isNew]).toEqual([
      ...['reject', true],
      ...['reject', false],
    ]);
    expect(first.approval.status).toBe('expired');
    expect(await money()).toMatchObject({ isRefused: true });
    expect(await world.drainOutbox()).toEqual([]);
    await expect(world.approvals.decideApproval(actor, approval.id, approve)).rejects.toMatchObject(
      { code: 'APPROVAL_DECIDED' },
    );
    const no = await world.approvals.decideApproval(actor, approval.id, reject);
    expect(no.approval.status).toBe('expired');
  });

  test('a deadline after an answer answers what was decided', async () => {
    const { approval, ref } = await ask(world, asked(fence));
    await world.approvals.decideApproval(actor, approval.id, approve);

    const { decision, isNew } = await world.questions.expire(ref);

    expect([decision, isNew]).toEqual(['approve', false]);
  });
});

describe('the end of the task', () => {
  test('takes the question back, and no answer counts any more', async () => {
    const { approval } = await ask(world, asked(fence));
    await world.store.cancelTask(actor, fence.ref.taskId, undefined);
    await world.journal.finish(fence, { outcome: 'failed' });
    await world.drainOutbox();

    const record = await world.approvals.getApproval(actor, approval.id);
    expect(record.status).toBe('withdrawn');
    for (const wish of [approve, reject]) {
      await expect(world.approvals.decideApproval(actor, approval.id, wish)).rejects.toMatchObject({
        code: 'APPROVAL_DECIDED',
      });
    }
    expect(await world.drainOutbox()).toEqual([]);
  });

  test('of a batch takes the questions of its items back', async () => {
    const batch = await world.store.createBatch(actor, aBatch(someItems(2)), undefined);
    const page = { tenantId: actor.tenantId, batchId: batch.id, pageKey: 'first', limit: 2 };
    const { items } = await world.batches.takeItems(page);
    for (const item of items) await ask(world, asked(await world.start(actor, item)));

    await world.batches.endBatch({ ...page, because: 'finished' });

    const { items: approvals } = await world.approvals.listApprovals(actor, {
      batchId: batch.id,
      limit: 10,
    });
    expect(approvals.map(({ status }) => status)).toEqual(['withdrawn', 'withdrawn']);
  });

  test('a new attempt asks anew, and its time begins at 0', async () => {
    const { approval } = await ask(world, asked(fence));
    world.clock.nowMs += 5_000;
    await world.approvals.decideApproval(actor, approval.id, reject);
    await world.journal.finish(fence, { outcome: 'failed' });
    await world.store.retryTask(actor, fence.ref.taskId);
    const second = await world.start(actor, { taskId: fence.ref.taskId, attempt: 2 });

    const anew = await ask(world, asked(second));

    expect(anew.isNew).toBe(true);
    expect(anew.approval.attempt).toBe(2);
    expect(await money(second)).toEqual({ confirmed: 1_000_000, isRefused: false, waitedMs: 0 });
  });
});

describe('the list', () => {
  test('shows the newest first, page by page, by status and by task', async () => {
    const ids: string[] = [];
    for (let n = 0; n < 3; n += 1) {
      world.clock.nowMs += 1_000;
      const { approval } = await ask(world, asked(await world.aRunningTask(actor)));
      ids.unshift(approval.id);
    }
    await world.approvals.decideApproval(actor, ids[1] ?? '', approve);
    const list = (filter: object) => world.approvals.listApprovals(actor, { limit: 10, ...filter });

    const first = await list({ limit: 2 });
    const rest = await list({ limit: 2, cursor: first.nextCursor ?? undefined });
    const pending = await list({ status: ['pending'] });
    const ofTask = await list({ taskId: first.items[0]?.taskId });

    expect([...first.items, ...rest.items].map(({ id }) => id)).toEqual(ids);
    expect(rest.nextCursor).toBeNull();
    expect(pending.items.map(({ id }) => id)).toEqual([ids[0], ids[2]]);
    expect(ofTask.items.map(({ id }) => id)).toEqual([ids[0]]);
  });

  test('another tenant sees nothing, and decides nothing', async () => {
    const { approval } = await ask(world, asked(fence));
    const stranger = await world.aTenant();
    const notFound = { code: 'APPROVAL_NOT_FOUND' };

    expect((await world.approvals.listApprovals(stranger, { limit: 10 })).items).toEqual([]);
    await expect(world.approvals.getApproval(stranger, approval.id)).rejects.toMatchObject(
      notFound,
    );
    await expect(
      world.approvals.decideApproval(stranger, approval.id, approve),
    ).rejects.toMatchObject(notFound);
    expect((await world.approvals.getApproval(actor, approval.id)).status).toBe('pending');
  });
});
