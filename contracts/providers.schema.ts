/** Accounts with providers of models, their limits, and the test of one: what is shown of them, and the routes. */
import { z } from 'zod';
import type { Route } from './http.schema.ts';
import { errorCodeSchema, instantSchema, microUsdSchema } from './task.schema.ts';
import { waitReasons } from './task-status.ts';

const durationMsSchema = z.number().nonnegative();

/** Where an account's credential stands, as a worker that makes the calls sees it. */
export const credentialStateSchema = z.object({
  /** `unknown`: no worker of the models pool answered, or it has no such account. */
  state: z.enum(['present', 'missing', 'not_needed', 'unknown']),
  /** Of a missing or unknown one: which variable or file, or why nobody knows. Never what it holds. */
  detail: z.string().optional(),
});
export type CredentialState = z.infer<typeof credentialStateSchema>;

/** How a model of an account does. */
export const modelHealthSchema = z.object({
  model: z.string(),
  /** `open`: calls are held back, as the last ones failed; `half_open`: one call tries. */
  breaker: z.enum(['closed', 'open', 'half_open']),
  /** Time that the provider asked to wait, from now. 0: none. */
  pausedForMs: durationMsSchema,
  /** Share of the configured rates in force; below 1 after refusals. */
  speed: z.number().min(0).max(1),
});

/** An account as the API shows it. */
export const accountSchema = z.object({
  name: z.string(),
  provider: z.string(),
  /** `subscription`, `free` or `api`. */
  access: z.string(),
  /** Order among accounts of the same access, 1 first. */
  priority: z.int().positive(),
  /** The only models that it may be used for; absent: all. */
  models: z.array(z.string()).optional(),
  credential: credentialStateSchema,
  /** Of the models that it lists, and that the tenant's tasks used within a day. */
  health: z.array(modelHealthSchema),
  /** What the tenant's tasks used since the day of the budgets began. */
  today: z.object({ calls: z.int().nonnegative(), costMicroUsd: microUsdSchema }),
});
export type Account = z.infer<typeof accountSchema>;

/** One limit, and where it stands. */
export const limitGaugeSchema = z.object({
  /** What it is of: the account, one of its models, or the tenant's share of it. */
  scope: z.enum(['account', 'model', 'tenant']),
  model: z.string().optional(),
  /** Such as `requests a minute`. */
  name: z.string(),
  /** What a call counts as: a charge rule of providers.yaml. */
  charge: z.string(),
  limit: z.number().positive(),
  /** What may be taken at once: the burst of a rate, the whole of a window. */
  capacity: z.number().positive(),
  /** Of the capacity; above it is debt. Absent while nothing was taken yet, or Redis has lost it. */
  used: z.number().optional(),
  /** How long the line of waiting calls is: who asks next may go after it. */
  freeInMs: durationMsSchema,
});
export type LimitGauge = z.infer<typeof limitGaugeSchema>;

/** Where an account stands. */
export const accountLimitsSchema = z.object({
  name: z.string(),
  provider: z.string(),
  /** Counted only where the account has a `maxConcurrent`. */
  concurrent: z.int().nonnegative().optional(),
  maxConcurrent: z.int().positive().optional(),
  limits: z.array(limitGaugeSchema),
  models: z.array(modelHealthSchema),
});
export type AccountLimits = z.infer<typeof accountLimitsSchema>;

/** Tasks of the tenant that wait for the same thing of an account. */
export const waitingTasksSchema = z.object({
  reason: z.enum(waitReasons),
  /** Which account and limit, for people. */
  detail: z.string(),
  tasks: z.int().positive(),
  /** When the first of them goes on, where that is known. */
  until: instantSchema.optional(),
});
export type WaitingTasks = z.infer<typeof waitingTasksSchema>;

/** What a test of an account found. It buys nothing: the provider is asked for its list of models. */
export const accountTestSchema = z.discriminatedUnion('ok', [
  z.object({
    ok: z.literal(true),
    status: z.int(),
    latencyMs: durationMsSchema,
    /** How many models the provider lists for the account. */
    models: z.int().nonnegative(),
    /** Models of the account's own list that the provider does not list. */
    missingModels: z.array(z.string()),
  }),
  z.object({
    ok: z.literal(false),
    /** Of the provider's answer; absent when none came. */
    status: z.int().optional(),
    latencyMs: durationMsSchema.optional(),
    errorCode: errorCodeSchema,
    error: z.string(),
  }),
]);
export type AccountTest = z.infer<typeof accountTestSchema>;

/** The routes of accounts and limits; part of `routes`. */
export const providerRoutes = {
  listProviders: {
    method: 'get',
    path: '/v1/providers',
    summary: 'List the accounts with providers of models, in the order in which they are tried.',
    scope: 'tasks:read',
    answer: 'json',
    status: 200,
    response: z.object({
      /** Where the server looks for its accounts. */
      file: z.string(),
      items: z.array(accountSchema),
      nextCursor: z.null(),
    }),
    errors: ['LIMITER_UNAVAILABLE'],
  },
  listLimits: {
    method: 'get',
    path: '/v1/limits',
    summary: 'Show where the limits of all accounts stand, and which tasks wait for them.',
    scope: 'tasks:read',
    answer: 'json',
    status: 200,
    response: z.object({
      at: instantSchema,
      accounts: z.array(accountLimitsSchema),
      waiting: z.array(waitingTasksSchema),
    }),
    errors: ['LIMITER_UNAVAILABLE'],
  },
  testProvider: {
    method: 'post',
    path: '/v1/providers/:account/test',
    summary: 'Test the credential and the address of an account, from a worker; buys nothing.',
    scope: 'tasks:operate',
    readOnly: true,
    params: z.object({ account: z.string() }),
    answer: 'json',
    status: 200,
    response: accountTestSchema,
    errors: ['ACCOUNT_NOT_FOUND', 'ENGINE_UNAVAILABLE'],
  },
} as const satisfies Record<string, Route>;
