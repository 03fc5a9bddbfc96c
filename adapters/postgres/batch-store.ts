/** The batches of the API's store. */
import { AppError } from '../../contracts/errors.ts';
import type { Batch, RetryBatch } from '../../contracts/batch.schema.ts';
import { retriedByDefault } from '../../contracts/task-status.ts';
import type { NewBatch, TaskStore } from '../ports.ts';
import { announceRetry, cancelItems, endRound, hasEnded } from './batch-moves.ts';
import { findBatch, lockBatch, toBatches, updateBatch } from './batch-rows.ts';
import { appendBatchEvents } from './event-log.ts';
import { insertTasks } from './new-tasks.ts';
import { enqueue, failuresAllowed, wakeBatch } from './outbox.ts';
import { byAge, readCursor, toPage } from './page-cursor.ts';
import { audit, takeKey } from './requests.ts';
import type { BatchRow } from './schema.ts';
import { olderThan } from './task-lists.ts';
import { anyOf, lockItems, openStatuses, requeueTasks } from './task-moves.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

type BatchMethods =
  'createBatch' | 'getBatch' | 'listBatches' | 'changeBatch' | 'cancelBatch' | 'retryBatch';

/** The methods of the store that are about batches. */
export function createBatchStore(database: Database): Pick<TaskStore, BatchMethods> {
  const toBatch = async (tx: TenantTransaction, row: BatchRow): Promise<Batch> => {
    const [batch] = await toBatches(tx, [row]);
    if (batch === undefined) throw new Error(`batch ${row.id} was not counted`);
    return batch;
  };

  return {
    createBatch: (actor, batch, claim) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const earlier = await takeKey(tx, claim, batch.id);
        if (earlier !== undefined) return toBatch(tx, await getRow(tx, earlier));
        const row = await insertBatch(tx, batch);
        await insertTasks(tx, batch.items, batch.id);
        await appendBatchEvents(tx, row.id, [{ type: 'batch-queued', data: { total: row.total } }]);
        await enqueue(tx, [wakeBatch(tx.tenantId, row, {})]);
        await audit(tx, actor, {
          action: 'create-batch',
          targetId: row.id,
          detail: { items: row.total },
        });
        return toBatch(tx, row);
      }),

    getBatch: (actor, batchId) =>
      database.inTenant(actor.tenantId, async (tx) => toBatch(tx, await getRow(tx, batchId))),

    listBatches: (actor, { limit, cursor }) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const before = readCursor(cursor, byAge);
        const all = tx.db.selectFrom('batches').selectAll().where('tenant_id', '=', tx.tenantId);
        const rows = await (before === undefined ? all : all.where(olderThan(before)))
          .orderBy('created_at', 'desc')
          .orderBy('id', 'desc')
          .limit(limit + 1)
          .execute();
        const page = toPage(
          rows,
          limit,
          (row) => row,
          (row) => [row.created_at.getTime(), row.id],
        );
        return { ...page, items: await toBatches(tx, page.items) };
      }),

    changeBatch: (actor, batchId, change) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const batch = await lockBatch(tx, batchId);
        if (batch === undefined) throw noBatch(batchId);
        if (hasEnded(batch.status)) throw alreadyEnded(batch);
        const row = await updateBatch(tx, batchId, {
          parallel: change.parallel ?? batch.parallel,
          failure_budget: change.failureBudget ?? batch.failure_budget,
        });
        await appendBatchEvents(tx, batchId, [{ type: 'batch-changed', data: change }]);
        const failureBudget =
          change.failureBudget && failuresAllowed(change.failureBudget, row.total);
        await enqueue(tx, [
          wakeBatch(tx.tenantId, row, { parallel: change.parallel, failureBudget }),
        ]);
        await audit(tx, actor, { action: 'change-batch', targetId: batchId, detail: change });
        return toBatch(tx, row);
      }),

    cancelBatch: (actor, batchId, reason) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const open = await lockItems(tx, batchId)
          .where('status', '=', anyOf(openStatuses))
          .execute();
        const batch = await lockBatch(tx, batchId);
        if (batch === undefined) throw noBatch(batchId);
        if (hasEnded(batch.status) && batch.status !== 'cancelled') throw alreadyEnded(batch);
        if (hasEnded(batch.status) || batch.cancel_requested_at !== null) return toBatch(tx, batch);
        const handedOut = await cancelItems(tx, { batch, open }, reason);
        await enqueue(tx, [{ kind: 'cancel-workflow', workflowId: batchId }]);
        await audit(tx, actor, { action: 'cancel-batch', targetId: batchId, detail: { reason } });
        // Its workflow has nothing to wait for, and Temporal need not answer for a batch that never began.
        if (batch.status === 'queued' && handedOut.length === 0) {
          await endRound(tx, { batch: await getRow(tx, batchId), open: [] }, 'cancelled');
        }
        return toBatch(tx, await getRow(tx, batchId));
      }),

    retryBatch: (actor, batchId, retry) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const items = await itemsToRetry(tx, batchId, retry).execute();
        const batch = await lockBatch(tx, batchId);
        if (batch === undefined) throw noBatch(batchId);
        if (items.length === 0)
          throw new AppError('NOTHING_TO_RETRY', `no item of batch ${batchId} fits`);
        await requeueTasks(tx, items);
        const row = await announceRetry(tx, batch, items.length);
        await audit(tx, actor, {
          action: 'retry-batch',
          targetId: batchId,
          detail: { ...retry, items: items.length },
        });
        return { batch: await toBatch(tx, row), retried: items.length };
      }),
  };
}

function insertBatch(tx: TenantTransaction, batch: NewBatch): Promise<BatchRow> {
  return tx.db
    .insertInto('batches')
    .values({
      tenant_id: tx.tenantId,
      id: batch.id,
      name: batch.name,
      prompt: batch.prompt,
      agent: batch.agent,
      model: batch.model ?? null,
      parallel: batch.parallel,
      failure_budget: batch.failureBudget ?? null,
      timeout_ms: batch.timeoutMs,
      max_cost_micro_usd: batch.maxCostMicroUsd ?? null,
      priority: batch.priority,
      total: batch.items.length,
      created_at: tx.at,
    })
    .returningAll()
    .executeTakeFirstOrThrow();
}

/** Locks the ended items that a retry takes up. A failure without a class is one without a result. */
function itemsToRetry(tx: TenantTransaction, batchId: string, { only, cancelled }: RetryBatch) {
  return lockItems(tx, batchId).where((eb) => {
    const failed = eb.and([
      eb('outcome', '=', 'failed'),
      eb.or([
        eb('failure_class', '=', anyOf(only ?? retriedByDefault)),
        ...(only === undefined ? [eb('failure_class', 'is', null)] : []),
      ]),
    ]);
    return cancelled ? eb.or([failed, eb('outcome', '=', 'cancelled')]) : failed;
  });
}

async function getRow(tx: TenantTransaction, batchId: string): Promise<BatchRow> {
  const row = await findBatch(tx, batchId);
  if (row === undefined) throw noBatch(batchId);
  return row;
}

function noBatch(batchId: string): AppError {
  return new AppError('BATCH_NOT_FOUND', `no batch ${batchId}`);
}

function alreadyEnded(batch: BatchRow): AppError {
  return new AppError('BATCH_ALREADY_ENDED', `batch ${batch.id} has ended: ${batch.status}`);
}
