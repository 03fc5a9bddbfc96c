/** The worker processes and the pools that they form: what is shown of them, and the routes. */
import { z } from 'zod';
import type { Route } from './http.schema.ts';
import { pools } from './names.ts';
import { instantSchema } from './task.schema.ts';

const countSchema = z.int().nonnegative();

/** A worker process, as it last told of itself. */
export const workerSchema = z.object({
  /** `<host>/<process id>`, as Temporal's web UI shows it. */
  id: z.string(),
  hostId: z.string(),
  version: z.string(),
  /** Of a versioned worker: which build of the code it is to Temporal. */
  buildId: z.string().optional(),
  startedAt: instantSchema,
  /** `stopping`: it takes no more work, and hands over or ends what it has. */
  state: z.enum(['running', 'stopping']),
  pools: z.array(
    z.object({
      name: z.enum(pools),
      /** Tasks of Temporal that it takes at once. */
      slots: z.int().positive(),
      /** Tasks of Temporal that it has; on a task's own host more than its slots, for a while. */
      busySlots: countSchema,
    }),
  ),
});
export type Worker = z.infer<typeof workerSchema>;

/** A pool with its work: what there is to do, who does it, and how many it takes. */
export const poolSchema = z.object({
  name: z.enum(pools),
  /** Tasks that wait in the pool's queues, as Temporal estimates it. */
  backlog: countSchema,
  /** How long the oldest of them has waited. */
  backlogAgeSeconds: z.number().nonnegative(),
  /** Processes that asked Temporal for work of the pool within about a minute. */
  pollers: countSchema,
  /** Slots taken in all of the pool's workers, stopping ones too. */
  busySlots: countSchema,
  /** Slots of one worker: the smallest count among those that run; without any what the API is configured with. */
  slotsPerWorker: z.int().positive(),
  /** Workers that take work; stopping ones are not counted. */
  workers: countSchema,
  /** `ceil((backlog + busySlots) / slotsPerWorker)`. */
  desired: countSchema,
});
export type PoolState = z.infer<typeof poolSchema>;

/** What an autoscaler reads of a pool, at `/internal/scaling/pools/<pool>` on the internal port of the API. */
export const scalingSchema = poolSchema.pick({
  backlog: true,
  backlogAgeSeconds: true,
  busySlots: true,
  slotsPerWorker: true,
  desired: true,
});
export type Scaling = z.infer<typeof scalingSchema>;

/** The routes of workers and pools; part of `routes`. */
export const fleetRoutes = {
  listWorkers: {
    method: 'get',
    path: '/v1/workers',
    summary: 'List the worker processes that told of themselves within 15 seconds.',
    scope: 'tasks:operate',
    answer: 'json',
    status: 200,
    response: z.object({ items: z.array(workerSchema), nextCursor: z.null() }),
    errors: ['LIMITER_UNAVAILABLE'],
  },
  listPools: {
    method: 'get',
    path: '/v1/pools',
    summary: 'List the pools: what waits, who works, and how many workers it takes.',
    scope: 'tasks:operate',
    answer: 'json',
    status: 200,
    response: z.object({ items: z.array(poolSchema), nextCursor: z.null() }),
    errors: ['LIMITER_UNAVAILABLE', 'ENGINE_UNAVAILABLE'],
  },
} as const satisfies Record<string, Route>;
