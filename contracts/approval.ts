/**
 * A question to a person, in the form that all kinds share. A kind says what is asked, what silence means, and how long
 * that takes. No zod here, so that workflows may use the values.
 */
import type { DiffStat } from './task.schema.ts';

/**
 * What is asked. `cost`: may this task spend more than was confirmed? `quality_gate`: may an agent that does not pass its
 * checks try on? `edits_review`: may the work be delivered? `conflict`: shall work that conflicts be merged anew?
 */
export const approvalKinds = ['cost', 'quality_gate', 'edits_review', 'conflict'] as const;
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

/**
 * How a file in conflict is: a wrong merge of a `critical` one costs more than the work. A conflict that is white space only,
 * in a file to which that says nothing, is trivial: it is merged, and shows nowhere as one.
 */
export const conflictClasses = ['simple', 'critical'] as const;
/** One class. */
export type ConflictClass = (typeof conflictClasses)[number];

/** What silence means, how long it may last, and when people are reminded; times count from the question. */
export interface ApprovalTerms {
  readonly defaultDecision: ApprovalDecision;
  readonly deadlineMs: number;
  readonly remindersMs: readonly number[];
}

const minuteMs = 60_000;
const hourMs = 60 * minuteMs;

/** Looking at work takes a person of the team, and these sleep. */
const terms24h: ApprovalTerms = {
  defaultDecision: 'reject',
  deadlineMs: 24 * hourMs,
  remindersMs: [hourMs, 6 * hourMs, 12 * hourMs],
};

/** The terms of each kind. */
export const approvalTerms: Readonly<Record<ApprovalKind, ApprovalTerms>> = {
  cost: {
    defaultDecision: 'reject',
    deadlineMs: hourMs,
    remindersMs: [15 * minuteMs, 30 * minuteMs],
  },
  quality_gate: terms24h,
  edits_review: terms24h,
  conflict: terms24h,
};

/** A question of one kind, with what a person needs to decide. */
interface QuestionOf<Kind extends ApprovalKind, Facts> {
  readonly kind: Kind;
  /** One sentence. */
  readonly title: string;
  /** Names the question within the attempt of the task: it is asked once. */
  readonly key: string;
  readonly facts: Facts;
}

/** May this task spend more? All amounts are micro-US-dollars. */
export type CostQuestion = QuestionOf<
  'cost',
  {
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
    readonly freeAgainAt?: string | undefined;
  }
>;

/** May an agent that is stuck, or out of rounds, have a fresh set of rounds? */
export type QualityGateQuestion = QuestionOf<
  'quality_gate',
  {
    /** The gate that fails. */
    readonly gate: string;
    /** What it says. */
    readonly message: string;
    /** Times that the work was sent back since the beginning, or since a person let it go on. */
    readonly rounds: number;
    /** How many findings the gate has; absent where none could be read. */
    readonly findings?: number | undefined;
  }
>;

/** May the work be delivered? Its gates have passed. */
export type EditsReviewQuestion = QuestionOf<
  'edits_review',
  {
    readonly commit: string;
    readonly diffStat: DiffStat;
    /** The agent's last words. */
    readonly summary: string;
    /** One line each. */
    readonly passedGates: readonly string[];
  }
>;

/** Shall work that does not merge be merged anew, somebody having moved things? */
export type ConflictQuestion = QuestionOf<
  'conflict',
  {
    /** Branch that the work was to go into; absent where the default one was not found. */
    readonly target?: string | undefined;
    /** Branch that has the work. */
    readonly branch: string;
    /** Why it was not merged. */
    readonly message: string;
    /** The first files in conflict; none where something else is in the way. */
    readonly files: readonly { readonly path: string; readonly class: ConflictClass }[];
  }
>;

/** A question of any kind. */
export type ApprovalQuestion =
  CostQuestion | QualityGateQuestion | EditsReviewQuestion | ConflictQuestion;

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
