/** What lists and streams are asked with, and how lists answer. */
import { z } from 'zod';
import { approvalKinds, approvalStatuses } from './approval.ts';
import { batchIdSchema, taskIdSchema } from './task.schema.ts';
import { failureClasses, outcomes, taskStatuses } from './task-status.ts';

/** Query of every list: how many, and where to go on. */
export const pageQuery = z.strictObject({
  limit: z.coerce.number().int().min(1).max(500).default(50),
  cursor: z.string().max(500).optional(),
});
/** The answer of every list. */
export const listOf = <T extends z.ZodType>(item: T) =>
  z.object({ items: z.array(item), nextCursor: z.string().nullable() });
const yesNo = z.enum(['true', 'false']);
const commaList = <T extends string>(words: readonly [T, ...T[]]) =>
  z
    .string()
    .transform((text) => text.split(','))
    .pipe(z.array(z.enum(words)));

/** Filters of the task list; lists are comma-separated. Newest first; items of a batch in their order. */
export const listTasksQuery = pageQuery.extend({
  status: commaList(taskStatuses).optional(),
  outcome: commaList(outcomes).optional(),
  failureClass: commaList(failureClasses).optional(),
  batchId: batchIdSchema.optional(),
  /** `false` leaves out the items of batches. */
  inBatch: yesNo.transform((word) => word === 'true').optional(),
  repository: z.string().max(2_000).optional(),
  label: z
    .string()
    .max(264)
    .regex(/^[^=]+=.*$/, 'a label filter is name=value')
    .optional(),
});
/** Where an event stream begins, and whether it goes on. */
export const eventsQuery = z.strictObject({
  /** Sequence number after which to begin; `Last-Event-ID` wins. Default 0: from the first event. */
  after: z.coerce.number().int().min(0).default(0),
  /** `false` ends the stream after the events there are; default: follow until the end. */
  follow: yesNo.default('true'),
});

/** Filters of the list of approvals; statuses and kinds are comma-separated. Newest first. */
export const listApprovalsQuery = pageQuery.extend({
  status: commaList(approvalStatuses).optional(),
  kind: commaList(approvalKinds).optional(),
  taskId: taskIdSchema.optional(),
  batchId: batchIdSchema.optional(),
});
