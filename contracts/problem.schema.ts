/** How every error of the API is told: a problem document (RFC 9457) with a word code. */
import { z } from 'zod';
import { errorCodeSchema } from './task.schema.ts';

/** The problem document. */
export const problemSchema = z.object({
  type: z.string(),
  title: z.string(),
  status: z.int(),
  code: errorCodeSchema,
  detail: z.string(),
  remedy: z.string(),
  requestId: z.string(),
  problems: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});
export type ProblemDocument = z.infer<typeof problemSchema>;
