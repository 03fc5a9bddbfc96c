/**
 * A question to a person, in the form that all kinds share. A kind says what is asked, what silence means, and how long
 * that takes. No zod here, so that workflows may use the values.
 */

/** What is asked. `cost`: may this task spend more than was confirmed? */
export const approvalKinds = ['cost'] as const;
/** One kind. */
export type ApprovalKind = (typeof approvalKinds)[number];

/** Where a question is. `expired`: nobody answered in time, and the default counts; `withdrawn`: its task has ended. */
export const approvalStatuses = [
  'pending',
  'approved',
  'rejected',
  'expired',
  'withdrawn',
] as const;
/** One status. */
export type ApprovalStatus = (typeof approvalStatuses)[number];

/** What a person may say. */
export const approvalDecisions = ['approve', 'reject'] as const;
/** One decision. */
export type ApprovalDecision = (typeof approvalDecisions)[number];

/** What silence means, how long it may last, and when people are reminded; times count from the question. */
export interface ApprovalTerms {
  readonly defaultDecision: ApprovalDecision;
  readonly deadlineMs: number;
  readonly remindersMs: readonly number[];
}

const minuteMs = 60_000;

/** The terms of each kind. */
export const approvalTerms: Readonly<Record<ApprovalKind, ApprovalTerms>> = {
  cost: {
    defaultDecision: 'reject',
    deadlineMs: 60 * minuteMs,
    remindersMs: [15 * minuteMs, 30 * minuteMs],
  },
};

/** The question "may this task spend more?", with what a person needs to decide. All amounts are micro-US-dollars. */
export interface CostQuestion {
  readonly kind: 'cost';
  /** One sentence. */
  readonly title: string;
  /** Names the question within the attempt of the task: it is asked once. */
  readonly key: string;
  readonly facts: {
    /** `<account>:<model>` that would be paid. */
    readonly route: string;
    readonly spentMicroUsd: number;
    /** Spending that was confirmed so far. */
    readonly confirmedMicroUsd: number;
    /** What the next call may cost at most. */
    readonly nextCallMicroUsd: number;
    /** What a yes allows: the limit of the task. */
    readonly limitMicroUsd: number;
    /** When an account that costs nothing can be used again (ISO 8601), where there is one. */
    readonly freeAgainAt?: string;
  };
}

/** A question of any kind. */
export type ApprovalQuestion = CostQuestion;

/** A question as its workflow knows it, from the moment that it is on record. */
export interface OpenedApproval {
  readonly approvalId: string;
  /** When the default decision counts, in milliseconds since 1970. */
  readonly deadlineMs: number;
  /** When people are reminded, in milliseconds since 1970, the earliest first. */
  readonly remindersMs: readonly number[];
  /** Set when the question was answered before: it is asked once. */
  readonly decision?: ApprovalDecision;
}

/** The answer to a question; it names the question that it is for. */
export interface ApprovalAnswer {
  readonly approvalId: string;
  readonly decision: ApprovalDecision;
}

/** What an approval that has ended comes to; undefined while it is pending. A withdrawn one allows nothing. */
export function decisionOf(approval: {
  readonly status: ApprovalStatus;
  readonly defaultDecision: ApprovalDecision;
}): ApprovalDecision | undefined {
  switch (approval.status) {
    case 'pending':
      return undefined;
    case 'approved':
      return 'approve';
    case 'rejected':
    case 'withdrawn':
      return 'reject';
    case 'expired':
      return approval.defaultDecision;
  }
}
