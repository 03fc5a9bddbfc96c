/** The Temporal workers of one process: one for each queue that its pools serve. */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import {
  createAgentActivities,
  createGlueActivities,
  createModelActivities,
} from '../activities/create-activities.ts';
import type { ActivityDeps } from '../activities/deps.ts';
import { workflowSlots, type Config } from '../config/config.ts';
import { hostQueue, taskQueues, type Pool } from '../contracts/names.ts';

/** What the workers are made of. */
export interface CreateWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly settings: Config['worker'];
  readonly activities: ActivityDeps;
  /** File with the workflows' code. */
  readonly workflowBundle: string;
}

/** Each long poll holds a request at the server: few when idle, more under load. */
const pollerBehavior = { type: 'autoscaling', minimum: 2, initial: 5, maximum: 20 } as const;
/** An activity that ignores its end is left behind this long after its grace. */
const forceAfterMs = 5_000;

/** A worker of one of a pool's queues. */
export interface PoolWorker {
  readonly pool: Pool;
  readonly worker: Worker;
}

/** Makes the workers of the configured pools; they begin with `run`. */
export async function createWorkers(options: CreateWorkersOptions): Promise<PoolWorker[]> {
  const plans = options.settings.pools.flatMap((pool) =>
    queuesOf(pool, options).map((plan) => ({ pool, plan })),
  );
  return Promise.all(
    plans.map(async ({ pool, plan }) => ({
      pool,
      worker: await Worker.create({ ...commonOptions(options), ...plan }),
    })),
  );
}

function commonOptions({ connection, namespace, settings }: CreateWorkersOptions) {
  return {
    connection,
    namespace,
    identity: `${settings.hostId}/${process.pid}`,
    workflowTaskPollerBehavior: pollerBehavior,
    activityTaskPollerBehavior: pollerBehavior,
    // Without it the SDK sends only every 12 s of the heartbeats that the server expects within 14 s.
    maxHeartbeatThrottleInterval: '5s',
    shutdownGraceTime: settings.shutdownGraceMs,
    shutdownForceTime: settings.shutdownGraceMs + forceAfterMs,
  } as const;
}

type QueuePlan = Pick<
  WorkerOptions,
  | 'activities'
  | 'workflowBundle'
  | 'maxCachedWorkflows'
  | 'maxConcurrentWorkflowTaskExecutions'
  | 'maxConcurrentActivityTaskExecutions'
> & { taskQueue: string };

function queuesOf(
  pool: Pool,
  { settings, activities, workflowBundle }: CreateWorkersOptions,
): QueuePlan[] {
  switch (pool) {
    case 'workflows':
      return [
        {
          taskQueue: taskQueues.workflows,
          workflowBundle: { codePath: workflowBundle },
          activities: createGlueActivities(activities),
          maxCachedWorkflows: settings.workflowCache,
          maxConcurrentWorkflowTaskExecutions: workflowSlots.workflowTasks,
          maxConcurrentActivityTaskExecutions: workflowSlots.glue,
        },
      ];
    case 'models':
      return [
        {
          taskQueue: taskQueues.models,
          activities: createModelActivities(activities),
          maxConcurrentActivityTaskExecutions: settings.slots.models,
        },
      ];
    case 'agents':
      // The host's own queue has its own slots: a step of a task that is under way never waits behind new tasks.
      return [taskQueues.agents, hostQueue(settings.hostId)].map((taskQueue) => ({
        taskQueue,
        activities: createAgentActivities(activities),
        maxConcurrentActivityTaskExecutions: settings.slots.agents,
      }));
  }
}
