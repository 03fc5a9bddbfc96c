/** Approvals as the API shows them, and what a person sends to decide one. */
import { z } from 'zod';
import {
  approvalDecisions,
  approvalStatuses,
  conflictClasses,
  type ApprovalQuestion,
} from './approval.ts';
import type { Route } from './http.schema.ts';
import { approvalIdPattern } from './names.ts';
import { listApprovalsQuery, listOf } from './queries.schema.ts';
import {
  batchIdSchema,
  commitIdSchema,
  diffStatSchema,
  instantSchema,
  microUsdSchema,
  taskIdSchema,
} from './task.schema.ts';

export const approvalIdSchema = z
  .string()
  .regex(approvalIdPattern, 'not an approval id (approval-<uuid>)');

/** What a person needs to decide, by what is asked. */
const facts = {
  /** May this task spend more? Amounts are micro-US-dollars. */
  cost: z.object({
    /** `<account>:<model>` that would be paid. */
    route: z.string(),
    spentMicroUsd: microUsdSchema,
    /** Spending that was confirmed so far. */
    confirmedMicroUsd: microUsdSchema,
    /** What the next call may cost at most. */
    nextCallMicroUsd: microUsdSchema,
    /** What a yes allows: the limit of the task. */
    limitMicroUsd: microUsdSchema,
    /** When an account that costs nothing can be used again, where there is one. */
    freeAgainAt: instantSchema.optional(),
  }),
  /** May an agent that does not pass its checks have a fresh set of rounds? */
  qualityGate: z.object({
    gate: z.string(),
    message: z.string(),
    /** Times that the work was sent back since the beginning, or since a person let it go on. */
    rounds: z.int().positive(),
    /** How many findings the gate has; absent where none could be read. */
    findings: z.int().nonnegative().optional(),
  }),
  /** May the work be delivered? */
  editsReview: z.object({
    commit: commitIdSchema,
    diffStat: diffStatSchema,
    /** The agent's last words. */
    summary: z.string(),
    /** One line each. */
    passedGates: z.array(z.string()),
  }),
  /** Shall the work be merged anew? */
  conflict: z.object({
    target: z.string().optional(),
    /** Branch that has the work. */
    branch: z.string(),
    /** Why it was not merged. */
    message: z.string(),
    /** The first files in conflict; none where something else is in the way. */
    files: z.array(z.object({ path: z.string(), class: z.enum(conflictClasses) })),
  }),
};

/** What the questions of all kinds share. */
const approvalFields = {
  id: approvalIdSchema,
  taskId: taskIdSchema,
  batchId: batchIdSchema.optional(),
  attempt: z.int().positive(),
  /** One sentence. */
  title: z.string(),
  status: z.enum(approvalStatuses),
  /** What counts when nobody answers until `deadlineAt`. */
  defaultDecision: z.enum(approvalDecisions),
  deadlineAt: instantSchema,
  /** When people are reminded; the first `reminded` of these have passed. */
  remindersAt: z.array(instantSchema),
  reminded: z.int().nonnegative(),
  createdAt: instantSchema,
  /** When it stopped to be pending, however it did. */
  decidedAt: instantSchema.optional(),
  /** Id of the key that decided; absent when nobody did. */
  decidedBy: z.string().optional(),
  reason: z.string().optional(),
};

/** A question to a person, with what became of it. */
export const approvalSchema = z.discriminatedUnion('kind', [
  z.object({ ...approvalFields, kind: z.literal('cost'), facts: facts.cost }),
  z.object({ ...approvalFields, kind: z.literal('quality_gate'), facts: facts.qualityGate }),
  z.object({ ...approvalFields, kind: z.literal('edits_review'), facts: facts.editsReview }),
  z.object({ ...approvalFields, kind: z.literal('conflict'), facts: facts.conflict }),
]) satisfies z.ZodType<Pick<ApprovalQuestion, 'kind' | 'facts'>>;
export type Approval = z.infer<typeof approvalSchema>;

/** What a person sends. */
export const decideApprovalSchema = z.strictObject({
  decision: z.enum(approvalDecisions),
  /** Why, for the record. An agent that may go on is told it as advice. */
  reason: z.string().max(2_000).optional(),
});
export type DecideApproval = z.infer<typeof decideApprovalSchema>;

const approvalParams = z.object({ approvalId: approvalIdSchema });

/** The routes of approvals; part of `routes`. */
export const approvalRoutes = {
  listApprovals: {
    method: 'get',
    path: '/v1/approvals',
    summary: 'List the questions of tasks to people, newest first.',
    scope: 'tasks:read',
    query: listApprovalsQuery,
    answer: 'json',
    status: 200,
    response: listOf(approvalSchema),
    errors: [],
  },
  getApproval: {
    method: 'get',
    path: '/v1/approvals/:approvalId',
    summary: 'Get a question with what became of it.',
    scope: 'tasks:read',
    params: approvalParams,
    answer: 'json',
    status: 200,
    response: approvalSchema,
    errors: ['APPROVAL_NOT_FOUND'],
  },
  decideApproval: {
    method: 'post',
    path: '/v1/approvals/:approvalId/decision',
    summary: 'Answer a question, once. The same answer again changes nothing.',
    scope: 'tasks:operate',
    params: approvalParams,
    body: decideApprovalSchema,
    answer: 'json',
    status: 200,
    response: approvalSchema,
    errors: ['APPROVAL_NOT_FOUND', 'APPROVAL_DECIDED'],
  },
} as const satisfies Record<string, Route>;
