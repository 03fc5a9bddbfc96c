/**
 * Every timeout and retry policy of the workflows, with reasons.
 *
 * Retries belong to Temporal alone. They have no maximum count: an error that can never pass is marked non-retryable by
 * the activity (activities/failures.ts), and an outage of a store may last longer than any count. The bound is
 * `scheduleToCloseTimeout`. The first retry comes after 200 ms, so that a task whose worker died (noticed 14 s after its
 * last heartbeat) is back before its slot's lease of 15 s ends.
 */
import { ActivityCancellationType, proxyActivities } from '@temporalio/workflow';
import type {
  AccountActivities,
  AgentActivities,
  GlueActivities,
  ModelActivities,
} from '../contracts/activities.ts';
import { taskQueues } from '../contracts/names.ts';

const retry = { initialInterval: '200ms', backoffCoefficient: 2, maximumInterval: '10s' } as const;

/** A heartbeat is sent every 5 s; two may be lost. */
const heartbeatTimeout = '14s';

/** Longest life of one activity with all its attempts; a task waits in it for its slot, too. */
const longest = '7d';

/** Work that holds processes: the workflow waits until they are gone before it records a cancel. */
const agentWork = {
  startToCloseTimeout: longest,
  scheduleToCloseTimeout: longest,
  heartbeatTimeout,
  cancellationType: ActivityCancellationType.WAIT_CANCELLATION_COMPLETED,
  retry,
} as const;

/** Activities of the agents pool, on any host. */
export const agents = proxyActivities<AgentActivities>({
  ...agentWork,
  taskQueue: taskQueues.agents,
});

/**
 * Activities of the agents pool on the host that has the worktree. When nobody there takes the task within 10 s the host
 * is gone or full, and the workflow goes to any other.
 */
export function agentsOn(hostQueue: string): typeof agents {
  return proxyActivities<AgentActivities>({
    ...agentWork,
    taskQueue: hostQueue,
    scheduleToStartTimeout: '10s',
  });
}

/** Model calls: nothing of theirs must be waited for on cancel. Ten minutes bound one answer, an hour all attempts. */
export const models = proxyActivities<ModelActivities>({
  taskQueue: taskQueues.models,
  startToCloseTimeout: '10m',
  scheduleToCloseTimeout: '1h',
  heartbeatTimeout,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
});

/**
 * A look at accounts, for a person who waits: one attempt of 20 s. A worker that is there takes it at once, ahead of all
 * model calls (its priority is the workflow's); none within these times is the answer.
 */
const accountLook = {
  taskQueue: taskQueues.models,
  startToCloseTimeout: '20s',
  retry: { maximumAttempts: 1 },
} as const;

/** The test of an account. */
export const accountTests = proxyActivities<Pick<AccountActivities, 'testAccount'>>({
  ...accountLook,
  scheduleToStartTimeout: '5s',
});

/** The look at credentials, part of a list that should come at once. */
export const credentialLooks = proxyActivities<Pick<AccountActivities, 'listCredentials'>>({
  ...accountLook,
  scheduleToStartTimeout: '2s',
});

/** A push or a pull request that a person waits for: tried again for two minutes, as a worker may be restarting. */
const publish = {
  startToCloseTimeout: '120s',
  scheduleToCloseTimeout: '120s',
  scheduleToStartTimeout: '10s',
  retry,
} as const;

/** Publishing, on any host of the agents pool. */
export const publishing = proxyActivities<Pick<AgentActivities, 'publishWork'>>({
  ...publish,
  taskQueue: taskQueues.agents,
});

/** Publishing, on the host that has the commits. */
export function publishingOn(hostQueue: string): typeof publishing {
  return proxyActivities<Pick<AgentActivities, 'publishWork'>>({
    ...publish,
    taskQueue: hostQueue,
  });
}

/** Short reads and writes of PostgreSQL. */
export const glue = proxyActivities<Omit<GlueActivities, 'awaitItems'>>({
  taskQueue: taskQueues.workflows,
  startToCloseTimeout: '30s',
  scheduleToCloseTimeout: longest,
  retry,
});

/** The one glue activity that waits. */
export const waiting = proxyActivities<Pick<GlueActivities, 'awaitItems'>>({
  taskQueue: taskQueues.workflows,
  startToCloseTimeout: longest,
  heartbeatTimeout,
  cancellationType: ActivityCancellationType.TRY_CANCEL,
  retry,
});

/** A run of a workflow continues as new beyond this many events, at its next safe point. */
export const maxHistoryEvents = 2_000;
