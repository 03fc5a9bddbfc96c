/** Asking people: the question, its reminders and its deadline. PostgreSQL decides which answer counts. */
import type { Approval } from '../contracts/approval.schema.ts';
import { approvalTerms } from '../contracts/approval.ts';
import type { GlueActivities } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { translated } from './failures.ts';
import { slotNames } from './task-session.ts';

/** Makes the activities of approvals. Each may run again: what was done before is not told or counted twice. */
export function createApprovalGlue(
  deps: ActivityDeps,
): Pick<GlueActivities, 'openApproval' | 'remindApproval' | 'expireApproval'> {
  const tell = ({ taskId, batchId }: Approval): void => {
    deps.live.publish({ kind: 'events', streamId: taskId });
    if (batchId !== undefined) deps.live.publish({ kind: 'events', streamId: batchId });
  };
  return {
    openApproval: translated(async (input) => {
      const terms = approvalTerms[input.question.kind];
      const { approval, opened, isNew } = await deps.approvals.open(input, terms);
      tell(approval);
      if (isNew) deps.metrics.approvalMoved(approval.kind, 'pending');
      // Others may work meanwhile. A slot that is not given back ends with its lease.
      if (opened.decision === undefined) {
        const names = slotNames({ ref: input, batchId: approval.batchId });
        await deps.slots.release(input.tenantId, input.taskId, names).catch(() => undefined);
      }
      return opened;
    }),
    remindApproval: translated(async ({ reminder, ...ref }) => {
      const { approval, decision, isNew } = await deps.approvals.remind(ref, reminder);
      if (isNew) deps.metrics.approvalMoved(approval.kind, 'reminded');
      tell(approval);
      return decision;
    }),
    expireApproval: translated(async (ref) => {
      const { approval, decision, isNew } = await deps.approvals.expire(ref);
      if (isNew) deps.metrics.approvalMoved(approval.kind, 'expired');
      tell(approval);
      return decision;
    }),
  };
}
