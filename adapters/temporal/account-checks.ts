/** Looks at accounts through a worker of the models pool: the API itself may have neither credentials nor a way out. */
import { randomUUID } from 'node:crypto';
import { WorkflowFailedError, type Client } from '@temporalio/client';
import { TimeoutFailure } from '@temporalio/common';
import type { AccountCredential } from '../../contracts/activities.ts';
import type { AccountTest } from '../../contracts/providers.schema.ts';
import { taskQueues, workflowTypes } from '../../contracts/names.ts';
import { tenantAttribute } from './search-attributes.ts';

/** A test waits 5 s for a worker and 20 s for its activity; a look at credentials is one read of the environment. */
const longestMs = { testAccount: 28_000, listCredentials: 4_000 } as const;

/** Has an account tested. Answers undefined when no worker runs workflows. */
export function testAccount(
  client: Client,
  tenantId: string,
  account: string,
): Promise<AccountTest | undefined> {
  return run(client, { type: 'testAccount', tenantId, args: [{ account }] });
}

/** Has the credentials of all accounts looked at. Answers undefined when no worker took it. */
export function listCredentials(
  client: Client,
  tenantId: string,
): Promise<readonly AccountCredential[] | undefined> {
  return run(client, { type: 'listCredentials', tenantId, args: [] });
}

interface Look {
  readonly type: keyof typeof longestMs;
  readonly tenantId: string;
  readonly args: unknown[];
}

async function run<T>(client: Client, { type, tenantId, args }: Look): Promise<T | undefined> {
  const timeoutMs = longestMs[type];
  try {
    // Temporal answers a moment after the time-out at the latest.
    return await client.withDeadline(
      Date.now() + timeoutMs + 5_000,
      () =>
        client.workflow.execute(workflowTypes[type], {
          workflowId: `${workflowTypes[type]}-${randomUUID()}`,
          taskQueue: taskQueues.workflows,
          args,
          workflowExecutionTimeout: timeoutMs,
          typedSearchAttributes: [{ key: tenantAttribute, value: tenantId }],
          // A person waits.
          priority: { priorityKey: 1, fairnessKey: tenantId },
        }) as Promise<T>,
    );
  } catch (error) {
    if (error instanceof WorkflowFailedError && error.cause instanceof TimeoutFailure)
      return undefined;
    throw error;
  }
}
