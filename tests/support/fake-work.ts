/** Tasks and batches as the fake API makes them from requests. */
import { v7 } from 'uuid';
import type { Batch, BatchCounts, SubmitBatch } from '../../contracts/batch.schema.ts';
import type { SubmitTask, Task } from '../../contracts/task.schema.ts';
import { failureClasses, outcomes, taskStatuses } from '../../contracts/task-status.ts';

/** A new id. */
function anId(kind: 'task' | 'batch'): string {
  return `${kind}-${v7()}`;
}

/** A queued task for a request. */
export function aTask(request: Omit<SubmitTask, 'fresh' | 'policy'>): Task {
  const id = anId('task');
  const { prompt, repository, agent, gates, variables, labels, priority, sandbox } = request;
  return {
    ...{ id, prompt, repository, agent, gates, variables, labels, priority, sandbox },
    status: 'queued',
    policy: 'autonomous',
    gateProfile: request.gateProfile ?? 'none',
    setup: request.setup,
    allowHosts: request.allowHosts,
    delivery: request.delivery,
    exec: request.exec,
    model: request.model,
    baseRef: request.baseRef,
    baseCommit: 'a'.repeat(40),
    branch: `ado/work-${id.slice(-8)}`,
    timeoutMs: request.timeoutMs,
    maxCostMicroUsd: request.maxCostMicroUsd,
    confirmedCostMicroUsd: request.confirmAboveCostMicroUsd ?? 1_000_000,
    attempt: 1,
    costMicroUsd: 0,
    inputTokens: 0,
    outputTokens: 0,
    steps: 0,
    cancelRequested: false,
    createdAt: new Date().toISOString(),
  };
}

/** A running batch for a request. */
export function aBatch(request: SubmitBatch): Batch {
  return {
    id: anId('batch'),
    status: 'running',
    name: request.name ?? 'work',
    prompt: request.prompt,
    agent: request.agent,
    parallel: request.parallel,
    failureBudget: request.failureBudget,
    round: 1,
    counts: countItems([], request.items.length),
    costMicroUsd: 0,
    maxCostMicroUsd: request.maxCostMicroUsd,
    inputTokens: 0,
    outputTokens: 0,
    cancelRequested: false,
    createdAt: new Date().toISOString(),
    startedAt: new Date().toISOString(),
  };
}

/** Counts the items of a batch. */
export function countItems(items: readonly Task[], total: number): BatchCounts {
  const count = <T extends string>(
    words: readonly T[],
    wordOf: (task: Task) => string | undefined,
  ): Record<T, number> =>
    Object.fromEntries(
      words.map((word) => [word, items.filter((task) => wordOf(task) === word).length]),
    ) as Record<T, number>;
  return {
    total,
    byStatus: count(taskStatuses, (task) => task.status),
    byOutcome: count(outcomes, (task) => task.outcome),
    byFailureClass: count(failureClasses, (task) => task.failureClass),
  };
}
