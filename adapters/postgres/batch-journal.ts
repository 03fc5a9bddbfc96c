/** The journal of a batch: what its workflow's activities read and write. Each method is one transaction. */
import { sql } from 'kysely';
import type { BatchItem, TakeItemsInput } from '../../contracts/activities.ts';
import { AppError } from '../../contracts/errors.ts';
import type { NewEvent } from '../../contracts/event.schema.ts';
import type { BatchJournal } from '../ports.ts';
import { cancelItems, endRound, hasEnded, neverHandedOut } from './batch-moves.ts';
import { findBatch, lockBatch, updateBatch } from './batch-rows.ts';
import { appendBatchEvents } from './event-log.ts';
import { endCached, findResults } from './new-tasks.ts';
import type { BatchRow, TaskRow } from './schema.ts';
import { anyOf, endTasks, lockItems, openStatuses } from './task-moves.ts';
import type { HeldTask } from './task-rows.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** The batch journal of a database. */
export function createBatchJournal(database: Database): BatchJournal {
  return {
    slotState: (tenantId, batchId) =>
      database.inTenant(tenantId, async (tx) => {
        const [batch, running] = await Promise.all([
          findBatch(tx, batchId),
          runningTasks(tx, batchId),
        ]);
        return batch && { parallel: batch.parallel, running };
      }),

    runningTasks: (tenantId) => database.inTenant(tenantId, (tx) => runningTasks(tx)),

    takeItems: (input) =>
      database.inTenant(input.tenantId, async (tx) => {
        const nothing = { items: [], exhausted: true };
        const seen = await findBatch(tx, input.batchId);
        if (seen === undefined) throw noBatch(input.batchId);
        const given = await claimedItems(tx, input);
        if (given.length > 0)
          return { items: given, exhausted: !(await moreToTake(tx, input.batchId, -1)) };
        const found = await findItems(tx, input);

        const batch = await lockBatch(tx, input.batchId);
        if (batch === undefined || hasEnded(batch.status) || batch.cancel_requested_at !== null)
          return nothing;
        await tx.db
          .updateTable('tasks')
          .set({ claim: input.pageKey })
          .where('tenant_id', '=', tx.tenantId)
          .where('id', '=', anyOf(found.toRun.map((task) => task.id)))
          .execute();
        const events = [
          ...(await beginRound(tx, batch)),
          ...(await endTasks(tx, found.optedOut, { outcome: 'skipped_optout', reason: 'optout' })),
          ...(await endCached(tx, found.known, (task) => found.sources.get(task.id))),
        ];
        await appendBatchEvents(tx, batch.id, events);
        return { items: found.toRun.map(toItem), exhausted: !found.more };
      }),

    endedOf: (tenantId, taskIds) =>
      database.inTenant(tenantId, async (tx) => {
        const rows = await tx.db
          .selectFrom('tasks')
          .select(['id', 'status'])
          .where('tenant_id', '=', tx.tenantId)
          .where('id', '=', anyOf(taskIds))
          .where('outcome', 'is not', null)
          .execute();
        return rows.map((row) => ({ taskId: row.id, failed: row.status === 'failed' }));
      }),

    cancelItems: (tenantId, batchId) =>
      database.inTenant(tenantId, async (tx) => {
        const open = await openItems(tx, batchId);
        const batch = await lockBatch(tx, batchId);
        if (batch === undefined) throw noBatch(batchId);
        if (hasEnded(batch.status)) return [];
        return cancelItems(tx, { batch, open }, undefined);
      }),

    endBatch: ({ tenantId, batchId, because }) =>
      database.inTenant(tenantId, async (tx) => {
        const open = await openItems(tx, batchId);
        const batch = await lockBatch(tx, batchId);
        if (batch === undefined) throw noBatch(batchId);
        // Ended already, or a retry has opened a round that has not begun: this call is a late repetition.
        if (
          hasEnded(batch.status) ||
          (batch.status === 'queued' && batch.cancel_requested_at === null)
        )
          return;
        // A retry has queued items again; the workflow is told of them by a message of its own.
        if (
          because === 'finished' &&
          batch.cancel_requested_at === null &&
          open.some(neverHandedOut)
        )
          return;
        if ((await countOpen(tx, batchId)) > open.length) return;
        await endRound(tx, { batch, open }, because);
      }),
  };
}

