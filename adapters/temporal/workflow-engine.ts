/** The WorkflowEngine port on Temporal's client. */
import {
  Client,
  Connection,
  isGrpcServiceError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import {
  WorkflowExecutionAlreadyStartedError,
  WorkflowIdConflictPolicy,
  WorkflowIdReusePolicy,
} from '@temporalio/common';
import { AppError } from '../../contracts/errors.ts';
import {
  changeBatchSignal,
  decideApprovalUpdate,
  type AgentBatchInput,
  type AgentTaskInput,
  type OutboxMessage,
} from '../../contracts/messages.ts';
import { readTaskWorkflowId, taskQueues, workflowTypes } from '../../contracts/names.ts';
import type { AccountChecks, LostTask, Publisher, QueueLooks, WorkflowEngine } from '../ports.ts';
import { listCredentials, testAccount } from './account-checks.ts';
import { publishTask } from './publishing.ts';
import { lookAtQueue } from './queue-looks.ts';
import { ensureSearchAttributes, initialAttributes, tenantAttribute } from './search-attributes.ts';
import { traceStarts } from './trace-starts.ts';

/** Where Temporal is. */
export interface WorkflowEngineOptions {
  readonly address: string;
  readonly namespace: string;
  /** Time for one call, connecting included. Default 5 s. */
  readonly callTimeoutMs?: number;
}

/** The engine with what its owner needs beside the port. */
export interface TemporalEngine extends WorkflowEngine, AccountChecks, Publisher, QueueLooks {
  /** Registers ado's search attributes and waits until they can be used; repeating it changes nothing. @throws ENGINE_UNAVAILABLE */
  ensureSearchAttributes(): Promise<void>;
  close(): Promise<void>;
}

/** Longest summary in the web UI. The server takes 400 bytes, the older ones 200. */
const summaryMaxBytes = 200;

/**
 * Temporal, connected on the first call and again by itself after an outage. Calls are not repeated here: the outbox
 * does that.
 */
export function createWorkflowEngine(options: WorkflowEngineOptions): TemporalEngine {
  const { address, namespace, callTimeoutMs = 5_000 } = options;
  const connection = Connection.lazy({
    address,
    interceptors: [],
    // gRPC's own back-off grows to two minutes: far too long after a restart of Temporal.
    channelArgs: {
      'grpc.initial_reconnect_backoff_ms': 100,
      'grpc.max_reconnect_backoff_ms': 1_000,
    },
  });
  const client = new Client({
    connection,
    namespace,
    interceptors: { workflow: [traceStarts] },
  });

  const call = <T>(run: () => Promise<T>): Promise<T> =>
    told(() => connection.withDeadline(Date.now() + callTimeoutMs, run));

  return {
    deliver: (message) => call(() => deliver(client, message)),
    listLostTasks: (since) => call(() => listLostTasks(client, since)),
    async testAccount(tenantId, account) {
      const found = await told(() => testAccount(client, tenantId, account));
      return (
        found ?? { ok: false, errorCode: 'WORKERS_MISSING', error: 'no worker runs workflows' }
      );
    },
    async publish(input) {
      const error = 'no worker took it in time';
      const answer = await told(() => publishTask(client, input));
      return answer ?? { ok: false, errorCode: 'WORKERS_MISSING', error };
    },
    listCredentials: (tenantId) => told(() => listCredentials(client, tenantId)),
    lookAtQueue: (queue, kind) => call(() => lookAtQueue(connection, namespace, { queue, kind })),
    async isReady() {
      return call(() => connection.workflowService.describeNamespace({ namespace })).then(
        () => true,
        () => false,
      );
    },
    async ensureSearchAttributes() {
      await ensureSearchAttributes(connection, namespace).catch((error: unknown) => {
        throw toAppError(error);
      });
    },
    close: () => connection.close(),
  };
}

async function told<T>(run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw toAppError(error);
  }
}

/** ado's workflows end with a result whatever happens: any other end comes from outside. */
async function listLostTasks(client: Client, since: Date): Promise<LostTask[]> {
  const statuses = ['Terminated', 'Failed', 'TimedOut', 'Canceled'].map((name) => `'${name}'`);
  const query = [
    `WorkflowType = '${workflowTypes.task}'`,
    `ExecutionStatus IN (${statuses.join(', ')})`,
    `CloseTime > '${since.toISOString()}'`,
  ].join(' AND ');
  const lost: LostTask[] = [];
  for await (const { workflowId, typedSearchAttributes, status } of client.workflow.list({
    query,
  })) {
    const tenantId = typedSearchAttributes.get(tenantAttribute);
    const task = readTaskWorkflowId(workflowId);
    if (tenantId === undefined || task === undefined) continue;
    lost.push({ ref: { tenantId, ...task }, how: status.name.toLowerCase().replace('_', ' ') });
  }
  return lost;
}

