/** Pages of tasks, and of what one task holds. */
import { sql } from 'kysely';
import { z } from 'zod';
import { AppError } from '../../contracts/errors.ts';
import type { Message, Step } from '../../contracts/step.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { Page, TaskFilter } from '../ports.ts';
import { findBatch } from './batch-rows.ts';
import { byAge, readCursor, toPage } from './page-cursor.ts';
import { anyOf } from './task-moves.ts';
import { toStep, toTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

interface PageRequest {
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** Tasks that pass the filter: the newest first, or the items of one batch in their order. @throws BATCH_NOT_FOUND */
export async function listTasks(tx: TenantTransaction, filter: TaskFilter): Promise<Page<Task>> {
  const matching = matchingTasks(tx, filter).limit(filter.limit + 1);
  if (filter.batchId !== undefined) {
    const after = readCursor(filter.cursor, z.int()) ?? -1;
    const rows = await matching
      .where('batch_id', '=', filter.batchId)
      .where('item_index', '>', after)
      .orderBy('item_index')
      .execute();
    if (rows.length === 0 && (await findBatch(tx, filter.batchId)) === undefined) {
      throw new AppError('BATCH_NOT_FOUND', `no batch ${filter.batchId}`);
    }
    return toPage(rows, filter.limit, toTask, (row) => row.item_index);
  }
  const before = readCursor(filter.cursor, byAge);
  const page = before === undefined ? matching : matching.where(olderThan(before));
  const rows = await page.orderBy('created_at', 'desc').orderBy('id', 'desc').execute();
  return toPage(rows, filter.limit, toTask, (row) => [row.created_at.getTime(), row.id]);
}

function matchingTasks(tx: TenantTransaction, filter: TaskFilter) {
  let query = tx.db.selectFrom('tasks').selectAll().where('tenant_id', '=', tx.tenantId);
  if (filter.status !== undefined) query = query.where('status', '=', anyOf(filter.status));
  if (filter.outcome !== undefined) query = query.where('outcome', '=', anyOf(filter.outcome));
  if (filter.failureClass !== undefined)
    query = query.where('failure_class', '=', anyOf(filter.failureClass));
  if (filter.inBatch !== undefined)
    query = query.where('batch_id', filter.inBatch ? 'is not' : 'is', null);
  if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository);
  if (filter.label !== undefined) {
    const [name, ...value] = filter.label.split('=');
    query = query.where(sql<boolean>`labels ->> ${name} = ${value.join('=')}`);
  }
  return query;
}

/** The rows that come after a row in a list that shows the newest first. */
export function olderThan([createdAtMs, id]: z.infer<typeof byAge>) {
  return sql<boolean>`(created_at, id) < (${new Date(createdAtMs)}, ${id})`;
}

/** Steps of all attempts of a task, in the order of recording. */
export async function listSteps(
  tx: TenantTransaction,
  taskId: string,
  page: PageRequest,
): Promise<Page<Step>> {
  const [attempt, seq] = readCursor(page.cursor, z.tuple([z.int(), z.int()])) ?? [0, 0];
  const rows = await tx.db
    .selectFrom('steps')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('task_id', '=', taskId)
    .where(sql<boolean>`(attempt, seq) > (${attempt}::integer, ${seq}::integer)`)
    .orderBy('attempt')
    .orderBy('seq')
    .limit(page.limit + 1)
    .execute();
  return toPage(rows, page.limit, toStep, (row) => [row.attempt, row.seq]);
}

/** The transcript of one attempt, in order. */
export async function listMessages(
  tx: TenantTransaction,
  { taskId, attempt }: { taskId: string; attempt: number },
  page: PageRequest,
): Promise<Page<Message>> {
  const rows = await tx.db
    .selectFrom('messages')
    .select(['seq', 'message', 'at'])
    .where('tenant_id', '=', tx.tenantId)
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt)
    .where('seq', '>', readCursor(page.cursor, z.int()) ?? 0)
    .orderBy('seq')
    .limit(page.limit + 1)
    .execute();
  const toMessage = ({ seq, message, at }: (typeof rows)[number]): Message => ({
    seq,
    role: message.role,
    content: message.content,
    at: at.toISOString(),
  });
  return toPage(rows, page.limit, toMessage, (row) => row.seq);
}
