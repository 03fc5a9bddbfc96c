/** The files of a result folder. What `ado batch export` writes is held against these first. */
import { z } from 'zod';
import { batchSchema } from '../contracts/batch.schema.ts';
import { messageSchema, stepSchema } from '../contracts/step.schema.ts';
import { microUsdSchema, taskSchema } from '../contracts/task.schema.ts';

/** The version of the folder's shape; a change that breaks readers adds one. */
export const exportVersion = 1;

/** `batch.json`, written last: a folder without it is not finished. */
export const batchFileSchema = z.object({
  schemaVersion: z.literal(exportVersion),
  exportedAt: z.iso.datetime(),
  batch: batchSchema,
  /** SHA-256 of lock.csv, in hexadecimal. */
  lockDigest: z.string().regex(/^[0-9a-f]{64}$/),
  /** Folder of each item, by its position in the batch. */
  items: z.array(
    z.object({ itemIndex: z.int().nonnegative(), taskId: z.string(), folder: z.string() }),
  ),
});
export type BatchFile = z.infer<typeof batchFileSchema>;

/** `items/<folder>/item.json`. */
export const itemFileSchema = taskSchema.required({ batchId: true, itemIndex: true });

/** `items/<folder>/cost.json`. */
export const costFileSchema = z.object({
  costMicroUsd: microUsdSchema,
  inputTokens: z.int().nonnegative(),
  outputTokens: z.int().nonnegative(),
  steps: z.array(stepSchema.pick({ attempt: true, step: true, kind: true, costMicroUsd: true })),
});
export type CostFile = z.infer<typeof costFileSchema>;

/** One line of `items/<folder>/transcript.jsonl`. */
export const transcriptLineSchema = messageSchema;

/** Heading of `items.csv`. */
export const itemsHeading = [
  'itemIndex',
  'taskId',
  'repository',
  'folder',
  'outcome',
  'failureClass',
  'reason',
  'errorCode',
  'attempt',
  'startedAt',
  'endedAt',
  'costMicroUsd',
  'inputTokens',
  'outputTokens',
  'branch',
  'commit',
  'published',
] as const;
/** One row of `items.csv`: a text for each column. */
export const itemsRowSchema = z.record(z.enum(itemsHeading), z.string());
export type ItemsRow = z.infer<typeof itemsRowSchema>;
