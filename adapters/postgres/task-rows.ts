/** What a row means: rows of tasks, steps and batches in the words of the contracts. */
import type { TaskResult } from '../../contracts/activities.ts';
import type { EventBody } from '../../contracts/event.schema.ts';
import type { Step } from '../../contracts/step.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';
import { isFinal, type Outcome } from '../../contracts/task-status.ts';
import type { StepEntry, TaskRecord } from '../ports.ts';
import type { StepRow, TaskRow } from './schema.ts';

/** The columns that a change of a task needs to know; the long texts of the request are not among them. */
export const heldColumns = [
  'id',
  'agent',
  'batch_id',
  'item_index',
  'repository',
  'branch',
  'status',
  'attempt',
  'fence',
  'claim',
  'event_seq',
  'message_seq',
  'steps',
  'cancel_requested_at',
  'attempt_cost_micro_usd',
  'started_at',
  'ended_at',
  'outcome',
  'failure_class',
  'reason',
  'error_code',
  'error',
  'head_commit',
  'published_commit',
] as const satisfies readonly (keyof TaskRow)[];
/** A task as far as its changes need it. */
export type HeldTask = Pick<TaskRow, (typeof heldColumns)[number]>;

/** A task as the API shows it. Cost and tokens are those of all attempts. */
export function toTask(row: TaskRow): Task {
  return {
    id: row.id,
    status: row.status,
    waitingFor:
      row.waiting_reason === null
        ? undefined
        : {
            reason: row.waiting_reason,
            until: toInstant(row.waiting_until),
            detail: row.waiting_detail ?? undefined,
          },
    prompt: row.prompt,
    repository: row.repository,
    baseRef: row.base_ref ?? undefined,
    baseCommit: row.base_commit,
    branch: row.branch,
    agent: row.agent,
    exec: row.exec ?? undefined,
    model: row.model ?? undefined,
    policy: row.policy,
    gates: row.gates,
    gateProfile: row.gate_profile,
    setup: row.setup ?? undefined,
    allowHosts: row.allow_hosts,
    delivery: row.delivery,
    variables: row.variables,
    labels: row.labels,
    priority: row.priority,
    sandbox: row.sandbox,
    timeoutMs: row.timeout_ms,
    maxCostMicroUsd: row.max_cost_micro_usd,
    confirmedCostMicroUsd: row.confirmed_cost_micro_usd,
    batchId: row.batch_id ?? undefined,
    itemIndex: row.item_index ?? undefined,
    attempt: row.attempt,
    outcome: row.outcome ?? undefined,
    ...toEnding(row),
    summary: row.summary ?? undefined,
    commit: row.head_commit ?? undefined,
    changed: row.changed ?? undefined,
    diffStat: row.diff_stat ?? undefined,
    published: row.source_task_id === null ? isPublished(row) : undefined,
    pullRequestUrl: row.pull_request_url ?? undefined,
    sourceTaskId: row.source_task_id ?? undefined,
    costMicroUsd: row.cost_micro_usd,
    inputTokens: row.input_tokens,
    outputTokens: row.output_tokens,
    steps: row.steps,
    activity: row.activity ?? undefined,
    cancelRequested: row.cancel_requested_at !== null,
    createdAt: row.created_at.toISOString(),
    startedAt: toInstant(row.started_at),
    endedAt: toInstant(row.ended_at),
  };
}

/** A task as its activities see it. */
export function toTaskRecord(
  tenantId: string,
  row: TaskRow,
  batch: { readonly parallel: number | null; readonly maxCostMicroUsd: number | null },
): TaskRecord {
  return {
    ref: { tenantId, taskId: row.id, attempt: row.attempt },
    prompt: row.prompt,
    repository: row.repository,
    baseCommit: row.base_commit,
    branch: row.branch,
    agent: row.agent,
    exec: row.exec ?? undefined,
    model: row.model ?? undefined,
    policy: row.policy,
    gates: row.gates,
    gateProfile: row.gate_profile,
    setup: row.setup ?? undefined,
    allowHosts: row.allow_hosts,
    delivery: row.delivery,
    variables: row.variables,
    sandbox: row.sandbox,
    timeoutMs: row.timeout_ms,
    maxCostMicroUsd: row.max_cost_micro_usd,
    batchId: row.batch_id ?? undefined,
    itemIndex: row.item_index ?? undefined,
    batchParallel: batch.parallel ?? undefined,
    headCommit: row.head_commit ?? row.base_commit,
    publishedCommit: row.published_commit ?? undefined,
    diffStat: row.diff_stat ?? { files: 0, insertions: 0, deletions: 0 },
    costMicroUsd: row.attempt_cost_micro_usd,
    confirmedCostMicroUsd: row.confirmed_cost_micro_usd,
    costRefused: row.cost_refused,
    batchMaxCostMicroUsd: batch.maxCostMicroUsd ?? undefined,
    priority: row.priority,
    route: row.route ?? undefined,
    cachedTokens: row.cached_tokens,
    waitedMs: row.waited_ms,
    waitingSince: row.waiting_since ?? undefined,
    cancelRequested: row.cancel_requested_at !== null,
    createdAt: row.created_at,
    startedAt: row.started_at ?? undefined,
    worker: row.worker ?? undefined,
    result: toTaskResult(row),
  };
}

