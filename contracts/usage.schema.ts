/** What was spent, as people see it: sums of model calls, where it leads, and single purchases. */
import { z } from 'zod';
import { isTimeZone } from './calendar.ts';
import type { Route } from './http.schema.ts';
import { listOf, pageQuery } from './queries.schema.ts';
import { batchIdSchema, instantSchema, microUsdSchema, taskIdSchema } from './task.schema.ts';

/** What calls may be added up by. */
export const usageGroups = [
  'provider',
  'model',
  'account',
  'task',
  'batch',
  'day',
  'tenant',
] as const;
/** One of them. */
export type UsageGroup = (typeof usageGroups)[number];

/** Where the money of a purchase is: held for a call under way, paid, given back, or lost from sight with its answer. */
const purchaseStates = ['reserved', 'settled', 'released', 'unknown'] as const;

const count = z.int().nonnegative();

/** Money of purchases that were begun in the period and have no answer. */
const openMoneySchema = z.object({
  /** Held for calls under way. */
  heldMicroUsd: microUsdSchema,
  /** Held for calls whose answer was lost: perhaps paid, counted as gone. */
  unknownMicroUsd: microUsdSchema,
  unknownCalls: count,
});

/** What answered calls add up to. */
const usageSumsSchema = z.object({
  calls: count,
  /** All input tokens, cached ones too. */
  inputTokens: count,
  cacheReadTokens: count,
  cacheWriteTokens: count,
  /** Of `cacheWriteTokens`, those kept for an hour. */
  cacheWriteHourTokens: count,
  /** All output tokens, reasoning too. */
  outputTokens: count,
  reasoningTokens: count,
  costMicroUsd: microUsdSchema,
});

/** One row of sums. */
export const usageRowSchema = usageSumsSchema.extend({
  /**
   * `<provider>`, `<provider>:<model>`, an account's name, an id, a date or the tenant; null for what has none: calls
   * without an account, tasks of no batch.
   */
  key: z.string().nullable(),
  /** What people call it: a task's repository, a batch's name, the tenant's name. */
  label: z.string().optional(),
  /** Absent where rows are by provider or model: a purchase without an answer names neither. */
  open: openMoneySchema.optional(),
});
export type UsageRow = z.infer<typeof usageRowSchema>;

/** Sums of a period, a page of them. */
export const usageSchema = listOf(usageRowSchema).extend({
  by: z.enum(usageGroups),
  from: instantSchema,
  to: instantSchema,
  /** Where days begin. */
  timeZone: z.string(),
  /** All of the period, whatever the page. */
  total: usageSumsSchema.extend({ open: openMoneySchema }),
});
export type Usage = z.infer<typeof usageSchema>;

const spanSchema = z.object({
  from: instantSchema,
  to: instantSchema,
  /** Spent since `from`. */
  spentMicroUsd: microUsdSchema,
  /** What will be spent at `to`, at the pace of the last days. */
  forecastMicroUsd: microUsdSchema,
});

/** How far a budget is used up, by what is gone for good: from 80 % `warn`, from 95 % `pause`, from 100 % `stop`. */
const budgetLevels = ['ok', 'warn', 'pause', 'stop'] as const;

/** Where spending leads, and what bounds it. */
export const forecastSchema = z.object({
  at: instantSchema,
  /** Where days and months begin: that of the daily budget. */
  timeZone: z.string(),
  /** What was spent a day, over the last seven days, or since the first call if that is later. */
  pace: z.object({ from: instantSchema, microUsdPerDay: microUsdSchema }),
  day: spanSchema,
  month: spanSchema,
  /** Of the tenant as a whole only where it has one. */
  budgets: z.array(
    z.object({
      kind: z.enum(['day', 'tenant']),
      limitMicroUsd: microUsdSchema,
      spentMicroUsd: microUsdSchema,
      heldMicroUsd: microUsdSchema,
      unknownMicroUsd: microUsdSchema,
      level: z.enum(budgetLevels),
    }),
  ),
});
export type Forecast = z.infer<typeof forecastSchema>;

/** One purchase: the money of one model call. */
export const purchaseSchema = z.object({
  callId: z.string(),
  taskId: taskIdSchema,
  repository: z.string(),
  state: z.enum(purchaseStates),
  /** What was held for it. */
  amountMicroUsd: microUsdSchema,
  /** What it cost, once that is known. */
  costMicroUsd: microUsdSchema.optional(),
  account: z.string().optional(),
  reservedAt: instantSchema,
  endedAt: instantSchema.optional(),
});
export type Purchase = z.infer<typeof purchaseSchema>;

const usageQuery = pageQuery.extend({
  by: z.enum(usageGroups).default('provider'),
  /** Only what the items of this batch spent. */
  batchId: batchIdSchema.optional(),
  /** First moment of the period. Default: the beginning of this month. */
  from: instantSchema.optional(),
  /** First moment after the period. Default: now. */
  to: instantSchema.optional(),
  /** Where days begin. Default: that of the daily budget. */
  timeZone: z
    .string()
    .max(100)
    .refine(isTimeZone, 'a time zone is a name such as Europe/Berlin')
    .optional(),
});
export type UsageQuery = z.infer<typeof usageQuery>;

const purchasesQuery = pageQuery.extend({
  state: z.enum(purchaseStates).optional(),
  taskId: taskIdSchema.optional(),
});

/** Routes about what was spent. */
export const usageRoutes = {
  getUsage: {
    method: 'get',
    path: '/v1/usage',
    summary: 'Add up model calls of a period; dearest first, days in their order.',
    scope: 'tasks:read',
    query: usageQuery,
    answer: 'json',
    status: 200,
    response: usageSchema,
    errors: [],
  },
  getForecast: {
    method: 'get',
    path: '/v1/usage/forecast',
    summary: 'What was spent this day and month, where that leads, and the budgets.',
    scope: 'tasks:read',
    answer: 'json',
    status: 200,
    response: forecastSchema,
    errors: [],
  },
  listPurchases: {
    method: 'get',
    path: '/v1/usage/purchases',
    summary: 'List purchases, newest first, those whose answer was lost too.',
    scope: 'tasks:read',
    query: purchasesQuery,
    answer: 'json',
    status: 200,
    response: listOf(purchaseSchema),
    errors: ['TASK_NOT_FOUND'],
  },
} as const satisfies Record<string, Route>;
