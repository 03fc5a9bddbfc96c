/** Publishing the kept work of an ended task: what is asked, what is answered, and the route. */
import { z } from 'zod';
import type { Route } from './http.schema.ts';
import { commitIdSchema, refSchema, taskIdSchema } from './task.schema.ts';

/** How kept work is published. */
export const publishSchema = z.strictObject({
  /** Make a pull request too. */
  pullRequest: z.boolean().default(false),
  /** Branch that the pull request is for. Default: the target of the task, else the default branch. */
  target: refSchema.optional(),
});
export type Publish = z.infer<typeof publishSchema>;

/** Where published work is. */
export const publishedSchema = z.object({
  taskId: taskIdSchema,
  branch: z.string(),
  commit: commitIdSchema,
  pullRequestUrl: z.string().optional(),
});
export type Published = z.infer<typeof publishedSchema>;

/** The route of publishing; part of `routes`. */
export const publishRoutes = {
  publishTask: {
    method: 'post',
    path: '/v1/tasks/:taskId/publish',
    summary:
      'Push the branch of an ended task into its repository, and make its pull request when asked. Repeating it changes nothing.',
    scope: 'tasks:operate',
    params: z.object({ taskId: taskIdSchema }),
    body: publishSchema,
    answer: 'json',
    status: 200,
    response: publishedSchema,
    errors: [
      ...(['TASK_NOT_FOUND', 'TASK_NOT_ENDED', 'NOTHING_TO_PUBLISH', 'BRANCH_CONFLICT'] as const),
      ...(['PUBLISH_FAILED', 'COMMITS_LOST', 'FORGE_UNAVAILABLE', 'WORKERS_MISSING'] as const),
    ],
  },
} as const satisfies Record<string, Route>;
