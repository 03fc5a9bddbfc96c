/** A step: the durable unit inside a task. A finished step is a checkpoint; a retry of its activity skips it. */
import { z } from 'zod';
import { stepKinds } from './event.schema.ts';
import { commitIdSchema, diffStatSchema, instantSchema, microUsdSchema } from './task.schema.ts';

/** One finding of a failed gate, as far as its output could be read. */
export const findingSchema = z.object({
  tool: z.string(),
  file: z.string().optional(),
  line: z.int().optional(),
  column: z.int().optional(),
  /** The tool's own word for it: `TS2322`, `no-unused-vars`, `E0308`. */
  code: z.string().optional(),
  severity: z.enum(['error', 'warning']).optional(),
  message: z.string(),
});
export type Finding = z.infer<typeof findingSchema>;

/** A step as the API shows it. */
export const stepSchema = z.object({
  attempt: z.int().positive(),
  /** Counts from 1 within the attempt. */
  step: z.int().nonnegative(),
  /** `gate` is a verdict, `gate-base` how the same gate went on the base commit, `checks` what all gates come to. */
  kind: z.enum(stepKinds),
  /** Name of the gate, of kinds `gate` and `gate-base`. Steps of before it was kept have none. */
  gate: z.string().optional(),
  status: z.enum(['succeeded', 'failed']),
  summary: z.string(),
  exitCode: z.int().optional(),
  findings: z.array(findingSchema).optional(),
  commit: commitIdSchema.optional(),
  diffStat: diffStatSchema.optional(),
  costMicroUsd: microUsdSchema,
  startedAt: instantSchema,
  endedAt: instantSchema,
});
export type Step = z.infer<typeof stepSchema>;

/** One message of the transcript, in the shape of a language model's prompt. */
export const messageSchema = z.object({
  seq: z.int().positive(),
  role: z.enum(['system', 'user', 'assistant', 'tool']),
  content: z.unknown(),
  at: instantSchema,
});
export type Message = z.infer<typeof messageSchema>;
