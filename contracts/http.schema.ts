/**
 * The table of routes: Express binds it, OpenAPI is printed from it, the CLI's client calls by it.
 * Every error is a problem document (problem.schema.ts).
 */
import { z } from 'zod';
import { approvalRoutes } from './approval.schema.ts';
import {
  batchSchema,
  changeBatchSchema,
  planSchema,
  retryBatchSchema,
  submitBatchSchema,
} from './batch.schema.ts';
import type { ErrorCode } from './errors.ts';
import { eventSchema } from './event.schema.ts';
import { fleetRoutes } from './fleet.schema.ts';
import { priceRoutes } from './price.schema.ts';
import { eventsQuery, listOf, listTasksQuery, pageQuery } from './queries.schema.ts';
import { publishRoutes } from './publish.schema.ts';
import { providerRoutes } from './providers.schema.ts';
import { messageSchema, stepSchema } from './step.schema.ts';
import {
  batchIdSchema,
  microUsdSchema,
  submitTaskSchema,
  taskIdSchema,
  taskSchema,
} from './task.schema.ts';
import { usageRoutes } from './usage.schema.ts';

/** What an API key may do. A role is a set of them: viewer < operator < developer < admin. */
export const scopes = ['tasks:read', 'tasks:operate', 'tasks:write', 'admin'] as const;
export type Scope = (typeof scopes)[number];
/** The scopes of each role; a higher role has those of the lower ones. */
export const roleScopes = {
  viewer: ['tasks:read'],
  operator: ['tasks:read', 'tasks:operate'],
  developer: ['tasks:read', 'tasks:operate', 'tasks:write'],
  admin: ['tasks:read', 'tasks:operate', 'tasks:write', 'admin'],
} as const satisfies Record<string, readonly Scope[]>;

/** How a route answers. `events` is a server-sent event stream, resumable by `Last-Event-ID`. */
export type AnswerKind = 'json' | 'text' | 'events';

/** One line of the table. */
export interface Route {
  readonly method: 'get' | 'post' | 'patch';
  /** Express form: `/v1/tasks/:taskId`. */
  readonly path: string;
  readonly summary: string;
  /** Needed scope; absent for the few routes that need no key. */
  readonly scope?: Scope;
  readonly params?: z.ZodType;
  readonly query?: z.ZodType;
  readonly body?: z.ZodType;
  /** Whether an `Idempotency-Key` header makes the call safe to repeat. */
  readonly idempotent?: boolean;
  /** True for the few routes that change nothing although their method is not `get`. */
  readonly readOnly?: boolean;
  readonly answer: AnswerKind;
  readonly status: 200 | 202;
  readonly response: z.ZodType;
  /** Codes of its own, beside those that every route may answer with. */
  readonly errors: readonly ErrorCode[];
}

const taskParams = z.object({ taskId: taskIdSchema });
const batchParams = z.object({ batchId: batchIdSchema });
const cancelBody = z.strictObject({ reason: z.string().max(500).optional() });

