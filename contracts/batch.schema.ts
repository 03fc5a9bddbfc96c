/** A batch: many tasks from one request, as one object. */
import { z } from 'zod';
import {
  batchIdSchema,
  checkAgent,
  checkDelivery,
  commitIdSchema,
  instantSchema,
  microUsdSchema,
  promptSchema,
  refSchema,
  repositorySchema,
  variablesSchema,
  workSchema,
} from './task.schema.ts';
import { batchStatuses, failureClasses, outcomes, taskStatuses } from './task-status.ts';

/** One target of a batch. */
export const submitItemSchema = z.strictObject({
  repository: repositorySchema,
  /** A prompt of its own instead of the batch's. */
  prompt: promptSchema.optional(),
  baseRef: refSchema.optional(),
  /** Locks the base to a commit; wins over `baseRef`. */
  baseCommit: commitIdSchema.optional(),
  variables: variablesSchema.default({}),
  /** Set by the caller for a target that opted out; it is listed, and nothing runs. */
  skip: z.literal('optout').optional(),
});
export type SubmitItem = z.infer<typeof submitItemSchema>;

/** How many items may fail before no new ones start: a count, or a share of all below 1. */
export const failureBudgetSchema = z.union([z.int().nonnegative(), z.number().gt(0).lt(1)]);

/** What a caller sends to have a batch run, or planned. Unknown fields are refused. */
export const submitBatchSchema = workSchema
  .extend({
    prompt: promptSchema,
    name: z.string().min(1).max(200).optional(),
    items: z.array(submitItemSchema).min(1, 'a batch needs at least one item').max(10_000),
    /** Items working at once. Default 10. */
    parallel: z.int().min(1).max(500).default(10),
    failureBudget: failureBudgetSchema.optional(),
    /** What all items may spend together, and each of them. Default: no common budget, and each what a task may. */
    maxCostMicroUsd: z.int().positive().optional(),
  })
  .superRefine(checkAgent)
  .superRefine(({ delivery, items }, context) => {
    for (const [index, { repository }] of items.entries())
      checkDelivery(delivery, repository, { context, path: ['items', index, 'repository'] });
  });
export type SubmitBatch = z.infer<typeof submitBatchSchema>;

/** How many items there are of each status and of each outcome; the statuses add up to `total`. */
export const batchCountsSchema = z.object({
  total: z.int().nonnegative(),
  byStatus: z.record(z.enum(taskStatuses), z.int().nonnegative()),
  byOutcome: z.record(z.enum(outcomes), z.int().nonnegative()),
  byFailureClass: z.record(z.enum(failureClasses), z.int().nonnegative()),
});
export type BatchCounts = z.infer<typeof batchCountsSchema>;

/** Verdict on an ended batch. */
export const batchResults = ['success', 'partial', 'failed', 'cancelled'] as const;

/** A batch as the API shows it. */
export const batchSchema = z.object({
  id: batchIdSchema,
  status: z.enum(batchStatuses),
  name: z.string(),
  prompt: z.string(),
  agent: z.string(),
  parallel: z.int().positive(),
  failureBudget: failureBudgetSchema.optional(),
  /** 1 at first; a retry of items after the end adds one. */
  round: z.int().positive(),
  counts: batchCountsSchema,
  result: z.enum(batchResults).optional(),
  costMicroUsd: microUsdSchema,
  /** What all items may spend together; absent: only each of them is bounded. */
  maxCostMicroUsd: microUsdSchema.optional(),
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  /** Expected end of a running batch, from the pace so far. */
  etaAt: instantSchema.optional(),
  cancelRequested: z.boolean(),
  createdAt: instantSchema,
  startedAt: instantSchema.optional(),
  endedAt: instantSchema.optional(),
});
export type Batch = z.infer<typeof batchSchema>;

/** A target as a plan shows it: resolved and rendered, nothing started. */
export const plannedItemSchema = z.object({
  repository: z.string(),
  baseRef: z.string().optional(),
  baseCommit: commitIdSchema,
  branchSlug: z.string(),
  prompt: z.string(),
  variables: variablesSchema,
  /** The repository's own checks that the work would be judged by; absent where this server cannot read the base commit. */
  checks: z.array(z.object({ name: z.string(), command: z.string() })).optional(),
  /** Why this target would not run. */
  skip: z.enum(['optout', 'cached']).optional(),
  /** The task whose result stands for it, when `skip` is `cached`. */
  sourceTaskId: z.string().optional(),
});
export type PlannedItem = z.infer<typeof plannedItemSchema>;

/** What a batch would do and cost. */
export const planSchema = z.object({
  items: z.array(plannedItemSchema),
  toRun: z.int().nonnegative(),
  skipped: z.int().nonnegative(),
  parallel: z.int().positive(),
  /**
   * `low` is what the first call of each item costs; `high` what nine of ten earlier tasks of the model did not exceed.
   * `worst` is all that may be spent: the common budget, else that of each item; 0 for an agent that buys nothing.
   */
  estimate: z.object({
    lowMicroUsd: microUsdSchema,
    highMicroUsd: microUsdSchema,
    worstMicroUsd: microUsdSchema,
    /** Earlier tasks of the model that `high` is taken from; with less than five it is `worst`. */
    basedOnTasks: z.int().nonnegative(),
  }),
});
export type Plan = z.infer<typeof planSchema>;

/** Changes to a live batch. */
export const changeBatchSchema = z
  .strictObject({
    parallel: z.int().min(1).max(500).optional(),
    failureBudget: failureBudgetSchema.optional(),
  })
  .refine((change) => Object.keys(change).length > 0, 'nothing to change');
export type ChangeBatch = z.infer<typeof changeBatchSchema>;

/** Which ended items a retry takes up. Default: every failed one but class `input`, and those without a result. */
export const retryBatchSchema = z.strictObject({
  only: z.array(z.enum(failureClasses)).min(1).optional(),
  /** Cancelled items too. */
  cancelled: z.boolean().default(false),
});
export type RetryBatch = z.infer<typeof retryBatchSchema>;
