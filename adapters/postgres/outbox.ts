/** Messages to Temporal: written with the state they belong to, handed over at least once. */
import { sql } from 'kysely';
import type { AgentBatchInput, BatchChange, OutboxMessage } from '../../contracts/messages.ts';
import { taskWorkflowId } from '../../contracts/names.ts';
import { toTraceparent } from '../../contracts/trace.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { Outbox } from '../ports.ts';
import { findScope } from '../telemetry/scope.ts';
import type { BatchRow } from './schema.ts';
import type { Database, TenantTransaction, Transaction } from './tenant-transaction.ts';

const firstDelayMs = 200;
const longestDelayMs = 5_000;

/** Puts messages into the outbox; they are due at once when the transaction commits. */
export async function enqueue(
  tx: TenantTransaction,
  messages: readonly OutboxMessage[],
): Promise<void> {
  const span = findScope()?.span;
  const origin = span === undefined ? {} : { traceparent: toTraceparent(span) };
  const rows = messages.map((message) => ({
    tenant_id: tx.tenantId,
    workflow_id: workflowIdOf(message),
    message: JSON.stringify({ ...message, ...origin }),
    due_at: tx.at,
  }));
  await tx.db.insertInto('outbox').values(rows).execute();
}

/** What a start says of a task. */
type StartedTask = Pick<
  Task,
  'id' | 'attempt' | 'agent' | 'repository' | 'model' | 'timeoutMs' | 'maxCostMicroUsd' | 'priority'
>;

/** The message that starts the current attempt of a single task. */
export function startTask(tenantId: string, task: StartedTask): OutboxMessage {
  const {
    id: taskId,
    attempt,
    agent,
    repository,
    model,
    timeoutMs,
    maxCostMicroUsd,
    priority,
  } = task;
  return {
    kind: 'start-task',
    workflowId: taskWorkflowId(taskId, attempt),
    input: { tenantId, taskId, attempt, agent, repository, model, timeoutMs, maxCostMicroUsd },
    priority,
  };
}

/** The message that tells a batch's workflow of a change, or starts it. */
export function wakeBatch(tenantId: string, row: BatchRow, change: BatchChange): OutboxMessage {
  const input: AgentBatchInput = {
    tenantId,
    batchId: row.id,
    name: row.name,
    agent: row.agent,
    model: row.model ?? undefined,
    parallel: row.parallel,
    total: row.total,
    failureBudget:
      row.failure_budget === null ? undefined : failuresAllowed(row.failure_budget, row.total),
    timeoutMs: row.timeout_ms,
    maxCostMicroUsd: row.max_cost_micro_usd ?? undefined,
    priority: row.priority,
  };
  return { kind: 'wake-batch', input, change };
}

/** A failure budget as a count: a share below 1 is one of all items, rounded up. */
export function failuresAllowed(failureBudget: number, total: number): number {
  return failureBudget < 1 ? Math.ceil(failureBudget * total) : failureBudget;
}

/** The outbox of a database. */
export function createOutbox(database: Database): Outbox {
  return {
    relay: (limit, deliver) =>
      database.asSystem(async ({ db, at }) => {
        const due = await lockDue(db, at, limit);
        if (due.length === 0) return 0;
        const results = await Promise.allSettled(due.map((row) => deliver(row.message)));
        const delivered = due.filter((_, index) => results[index]?.status === 'fulfilled');
        await db
          .deleteFrom('outbox')
          .where('id', '=', sql<number>`any(${delivered.map((row) => row.id)})`)
          .execute();
        for (const [index, { id, attempts }] of due.entries()) {
          const result = results[index];
          if (result?.status !== 'rejected') continue;
          const delayMs = Math.min(firstDelayMs * 2 ** attempts, longestDelayMs);
          await db
            .updateTable('outbox')
            .set({
              attempts: attempts + 1,
              error: String(result.reason),
              due_at: new Date(at.getTime() + delayMs),
            })
            .where('id', '=', id)
            .execute();
        }
        return delivered.length;
      }),
  };
}

/**
 * Locks due messages: of each workflow the oldest only, even if another relay has it or it has to wait, so that none
 * overtakes another. Those that come after it are found by the next call.
 */
function lockDue(db: Transaction['db'], at: Date, limit: number) {
  return db
    .selectFrom('outbox')
    .select(['id', 'message', 'attempts'])
    .where('due_at', '<=', at)
    .where((eb) =>
      eb.not(
        eb.exists(
          eb
            .selectFrom('outbox as earlier')
            .select('earlier.id')
            .whereRef('earlier.workflow_id', '=', 'outbox.workflow_id')
            .whereRef('earlier.id', '<', 'outbox.id'),
        ),
      ),
    )
    .orderBy('due_at')
    .orderBy('id')
    .limit(limit)
    .forUpdate()
    .skipLocked()
    .execute();
}

function workflowIdOf(message: OutboxMessage): string {
  return message.kind === 'wake-batch' ? message.input.batchId : message.workflowId;
}