/** The result of the current attempt; undefined while it has none. */
export function toTaskResult(row: HeldTask): TaskResult | undefined {
  if (row.outcome === null || !isFinal(row.status)) return undefined;
  return {
    taskId: row.id,
    status: row.status as TaskResult['status'],
    outcome: row.outcome,
    failureClass: row.failure_class ?? undefined,
    errorCode: row.error_code ?? undefined,
    error: row.error ?? undefined,
    commit: row.head_commit ?? undefined,
    costMicroUsd: row.attempt_cost_micro_usd,
  };
}

/** What `task-ended` says of an ended row. Its cost is that of the attempt. */
export function toTaskEnded(row: HeldTask): EventBody<'task-ended'> {
  return {
    status: row.status,
    outcome: outcomeOf(row),
    ...toEnding(row),
    commit: row.head_commit ?? undefined,
    branch: row.head_commit === null ? undefined : row.branch,
    published: isPublished(row),
    costMicroUsd: row.attempt_cost_micro_usd,
  };
}

/** What events of a batch say of the item that they are about. */
export function toItem(row: HeldTask): EventBody<'item-started'> {
  return {
    taskId: row.id,
    itemIndex: row.item_index ?? 0,
    repository: row.repository,
    attempt: row.attempt,
  };
}

/** What `item-ended` says of an ended item. */
export function toItemEnded(row: HeldTask): EventBody<'item-ended'> {
  const durationMs =
    row.started_at === null || row.ended_at === null
      ? undefined
      : row.ended_at.getTime() - row.started_at.getTime();
  return {
    ...toItem(row),
    outcome: outcomeOf(row),
    ...toEnding(row),
    branch: row.head_commit === null ? undefined : row.branch,
    published: isPublished(row),
    costMicroUsd: row.attempt_cost_micro_usd,
    durationMs,
  };
}

/** Whether the repository has the work; undefined when there is none. */
function isPublished(row: Pick<HeldTask, 'head_commit' | 'published_commit'>): boolean | undefined {
  return row.head_commit === null ? undefined : row.published_commit === row.head_commit;
}

function toEnding(row: Pick<HeldTask, 'failure_class' | 'reason' | 'error_code' | 'error'>) {
  return {
    failureClass: row.failure_class ?? undefined,
    reason: row.reason ?? undefined,
    errorCode: row.error_code ?? undefined,
    error: row.error ?? undefined,
  };
}

function outcomeOf(row: HeldTask): Outcome {
  if (row.outcome === null) throw new Error(`task ${row.id} has not ended`);
  return row.outcome;
}

/** A step as the API shows it. */
export function toStep(row: StepRow): Step {
  return {
    attempt: row.attempt,
    ...toStepParts(row),
    costMicroUsd: row.cost_micro_usd,
    startedAt: row.started_at.toISOString(),
    endedAt: row.ended_at.toISOString(),
  };
}

/** A step as it was recorded. */
export function toStepEntry(row: StepRow): StepEntry {
  return {
    effectId: row.effect_id,
    ...toStepParts(row),
    costMicroUsd: row.cost_micro_usd,
    startedAt: row.started_at,
    endedAt: row.ended_at,
  };
}

function toStepParts(row: StepRow) {
  return {
    step: row.step,
    kind: row.kind,
    gate: row.gate ?? undefined,
    status: row.status,
    summary: row.summary,
    exitCode: row.exit_code ?? undefined,
    findings: row.findings ?? undefined,
    commit: row.commit ?? undefined,
    diffStat: row.diff_stat ?? undefined,
  };
}

/** A time as the contracts write it. */
export function toInstant(time: Date | null): string | undefined {
  return time?.toISOString();
}
