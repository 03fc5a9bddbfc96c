/** Publishing through a worker of the agents pool: the API itself has neither the commits nor tokens of hosts. */
import { WorkflowFailedError, type Client } from '@temporalio/client';
import {
  TimeoutFailure,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/common';
import type { PublishAnswer, PublishInput } from '../../contracts/activities.ts';
import { taskQueues, workflowTypes } from '../../contracts/names.ts';
import { tenantAttribute } from './search-attributes.ts';

/** Three hosts that may be asked, with 10 s to find each, and two minutes to fetch and push. */
const longestMs = 150_000;

/** Has a task published, or waits for who does it already. Answers undefined when no worker took it. */
export async function publishTask(
  client: Client,
  input: PublishInput,
): Promise<PublishAnswer | undefined> {
  const { tenantId, taskId } = input.ref;
  const kind = input.pullRequest ? 'request' : 'branch';
  try {
    return await client.withDeadline(
      Date.now() + longestMs + 5_000,
      () =>
        client.workflow.execute(workflowTypes.publish, {
          workflowId: `publish-${kind}-${taskId}`,
          workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
          workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
          taskQueue: taskQueues.workflows,
          args: [input],
          workflowExecutionTimeout: longestMs,
          typedSearchAttributes: [{ key: tenantAttribute, value: tenantId }],
          // A person waits.
          priority: { priorityKey: 1, fairnessKey: tenantId },
        }) as Promise<PublishAnswer>,
    );
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof TimeoutFailure)
      return undefined;
    throw error;
  }
}
