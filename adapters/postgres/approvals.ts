/** The approvals of a database. Each method is one transaction of the tenant. */
import type { ApprovalRef, OpenApprovalInput, TaskRef } from '../../contracts/activities.ts';
import { decisionOf } from '../../contracts/approval.ts';
import { AppError } from '../../contracts/errors.ts';
import { taskWorkflowId } from '../../contracts/names.ts';
import type { ApprovalChange, ApprovalJournal, ApprovalStore } from '../ports.ts';
import {
  askQuestion,
  countReminder,
  lockAskingTask,
  settleApproval,
  type HeldApproval,
} from './approval-moves.ts';
import { listApprovals, readApproval, toApproval, toOpened } from './approval-rows.ts';
import { enqueue } from './outbox.ts';
import { audit } from './requests.ts';
import type { ApprovalRow } from './schema.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** What activities do with approvals. */
export function createApprovalJournal(database: Database): ApprovalJournal {
  const change = (
    { tenantId, approvalId }: ApprovalRef,
    move: (tx: TenantTransaction, held: HeldApproval) => Promise<ApprovalRow | undefined>,
  ): Promise<ApprovalChange> =>
    database.inTenant(tenantId, (tx) => changeApproval(tx, approvalId, (held) => move(tx, held)));

  return {
    open: (input, terms) =>
      database.inTenant(input.tenantId, async (tx) => {
        const task = await lockAskingTask(tx, input.taskId);
        const asked = await findAsked(tx, input);
        const row = asked ?? (await askQuestion(tx, task, { input, terms }));
        return { approval: toApproval(row), opened: toOpened(row), isNew: asked === undefined };
      }),

    remind: async (ref, reminder) => {
      const changed = await change(ref, (tx, held) => countReminder(tx, held, reminder));
      return { ...changed, decision: decisionOf(changed.approval) };
    },

    expire: async (ref) => {
      const changed = await change(ref, (tx, held) =>
        settleApproval(tx, held, { decision: held.row.default_decision }),
      );
      const decision = decisionOf(changed.approval);
      if (decision === undefined) throw new Error(`approval ${ref.approvalId} is still pending`);
      return { ...changed, decision };
    },

    listAsked: (ref) =>
      database.inTenant(ref.tenantId, async (tx) => {
        const rows = await askedBy(tx, ref).orderBy('created_at').orderBy('id').execute();
        return rows.map((row) => ({
          ...toApproval(row),
          key: row.key,
          decision: toOpened(row).decision,
        }));
      }),
  };
}

/** What the API does with approvals. */
export function createApprovalStore(database: Database): ApprovalStore {
  return {
    listApprovals: (actor, filter) =>
      database.inTenant(actor.tenantId, (tx) => listApprovals(tx, filter)),

    getApproval: (actor, approvalId) =>
      database.inTenant(actor.tenantId, async (tx) =>
        toApproval(await readApproval(tx, approvalId)),
      ),

    decideApproval: (actor, approvalId, { decision, reason }) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const changed = await changeApproval(tx, approvalId, async (held) => {
          const settlement = { decision, reason, keyId: actor.keyId };
          const row = await settleApproval(tx, held, settlement);
          if (row === undefined) return undefined;
          await audit(tx, actor, {
            action: 'decide-approval',
            targetId: approvalId,
            detail: { taskId: row.task_id, decision, reason },
          });
          const workflowId = taskWorkflowId(row.task_id, row.attempt);
          const answer = { approvalId, decision };
          await enqueue(tx, [{ kind: 'decide-approval', workflowId, answer }]);
          return row;
        });
        assertSame(changed, decision);
        return changed;
      }),
  };
}

/** Moves an approval under the lock of its task; one that the move does not apply to is answered as it is. */
async function changeApproval(
  tx: TenantTransaction,
  approvalId: string,
  move: (held: HeldApproval) => Promise<ApprovalRow | undefined>,
): Promise<ApprovalChange> {
  const row = await readApproval(tx, approvalId);
  const task = await lockAskingTask(tx, row.task_id);
  const changed = await move({ row, task });
  return {
    approval: toApproval(changed ?? (await readApproval(tx, approvalId))),
    isNew: changed !== undefined,
  };
}

/** @throws APPROVAL_DECIDED */
function assertSame({ approval }: ApprovalChange, decision: string): void {
  if (approval.status !== 'withdrawn' && decisionOf(approval) === decision) return;
  const what = approval.status === 'withdrawn' ? 'its task has ended' : `it was ${approval.status}`;
  throw new AppError('APPROVAL_DECIDED', `approval ${approval.id} is decided: ${what}`);
}

function findAsked(
  tx: TenantTransaction,
  { question, ...ref }: OpenApprovalInput,
): Promise<ApprovalRow | undefined> {
  return askedBy(tx, ref).where('key', '=', question.key).executeTakeFirst();
}

/** The questions of one attempt. */
function askedBy(tx: TenantTransaction, { taskId, attempt }: TaskRef) {
  return tx.db
    .selectFrom('approvals')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('task_id', '=', taskId)
    .where('attempt', '=', attempt);
}
