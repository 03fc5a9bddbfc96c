/** Rows of approvals: read, and in the words of the contracts. */
import { decisionOf, type OpenedApproval } from '../../contracts/approval.ts';
import type { Approval } from '../../contracts/approval.schema.ts';
import { AppError } from '../../contracts/errors.ts';
import type { ApprovalFilter, Page } from '../ports.ts';
import { byAge, readCursor, toPage } from './page-cursor.ts';
import type { ApprovalRow } from './schema.ts';
import { olderThan } from './task-lists.ts';
import { anyOf } from './task-moves.ts';
import { toInstant } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** Reads an approval. @throws APPROVAL_NOT_FOUND */
export async function readApproval(
  tx: TenantTransaction,
  approvalId: string,
): Promise<ApprovalRow> {
  const row = await tx.db
    .selectFrom('approvals')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', approvalId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('APPROVAL_NOT_FOUND', `no approval ${approvalId}`);
  return row;
}

/** Approvals that pass the filter, the newest first. */
export async function listApprovals(
  tx: TenantTransaction,
  filter: ApprovalFilter,
): Promise<Page<Approval>> {
  const { status, kind, taskId, batchId, limit } = filter;
  const before = readCursor(filter.cursor, byAge);
  let query = tx.db.selectFrom('approvals').selectAll().where('tenant_id', '=', tx.tenantId);
  if (status !== undefined) query = query.where('status', '=', anyOf(status));
  if (kind !== undefined) query = query.where('kind', '=', anyOf(kind));
  if (taskId !== undefined) query = query.where('task_id', '=', taskId);
  if (batchId !== undefined) query = query.where('batch_id', '=', batchId);
  if (before !== undefined) query = query.where(olderThan(before));
  const rows = await query
    .orderBy('created_at', 'desc')
    .orderBy('id', 'desc')
    .limit(limit + 1)
    .execute();
  return toPage(rows, limit, toApproval, (row) => [row.created_at.getTime(), row.id]);
}

/** An approval as the API shows it. */
export function toApproval(row: ApprovalRow): Approval {
  return {
    id: row.id,
    taskId: row.task_id,
    batchId: row.batch_id ?? undefined,
    attempt: row.attempt,
    kind: row.kind,
    title: row.title,
    facts: row.facts,
    status: row.status,
    defaultDecision: row.default_decision,
    deadlineAt: row.deadline_at.toISOString(),
    remindersAt: row.reminders.map((at) => at.toISOString()),
    reminded: row.reminded,
    createdAt: row.created_at.toISOString(),
    decidedAt: toInstant(row.decided_at),
    decidedBy: row.decided_by ?? undefined,
    reason: row.reason ?? undefined,
    // Kind and facts are columns of their own, written together.
  } as Approval;
}

/** An approval as its workflow waits for it. */
export function toOpened(row: ApprovalRow): OpenedApproval {
  return {
    approvalId: row.id,
    deadlineMs: row.deadline_at.getTime(),
    remindersMs: row.reminders.map((at) => at.getTime()),
    decision: decisionOf({ status: row.status, defaultDecision: row.default_decision }),
  };
}
