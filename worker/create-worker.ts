/** The Temporal workers of one process: one for each queue that its pools serve. */
import { Worker, type NativeConnection, type WorkerOptions } from '@temporalio/worker';
import {
  createAgentActivities,
  createGlueActivities,
  createModelActivities,
} from '../activities/create-activities.ts';
import type { ActivityDeps } from '../activities/deps.ts';
import type { Tracing } from '../adapters/ports.ts';
import type { Config, WorkerBuild } from '../config/config.ts';
import { workflowSlots } from '../config/environment.ts';
import { hostQueue, taskQueues, type Pool } from '../contracts/names.ts';
import { createActivityInterceptors, createTraceSinks } from './trace-activities.ts';

/** What the workers are made of. */
export interface CreateWorkersOptions {
  readonly connection: NativeConnection;
  readonly namespace: string;
  readonly settings: Config['worker'];
  readonly activities: ActivityDeps;
  /** File with the workflows' code. */
  readonly workflowBundle: string;
  readonly tracing: Tracing;
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

function commonOptions({ connection, namespace, settings, tracing }: CreateWorkersOptions) {
  return {
    connection,
    namespace,
    identity: `${settings.hostId}/${process.pid}`,
    workflowTaskPollerBehavior: pollerBehavior,
    activityTaskPollerBehavior: pollerBehavior,
    // Without it the SDK sends only every 12 s of the heartbeats that the server expects within 14 s.
    maxHeartbeatThrottleInterval: '5s' as const,
    shutdownGraceTime: settings.shutdownGraceMs,
    shutdownForceTime: settings.shutdownGraceMs + forceAfterMs,
    interceptors: { activity: [createActivityInterceptors(tracing)] },
    sinks: createTraceSinks(tracing),
  };
}

type QueuePlan = Pick<
  WorkerOptions,
  | 'activities'
  | 'workflowBundle'
  | 'maxCachedWorkflows'
  | 'maxConcurrentWorkflowTaskExecutions'
  | 'maxConcurrentActivityTaskExecutions'
  | 'workerDeploymentOptions'
> & { taskQueue: string };

function queuesOf(
  pool: Pool,
  { settings, activities, workflowBundle }: CreateWorkersOptions,
): QueuePlan[] {
  const versioned = versionOf(settings.build);
  switch (pool) {
    case 'workflows':
      return [
        {
          ...versioned,
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
          ...versioned,
          taskQueue: taskQueues.models,
          activities: createModelActivities(activities),
          maxConcurrentActivityTaskExecutions: settings.slots.models,
        },
      ];
    case 'agents':
      // The host's own queue has its own slots: a step of a task that is under way never waits behind new tasks. It is of
      // no version: its worker is all that it has, and Temporal counts at most 100 queues of a version.
      return [
        { ...versioned, taskQueue: taskQueues.agents },
        { taskQueue: hostQueue(settings.hostId) },
      ].map((queue) => ({
        ...queue,
        activities: createAgentActivities(activities),
        maxConcurrentActivityTaskExecutions: settings.slots.agents,
      }));
  }
}

/** A workflow stays with the build that began it: its code may change between builds without a thought of replays. */
function versionOf(build: WorkerBuild | undefined): Pick<WorkerOptions, 'workerDeploymentOptions'> {
  if (build === undefined) return {};
  return {
    workerDeploymentOptions: {
      useWorkerVersioning: true,
      version: build,
      defaultVersioningBehavior: 'PINNED',
    },
  };
}