/** Every route of the API. */
export const routes = {
  submitTask: {
    method: 'post',
    path: '/v1/tasks',
    summary: 'Accept a task for durable execution.',
    scope: 'tasks:write',
    body: submitTaskSchema,
    idempotent: true,
    answer: 'json',
    status: 202,
    response: taskSchema,
    errors: [
      'IDEMPOTENCY_KEY_REUSED',
      'REPOSITORY_NOT_FOUND',
      'NOT_A_GIT_REPOSITORY',
      'REF_NOT_FOUND',
      'MODEL_NOT_FOUND',
      'SCRIPT_INVALID',
      'SANDBOX_UNAVAILABLE',
      'SANDBOX_LEAKS',
      'SANDBOX_REQUIRED',
    ],
  },
  listTasks: {
    method: 'get',
    path: '/v1/tasks',
    summary: 'List tasks.',
    scope: 'tasks:read',
    query: listTasksQuery,
    answer: 'json',
    status: 200,
    response: listOf(taskSchema),
    errors: [],
  },
  getTask: {
    method: 'get',
    path: '/v1/tasks/:taskId',
    summary: 'Get a task.',
    scope: 'tasks:read',
    params: taskParams,
    answer: 'json',
    status: 200,
    response: taskSchema,
    errors: ['TASK_NOT_FOUND'],
  },
  cancelTask: {
    method: 'post',
    path: '/v1/tasks/:taskId/cancel',
    summary: 'Cancel a task. Cancelling a cancelled task changes nothing.',
    scope: 'tasks:operate',
    params: taskParams,
    body: cancelBody,
    answer: 'json',
    status: 202,
    response: taskSchema,
    errors: ['TASK_NOT_FOUND', 'TASK_ALREADY_ENDED'],
  },
  retryTask: {
    method: 'post',
    path: '/v1/tasks/:taskId/retry',
    summary: 'Start a new attempt of a failed or cancelled task.',
    scope: 'tasks:operate',
    params: taskParams,
    answer: 'json',
    status: 202,
    response: taskSchema,
    errors: ['TASK_NOT_FOUND', 'TASK_NOT_ENDED', 'NOTHING_TO_RETRY'],
  },
  listSteps: {
    method: 'get',
    path: '/v1/tasks/:taskId/steps',
    summary: 'List the steps of a task, all attempts, in order.',
    scope: 'tasks:read',
    params: taskParams,
    query: pageQuery,
    answer: 'json',
    status: 200,
    response: listOf(stepSchema),
    errors: ['TASK_NOT_FOUND'],
  },
  listMessages: {
    method: 'get',
    path: '/v1/tasks/:taskId/messages',
    summary: 'List the transcript of the current attempt.',
    scope: 'tasks:read',
    params: taskParams,
    query: pageQuery,
    answer: 'json',
    status: 200,
    response: listOf(messageSchema),
    errors: ['TASK_NOT_FOUND'],
  },
  getDiff: {
    method: 'get',
    path: '/v1/tasks/:taskId/diff',
    summary: "The task's whole change as a patch; empty when nothing changed.",
    scope: 'tasks:read',
    params: taskParams,
    answer: 'text',
    status: 200,
    response: z.string(),
    errors: ['TASK_NOT_FOUND'],
  },
  getLogs: {
    method: 'get',
    path: '/v1/tasks/:taskId/logs',
    summary: 'Everything that programs and models wrote, as text.',
    scope: 'tasks:read',
    params: taskParams,
    answer: 'text',
    status: 200,
    response: z.string(),
    errors: ['TASK_NOT_FOUND'],
  },
  followTask: {
    method: 'get',
    path: '/v1/tasks/:taskId/events',
    summary:
      'Events of a task as server-sent events; ends after `task-ended` of the current attempt.',
    scope: 'tasks:read',
    params: taskParams,
    query: eventsQuery,
    answer: 'events',
    status: 200,
    response: eventSchema,
    errors: ['TASK_NOT_FOUND'],
  },
  planBatch: {
    method: 'post',
    path: '/v1/plans',
    summary: 'Resolve, render and estimate a batch; nothing is started, stored or spent.',
    // As for a submit: resolving reads repositories, and a scripted model is loaded.
    scope: 'tasks:write',
    readOnly: true,
    body: submitBatchSchema,
    answer: 'json',
    status: 200,
    response: planSchema,
    errors: [
      'REPOSITORY_NOT_FOUND',
      'NOT_A_GIT_REPOSITORY',
      'REF_NOT_FOUND',
      'MODEL_NOT_FOUND',
      'SCRIPT_INVALID',
    ],
  },
  submitBatch: {
    method: 'post',
    path: '/v1/batches',
    summary: 'Accept a batch; its bases are locked now.',
    scope: 'tasks:write',
    body: submitBatchSchema,
    idempotent: true,
    answer: 'json',
    status: 202,
    response: batchSchema,
    errors: [
      'IDEMPOTENCY_KEY_REUSED',
      'REPOSITORY_NOT_FOUND',
      'NOT_A_GIT_REPOSITORY',
      'REF_NOT_FOUND',
      'MODEL_NOT_FOUND',
      'SCRIPT_INVALID',
      'SANDBOX_UNAVAILABLE',
      'SANDBOX_LEAKS',
      'SANDBOX_REQUIRED',
    ],
  },
  listBatches: {
    method: 'get',
    path: '/v1/batches',
    summary: 'List batches, newest first.',
    scope: 'tasks:read',
    query: pageQuery,
    answer: 'json',
    status: 200,
    response: listOf(batchSchema),
    errors: [],
  },
  getBatch: {
    method: 'get',
    path: '/v1/batches/:batchId',
    summary: 'Get a batch.',
    scope: 'tasks:read',
    params: batchParams,
    answer: 'json',
    status: 200,
    response: batchSchema,
    errors: ['BATCH_NOT_FOUND'],
  },
  listItems: {
    method: 'get',
    path: '/v1/batches/:batchId/items',
    summary: 'List the items of a batch in their order.',
    scope: 'tasks:read',
    params: batchParams,
    query: listTasksQuery.omit({ batchId: true }),
    answer: 'json',
    status: 200,
    response: listOf(taskSchema),
    errors: ['BATCH_NOT_FOUND'],
  },
  changeBatch: {
    method: 'patch',
    path: '/v1/batches/:batchId',
    summary: 'Change a live batch; nothing that runs is stopped.',
    scope: 'tasks:operate',
    params: batchParams,
    body: changeBatchSchema,
    answer: 'json',
    status: 200,
    response: batchSchema,
    errors: ['BATCH_NOT_FOUND', 'BATCH_ALREADY_ENDED'],
  },
  cancelBatch: {
    method: 'post',
    path: '/v1/batches/:batchId/cancel',
    summary: 'Cancel a batch: running items are stopped, waiting ones never start.',
    scope: 'tasks:operate',
    params: batchParams,
    body: cancelBody,
    answer: 'json',
    status: 202,
    response: batchSchema,
    errors: ['BATCH_NOT_FOUND', 'BATCH_ALREADY_ENDED'],
  },
  retryBatch: {
    method: 'post',
    path: '/v1/batches/:batchId/retry',
    summary: 'Start new attempts of failed items, while the batch runs or after its end.',
    scope: 'tasks:operate',
    params: batchParams,
    body: retryBatchSchema,
    answer: 'json',
    status: 202,
    response: batchSchema.extend({ retried: z.int().nonnegative() }),
    errors: ['BATCH_NOT_FOUND', 'NOTHING_TO_RETRY'],
  },
  followBatch: {
    method: 'get',
    path: '/v1/batches/:batchId/events',
    summary:
      'Events of a batch as server-sent events; ends after `batch-ended` of the current round.',
    scope: 'tasks:read',
    params: batchParams,
    query: eventsQuery,
    answer: 'events',
    status: 200,
    response: eventSchema,
    errors: ['BATCH_NOT_FOUND'],
  },
  ...approvalRoutes,
  ...usageRoutes,
  ...priceRoutes,
  ...providerRoutes,
  ...fleetRoutes,
  ...publishRoutes,
  whoAmI: {
    method: 'get',
    path: '/v1/key',
    summary: 'The key in use: tenant and scopes; and what the server is configured with.',
    scope: 'tasks:read',
    answer: 'json',
    status: 200,
    response: z.object({
      tenantId: z.string(),
      tenant: z.string(),
      keyId: z.string(),
      scopes: z.array(z.enum(scopes)),
      /** Spending of a task up to which nobody is asked, unless its request says otherwise. */
      confirmAboveCostMicroUsd: microUsdSchema,
      /** Where the days of budgets begin. */
      timeZone: z.string(),
      temporalUiUrl: z.string().optional(),
      version: z.string(),
    }),
    errors: [],
  },
  healthLive: {
    method: 'get',
    path: '/health/live',
    summary: 'Whether the process lives.',
    answer: 'json',
    status: 200,
    response: z.object({ status: z.literal('ok') }),
    errors: [],
  },
  healthReady: {
    method: 'get',
    path: '/health/ready',
    summary: 'Whether PostgreSQL, Redis and Temporal answer, and the process is not about to end.',
    answer: 'json',
    status: 200,
    response: z.object({ status: z.literal('ok') }),
    errors: ['SERVER_STOPPING', 'STORE_UNAVAILABLE', 'LIMITER_UNAVAILABLE', 'ENGINE_UNAVAILABLE'],
  },
} as const satisfies Record<string, Route>;

/** Name of a route. */
export type RouteName = keyof typeof routes;

/** Answers whether a call of the route may change something; a read-only server refuses it then. */
export function changesSomething(route: Route): boolean {
  return route.method !== 'get' && route.readOnly !== true;
}

/** Media type of errors. */
export const problemMediaType = 'application/problem+json';