async function deliver(client: Client, message: OutboxMessage): Promise<void> {
  switch (message.kind) {
    case 'start-task':
      await startTask(client, message);
      return;
    case 'wake-batch':
      await client.workflow.signalWithStart(workflowTypes.batch, {
        ...shownAs(message.input, batchSummary(message.input)),
        workflowId: message.input.batchId,
        taskQueue: taskQueues.workflows,
        args: [message.input],
        signal: changeBatchSignal,
        signalArgs: [message.change],
        // A retry after the end begins a new round: the same id runs again.
        workflowIdReusePolicy: WorkflowIdReusePolicy.ALLOW_DUPLICATE,
        priority: { priorityKey: message.input.priority, fairnessKey: message.input.tenantId },
      });
      return;
    case 'cancel-workflow':
      try {
        await client.workflow.getHandle(message.workflowId).cancel();
      } catch (error) {
        // Never started, or ended already: there is nothing to cancel.
        if (!(error instanceof WorkflowNotFoundError)) throw error;
      }
      return;
    case 'decide-approval':
      await decideApproval(client, message);
  }
}

/**
 * Wakes a workflow that waits for an answer. An update needs a worker to take it: without one the message has to come
 * again, and must not hold up the others meanwhile. The id of the update makes a repeated one the same.
 * @throws WORKER_LOST when no worker took it in time
 */
async function decideApproval(
  client: Client,
  { workflowId, answer }: Extract<OutboxMessage, { kind: 'decide-approval' }>,
): Promise<void> {
  const handle = client.workflow.getHandle(workflowId);
  try {
    await client.withDeadline(Date.now() + updateTimeoutMs, () =>
      handle.executeUpdate(decideApprovalUpdate, { updateId: answer.approvalId, args: [answer] }),
    );
  } catch (error) {
    if (error instanceof WorkflowUpdateRPCTimeoutOrCancelledError)
      throw new AppError('WORKER_LOST', `no worker has taken the answer to ${workflowId} yet`);
    // Ended, or it knows the answer and waits no more: there is nobody to wake.
    if (error instanceof WorkflowNotFoundError || error instanceof WorkflowUpdateFailedError)
      return;
    throw error;
  }
}

async function startTask(
  client: Client,
  { workflowId, input, priority }: Extract<OutboxMessage, { kind: 'start-task' }>,
): Promise<void> {
  try {
    await client.workflow.start(workflowTypes.task, {
      ...shownAs(input, taskSummary(input)),
      workflowId,
      taskQueue: taskQueues.workflows,
      args: [input],
      // An id is one attempt of one task: it runs once, whether the first start is still running or has ended.
      workflowIdReusePolicy: WorkflowIdReusePolicy.REJECT_DUPLICATE,
      workflowIdConflictPolicy: WorkflowIdConflictPolicy.USE_EXISTING,
      priority: { priorityKey: priority, fairnessKey: input.tenantId },
    });
  } catch (error) {
    if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
  }
}

/** What the web UI shows of a workflow, and finds it by. */
function shownAs(input: AgentTaskInput | AgentBatchInput, summary: string) {
  const details = {
    tenant: input.tenantId,
    batch: input.batchId,
    repository: 'repository' in input ? input.repository : undefined,
    model: input.model,
    'time limit': `${Math.round(input.timeoutMs / 1_000)} s`,
    'cost limit':
      input.maxCostMicroUsd === undefined
        ? undefined
        : `$${(input.maxCostMicroUsd / 1_000_000).toFixed(2)}`,
  };
  const lines = Object.entries(details).flatMap(([name, value]) =>
    value === undefined ? [] : [`- ${name}: ${value}`],
  );
  return {
    typedSearchAttributes: initialAttributes(input),
    staticSummary: cutToBytes(summary, summaryMaxBytes),
    staticDetails: lines.join('\n'),
  };
}

function taskSummary({ agent, repository, attempt }: AgentTaskInput): string {
  return `${agent} · ${lastPartOf(repository)}${attempt > 1 ? ` · attempt ${attempt}` : ''}`;
}

function batchSummary({ agent, name, total, parallel }: AgentBatchInput): string {
  return `${agent} · ${total} items, ${parallel} at once · ${name}`;
}

function lastPartOf(repository: string): string {
  return repository.split('/').findLast((part) => part !== '') ?? repository;
}

/** Cuts a text to so many bytes of UTF-8, never within a character. */
function cutToBytes(text: string, maxBytes: number): string {
  if (Buffer.byteLength(text) <= maxBytes) return text;
  const cut = Buffer.from(text)
    .subarray(0, maxBytes - 3)
    .toString();
  return `${cut.replace(/\uFFFD+$/, '')}…`;
}

/** A worker takes an update within milliseconds; a busy one is asked again. */
const updateTimeoutMs = 2_000;

/** gRPC's codes for: it took too long, too much at once, it is not there. */
const passing = new Map([
  [1, 'cancelled'],
  [4, 'deadline exceeded'],
  [8, 'resource exhausted'],
  [14, 'unavailable'],
]);

function toAppError(error: unknown): unknown {
  for (let link = error; link instanceof Error; link = link.cause) {
    const reason = isGrpcServiceError(link) ? passing.get(link.code) : undefined;
    if (reason !== undefined) {
      return new AppError('ENGINE_UNAVAILABLE', `Temporal does not answer: ${reason}`, {
        cause: error,
      });
    }
  }
  return error;
}
