/** A person answers a task. */
import type { Actor } from '../../adapters/ports.ts';
import type { Approval, DecideApproval } from '../../contracts/approval.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { afterCommit } from './after-commit.ts';

/**
 * Stores the decision, then wakes the workflow and tells those who watch. The same decision again answers the record and
 * does nothing. @throws APPROVAL_NOT_FOUND · APPROVAL_DECIDED
 */
export async function decideApproval(
  deps: ApiDeps,
  request: {
    readonly actor: Actor;
    readonly approvalId: string;
    readonly wish: DecideApproval;
  },
): Promise<Approval> {
  const { actor, approvalId, wish } = request;
  const { approval, isNew } = await deps.approvals.decideApproval(actor, approvalId, wish);
  if (!isNew) return approval;
  deps.metrics.approvalMoved(approval.kind, approval.status);
  await afterCommit(deps, approval.taskId, approval.batchId);
  return approval;
}
