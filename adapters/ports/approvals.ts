/** Questions of tasks to people, in PostgreSQL: asked by activities, decided through the API. */
import type { ApprovalRef, OpenApprovalInput, TaskRef } from '../../contracts/activities.ts';
import type {
  ApprovalDecision,
  ApprovalKind,
  ApprovalStatus,
  ApprovalTerms,
  OpenedApproval,
} from '../../contracts/approval.ts';
import type { Approval, DecideApproval } from '../../contracts/approval.schema.ts';
import type { Actor, Page } from './store.ts';

/** What a change of an approval answers: how it is afterwards, and whether this call made it so. */
export interface ApprovalChange {
  readonly approval: Approval;
  /** False when it was so before: nothing was written, nothing is told. */
  readonly isNew: boolean;
}

/** A question that an attempt has asked. */
export type AskedQuestion = Approval & {
  /** Names it within the attempt. */
  readonly key: string;
  /** What it has come to; undefined while it is pending. */
  readonly decision: ApprovalDecision | undefined;
};

/** What activities do with the questions of their task. Any method throws STORE_UNAVAILABLE. */
export interface ApprovalJournal {
  /**
   * Puts a question on record: `running` → `awaiting_approval`, `approval-requested`. A question that was asked before
   * in this attempt, by its key, answers what is on record.
   * @throws SUPERSEDED when the attempt is over · TASK_CANCELLED when a cancel came first · TASK_NOT_FOUND
   */
  open(
    input: OpenApprovalInput,
    terms: ApprovalTerms,
  ): Promise<ApprovalChange & { readonly opened: OpenedApproval }>;
  /**
   * Counts the `reminder`-th reminder of a pending approval, with `approval-reminded`; answers the decision if there is
   * one by now. @throws APPROVAL_NOT_FOUND
   */
  remind(
    ref: ApprovalRef,
    reminder: number,
  ): Promise<ApprovalChange & { readonly decision: ApprovalDecision | undefined }>;
  /** Lets the default decision of a pending approval count, with its effect. @throws APPROVAL_NOT_FOUND */
  expire(ref: ApprovalRef): Promise<ApprovalChange & { readonly decision: ApprovalDecision }>;
  /** What an attempt has asked, oldest first. */
  listAsked(ref: TaskRef): Promise<readonly AskedQuestion[]>;
}

/** Filters of the list of approvals, newest first. */
export interface ApprovalFilter {
  readonly status?: readonly ApprovalStatus[] | undefined;
  readonly kind?: readonly ApprovalKind[] | undefined;
  readonly taskId?: string | undefined;
  readonly batchId?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What the API does with approvals. Foreign and unknown ids answer APPROVAL_NOT_FOUND alike. */
export interface ApprovalStore {
  listApprovals(actor: Actor, filter: ApprovalFilter): Promise<Page<Approval>>;
  getApproval(actor: Actor, approvalId: string): Promise<Approval>;
  /**
   * Decides, once: the effect of the decision, `awaiting_approval` → `running`, `approval-decided`, a line in the audit
   * log and the message that wakes the workflow, in one transaction. The same decision again answers the record as it
   * is. @throws APPROVAL_DECIDED when it was decided otherwise, or withdrawn
   */
  decideApproval(actor: Actor, approvalId: string, wish: DecideApproval): Promise<ApprovalChange>;
}