async function runningTasks(tx: TenantTransaction, batchId?: string): Promise<string[]> {
  const all = tx.db
    .selectFrom('tasks')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('status', '=', sql.lit('running'));
  const rows = await (batchId === undefined ? all : all.where('batch_id', '=', batchId)).execute();
  return rows.map((row) => row.id);
}

function openItems(tx: TenantTransaction, batchId: string): Promise<HeldTask[]> {
  return lockItems(tx, batchId).where('status', '=', anyOf(openStatuses)).execute();
}

/** Counts after the batch's lock was taken: a retry that was faster has committed by then. */
async function countOpen(tx: TenantTransaction, batchId: string): Promise<number> {
  const { open } = await tx.db
    .selectFrom('tasks')
    .select((eb) => eb.fn.countAll<number>().as('open'))
    .where('tenant_id', '=', tx.tenantId)
    .where('batch_id', '=', batchId)
    .where('status', '=', anyOf(openStatuses))
    .executeTakeFirstOrThrow();
  return open;
}

/** What an earlier call with the same page key took. */
async function claimedItems(
  tx: TenantTransaction,
  { batchId, pageKey }: TakeItemsInput,
): Promise<BatchItem[]> {
  const rows = await tx.db
    .selectFrom('tasks')
    .select(['id', 'attempt', 'repository'])
    .where('tenant_id', '=', tx.tenantId)
    .where('batch_id', '=', batchId)
    .where('claim', '=', pageKey)
    .where('outcome', 'is', null)
    .orderBy('item_index')
    .execute();
  return rows.map(toItem);
}

function toItem(row: Pick<TaskRow, 'id' | 'attempt' | 'repository'>): BatchItem {
  return { taskId: row.id, attempt: row.attempt, repository: row.repository };
}

/** Items looked through at once when many of them need no work. */
const itemsAtOnce = 500;

/** Locks the next items, in order, until `limit` are found that need work or none is left; writes nothing. */
async function findItems(tx: TenantTransaction, { batchId, limit }: TakeItemsInput) {
  const toRun: HeldTask[] = [];
  const optedOut: HeldTask[] = [];
  const known: HeldTask[] = [];
  const sources = new Map<string, string>();
  let lastIndex = -1;
  let more = true;
  while (more && toRun.length < limit) {
    const items = await lockItems(tx, batchId)
      .select(['content_key', 'reuse', 'skip'])
      .where('status', '=', sql.lit('queued'))
      .where('claim', 'is', null)
      .where('item_index', '>', lastIndex)
      .limit(lastIndex === -1 ? limit : itemsAtOnce)
      .execute();
    const results = await findResults(
      tx,
      items.filter((item) => item.reuse).map((item) => item.content_key),
    );
    for (const item of items) {
      const source = item.reuse ? results.get(item.content_key) : undefined;
      if (item.skip === 'optout') optedOut.push(item);
      else if (source !== undefined) {
        known.push(item);
        sources.set(item.id, source);
      } else if (toRun.length < limit) toRun.push(item);
      else return { toRun, optedOut, known, sources, more: true };
    }
    lastIndex = items.at(-1)?.item_index ?? lastIndex;
    // Asked anew, as rows that changed while their lock was waited for are missing in a page that is not the last.
    more = await moreToTake(tx, batchId, lastIndex);
  }
  return { toRun, optedOut, known, sources, more };
}

async function moreToTake(
  tx: TenantTransaction,
  batchId: string,
  afterIndex: number,
): Promise<boolean> {
  const next = await tx.db
    .selectFrom('tasks')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('batch_id', '=', batchId)
    .where('status', '=', sql.lit('queued'))
    .where('claim', 'is', null)
    .where('item_index', '>', afterIndex)
    .limit(1)
    .executeTakeFirst();
  return next !== undefined;
}

/** Marks a batch running with the first page of a round. */
async function beginRound(tx: TenantTransaction, batch: BatchRow): Promise<NewEvent[]> {
  if (batch.status !== 'queued') return [];
  await updateBatch(tx, batch.id, { status: 'running', started_at: tx.at });
  return [
    {
      type: 'batch-started',
      data: { total: batch.total, parallel: batch.parallel, round: batch.round },
    },
  ];
}

function noBatch(batchId: string): AppError {
  return new AppError('BATCH_NOT_FOUND', `no batch ${batchId}`);
}
