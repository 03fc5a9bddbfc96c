/**
 * Durable events: what happened to a task or a batch, in order, without gaps. Each task and each batch is a stream with
 * its own sequence, counted under the row lock of its task or batch; an SSE `id:` is that sequence number.
 */
import { z } from 'zod';
import { diffStatSchema, errorCodeSchema, instantSchema, microUsdSchema } from './task.schema.ts';
import { approvalDecisions, approvalKinds } from './approval.ts';
import { batchResults } from './batch.schema.ts';
import { failureClasses, outcomes, taskStatuses, waitReasons } from './task-status.ts';

/** Kinds of step. */
export const stepKinds = [
  'workspace',
  'setup',
  'command',
  'agent',
  'model',
  'tools',
  'commit',
  'fix',
  'gate',
  'gate-base',
  'checks',
  'deliver',
] as const;

const itemFields = {
  taskId: z.string(),
  itemIndex: z.int(),
  repository: z.string(),
  attempt: z.int(),
};

const approvalFields = { approvalId: z.string(), taskId: z.string() };

/** Body of each event type; the union below adds stream, sequence and time. */
export const eventBodies = {
  'task-queued': z.object({ attempt: z.int() }),
  /** Its slot was taken and its work begins. */
  'task-started': z.object({ attempt: z.int(), worker: z.string() }),
  'step-started': z.object({ step: z.int(), kind: z.enum(stepKinds), summary: z.string() }),
  'step-finished': z.object({
    step: z.int(),
    kind: z.enum(stepKinds),
    summary: z.string(),
    ok: z.boolean(),
    durationMs: z.int(),
  }),
  /** What a program or a model wrote; long output comes in several events. */
  output: z.object({
    step: z.int(),
    source: z.enum(['stdout', 'stderr', 'model', 'tool', 'gate']),
    text: z.string(),
  }),
  /** Its model cannot be called before `until`; told once for each wait, and again for waits of more than five minutes. */
  'task-waiting': z.object({
    reason: z.enum(waitReasons),
    until: instantSchema,
    detail: z.string(),
  }),
  /** A call was answered by another account or model than the one before. */
  'route-changed': z.object({
    step: z.int(),
    from: z.string(),
    to: z.string(),
    reason: z.string(),
  }),
  /** A budget of the task's calls is used up so far: `warn` 80 %, `pause` 95 %, `stop` 100 %. */
  'budget-reached': z.object({
    budget: z.string(),
    level: z.enum(['warn', 'pause', 'stop']),
    spentMicroUsd: microUsdSchema,
    limitMicroUsd: microUsdSchema,
  }),
  'commit-created': z.object({ step: z.int(), commit: z.string(), diffStat: diffStatSchema }),
  'branch-delivered': z.object({
    branch: z.string(),
    commit: z.string(),
    pullRequestUrl: z.string().optional(),
  }),
  'cancel-requested': z.object({ reason: z.string().optional() }),
  /** The task asks a person, and waits. The three events of an approval are in its batch's stream, too. */
  'approval-requested': z.object({
    ...approvalFields,
    kind: z.enum(approvalKinds),
    title: z.string(),
    defaultDecision: z.enum(approvalDecisions),
    deadlineAt: instantSchema,
  }),
  'approval-reminded': z.object({
    ...approvalFields,
    title: z.string(),
    deadlineAt: instantSchema,
  }),
  'approval-decided': z.object({
    ...approvalFields,
    decision: z.enum(approvalDecisions),
    /** Nobody answered in time: the default counts. */
    expired: z.boolean(),
    reason: z.string().optional(),
  }),
  'task-ended': z.object({
    status: z.enum(taskStatuses),
    outcome: z.enum(outcomes),
    failureClass: z.enum(failureClasses).optional(),
    reason: z.string().optional(),
    errorCode: errorCodeSchema.optional(),
    error: z.string().optional(),
    commit: z.string().optional(),
    branch: z.string().optional(),
    /** Whether the repository has the branch, or the target the work. */
    published: z.boolean().optional(),
    costMicroUsd: microUsdSchema,
  }),
  'batch-queued': z.object({ total: z.int() }),
  'batch-started': z.object({ total: z.int(), parallel: z.int(), round: z.int() }),
  'item-started': z.object({ ...itemFields }),
  'item-ended': z.object({
    ...itemFields,
    outcome: z.enum(outcomes),
    failureClass: z.enum(failureClasses).optional(),
    reason: z.string().optional(),
    errorCode: errorCodeSchema.optional(),
    error: z.string().optional(),
    branch: z.string().optional(),
    published: z.boolean().optional(),
    costMicroUsd: microUsdSchema,
    durationMs: z.int().optional(),
  }),
  'items-retried': z.object({ count: z.int(), round: z.int() }),
  'batch-changed': z.object({ parallel: z.int().optional(), failureBudget: z.number().optional() }),
  'batch-ended': z.object({
    result: z.enum(batchResults),
    total: z.int(),
    costMicroUsd: microUsdSchema,
  }),
} as const;

/** One event type. */
export type EventType = keyof typeof eventBodies;
/** The body of an event type. */
export type EventBody<T extends EventType> = z.infer<(typeof eventBodies)[T]>;
/** An event before the store gives it stream, sequence and time. */
export type NewEvent = {
  [T in EventType]: { readonly type: T; readonly data: EventBody<T> };
}[EventType];

/** An event as it is streamed and listed. `data` fits the body of its type. */
export const eventSchema = z.object({
  /** Id of the task or batch whose stream it is in. */
  stream: z.string(),
  /** 1, 2, 3 … without gaps within the stream. */
  seq: z.int().positive(),
  type: z.enum(Object.keys(eventBodies) as [EventType, ...EventType[]]),
  at: instantSchema,
  data: z.record(z.string(), z.unknown()),
});
/** An event of a stream; narrow it by `type`. */
export type Event = {
  readonly stream: string;
  readonly seq: number;
  readonly at: string;
} & NewEvent;
