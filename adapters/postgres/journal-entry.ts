/** One entry of a task's journal: its parts that were not recorded before, and what they change in the task. */
import { sql } from 'kysely';
import type { TaskRef } from '../../contracts/activities.ts';
import type { NewEvent } from '../../contracts/event.schema.ts';
import type { JournalEntry, Movement, StepEntry, UsageEntry } from '../ports.ts';
import { settleReservation } from './ledger.ts';
import { keepPatch, toKeptPatch } from './patches.ts';
import { anyOf, type TaskColumns } from './task-moves.ts';
import type { HeldTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** The keys of an entry's parts that were recorded before. */
export type RecordedParts = ReadonlySet<string>;

/**
 * Finds the parts of an entry that are there already. To be sent behind the statement that locks the task's row, on the
 * same connection: it runs when the lock is held, so what it finds missing stays missing until it is written.
 */
export async function findRecorded(
  tx: TenantTransaction,
  { taskId, attempt }: TaskRef,
  { steps = [], messages = [], usage }: JournalEntry,
): Promise<RecordedParts> {
  if (steps.length === 0 && messages.length === 0 && usage === undefined) return new Set();
  const ofAttempt = sql`tenant_id = ${tx.tenantId} and task_id = ${taskId} and attempt = ${attempt}`;
  const { rows } = await sql<{ part: string }>`
    select ${'step '} || effect_id as part from steps
      where ${ofAttempt} and effect_id = ${anyOf(steps.map((step) => step.effectId))}
    union all select ${'message '} || key from messages
      where ${ofAttempt} and key = ${anyOf(messages.map((message) => message.key))}
    union all select ${'usage '} || effect_id from usage_records
      where ${ofAttempt} and effect_id = ${usage?.effectId ?? null}`.execute(tx.db);
  return new Set(rows.map((row) => row.part));
}

/** An entry on its way: its parts are being written, its task's row and events are left to the caller. */
export interface WrittenEntry {
  /** The row as it is with `set`. */
  readonly task: HeldTask;
  readonly set: TaskColumns;
  readonly events: readonly NewEvent[];
  /** Settled when the parts are written. */
  readonly written: Promise<{ readonly movement: Movement | undefined }>;
}

/**
 * Writes the parts of an entry that are not there yet, and answers what the caller has to change in the task with them.
 * Events have no key of their own: they are left out when the entry has steps and all of them were recorded before, so
 * that a repeated entry does not tell the same story twice.
 */
export function writeEntry(
  tx: TenantTransaction,
  task: HeldTask,
  { entry, recorded }: { readonly entry: JournalEntry; readonly recorded: RecordedParts },
): WrittenEntry {
  const parts = newParts(entry, recorded);
  const { steps, messages, usage, patch, head } = parts;
  const headCommit = head?.commit ?? task.head_commit;
  // A merge is another commit than the work that it holds: what counts is where the work stood then.
  const isDelivered = parts.events.some(({ type }) => type === 'branch-delivered');
  const after: HeldTask = {
    ...task,
    steps: task.steps + steps.length,
    message_seq: task.message_seq + messages.length,
    attempt_cost_micro_usd: task.attempt_cost_micro_usd + (usage?.costMicroUsd ?? 0),
    head_commit: headCommit,
    published_commit: isDelivered ? headCommit : task.published_commit,
  };
  const set = {
    steps: after.steps,
    message_seq: after.message_seq,
    attempt_cost_micro_usd: after.attempt_cost_micro_usd,
    head_commit: after.head_commit,
    published_commit: after.published_commit,
    ...(usage && spent(usage)),
    ...(usage?.account !== undefined && routeColumns(usage.account, usage)),
    ...(head?.diffStat && { diff_stat: JSON.stringify(head.diffStat) }),
    ...(patch && { diff_sha256: patch.sha256 }),
    ...liveColumns(entry, tx.at),
  };
  return { task: after, set, events: parts.events, written: insertParts(tx, task, parts) };
}

/** The parts of an entry that are not there yet; of a repeated one, no diff and no events. */
function newParts(entry: JournalEntry, recorded: RecordedParts) {
  const { steps: given = [], messages = [], usage, events = [] } = entry;
  const steps = given.filter((step) => !recorded.has(`step ${step.effectId}`));
  const repeated = steps.length === 0 && given.length > 0;
  const diff = repeated ? undefined : entry.diff;
  return {
    steps,
    messages: messages.filter(({ key }) => !recorded.has(`message ${key}`)),
    usage: usage && recorded.has(`usage ${usage.effectId}`) ? undefined : usage,
    patch: diff && toKeptPatch(diff.patch),
    /** Where the branch stands afterwards. */
    head: diff ?? steps.findLast((step) => step.commit !== undefined),
    events: repeated ? [] : events,
  };
}

async function insertParts(
  tx: TenantTransaction,
  task: HeldTask,
  { steps, messages, usage, patch, head }: ReturnType<typeof newParts>,
): Promise<{ readonly movement: Movement | undefined }> {
  const owner = { tenant_id: tx.tenantId, task_id: task.id, attempt: task.attempt };
  const stepRows = steps.map((step, index) => ({
    ...owner,
    ...stepColumns(step),
    seq: task.steps + 1 + index,
  }));
  const messageSeq = task.message_seq + messages.length;
  // Steps that only name the commit, as the one that delivers it does, did not make it.
  const isNew = patch !== undefined && head?.commit !== task.head_commit;
  const maker = isNew ? stepRows.find(({ commit }) => commit === head?.commit) : undefined;
  const made = { parent: task.head_commit, diff_sha256: patch?.sha256 ?? null };
  const named = { parent: null, diff_sha256: null };
  const checkpointRows = stepRows.flatMap((row) => {
    const { commit, seq, step } = row;
    if (commit === null) return [];
    const how = row === maker ? made : named;
    return [{ ...owner, seq, step, commit, message_seq: messageSeq, at: tx.at, ...how }];
  });
  const messageRows = messages.map(({ key, message }, index) => ({
    ...owner,
    seq: task.message_seq + 1 + index,
    key,
    message: JSON.stringify(message),
    at: tx.at,
  }));
  // In the same transaction: there is no paid answer on record that is not booked.
  const [movement] = await Promise.all([
    usage?.callId === undefined
      ? undefined
      : settleReservation(tx, usage.callId, usage.costMicroUsd),
    patch && keepPatch(tx, patch),
    stepRows.length > 0 && tx.db.insertInto('steps').values(stepRows).execute(),
    checkpointRows.length > 0 && tx.db.insertInto('checkpoints').values(checkpointRows).execute(),
    messageRows.length > 0 && tx.db.insertInto('messages').values(messageRows).execute(),
    usage &&
      tx.db
        .insertInto('usage_records')
        .values({ ...owner, ...usageColumns(usage), at: tx.at })
        .execute(),
  ]);
  return { movement };
}

function liveColumns({ activity, host, waitingFor }: JournalEntry, at: Date) {
  return {
    ...(host !== undefined && { worker: host }),
    ...(activity !== undefined && { activity }),
    ...(waitingFor === null && endOfWait(at)),
    ...(waitingFor && beginWait(waitingFor, at)),
  };
}

/** A wait, or another reason for the one that the task is in. */
export function beginWait(
  { reason, until, detail }: NonNullable<JournalEntry['waitingFor']>,
  at: Date,
) {
  return {
    waiting_reason: reason,
    waiting_until: until ?? null,
    waiting_detail: detail ?? null,
    waiting_since: sql<Date>`coalesce(waiting_since, ${at})`,
  };
}

/** A wait that is over: its time is counted apart from the work's. */
export function endOfWait(at: Date) {
  return {
    waiting_reason: null,
    waiting_until: null,
    waiting_detail: null,
    waiting_since: null,
    waited_ms: sql<number>`waited_ms + coalesce(round(extract(epoch from ${at}::timestamptz - waiting_since) * 1000), 0)`,
  };
}

function stepColumns(step: StepEntry) {
  return {
    effect_id: step.effectId,
    step: step.step,
    kind: step.kind,
    gate: step.gate ?? null,
    status: step.status,
    summary: step.summary,
    exit_code: step.exitCode ?? null,
    findings: step.findings === undefined ? null : JSON.stringify(step.findings),
    commit: step.commit ?? null,
    diff_stat: step.diffStat === undefined ? null : JSON.stringify(step.diffStat),
    cost_micro_usd: step.costMicroUsd ?? 0,
    started_at: step.startedAt,
    ended_at: step.endedAt,
  };
}

function usageColumns(usage: UsageEntry) {
  return {
    effect_id: usage.effectId,
    provider: usage.provider,
    model: usage.model,
    request_id: usage.requestId ?? null,
    input_tokens: usage.inputTokens,
    output_tokens: usage.outputTokens,
    cache_read_tokens: usage.cacheReadTokens,
    cache_write_tokens: usage.cacheWriteTokens,
    reasoning_tokens: usage.reasoningTokens,
    cost_micro_usd: usage.costMicroUsd,
    cache_write_1h_tokens: usage.cacheWriteHourTokens ?? 0,
    service_tier: usage.serviceTier ?? null,
    price_id: usage.priceId ?? null,
    call_id: usage.callId ?? null,
    account: usage.account ?? null,
    routes: usage.routes === undefined ? null : JSON.stringify(usage.routes),
    raw: usage.raw === undefined ? null : JSON.stringify(usage.raw),
  };
}

/** Where the next turn finds the beginning of the conversation in a cache. */
function routeColumns(account: string, usage: UsageEntry) {
  return {
    route: `${account}:${usage.model}`,
    cached_tokens: usage.cacheReadTokens + usage.cacheWriteTokens,
  };
}

function spent(usage: UsageEntry) {
  return {
    cost_micro_usd: sql<number>`cost_micro_usd + ${usage.costMicroUsd}`,
    input_tokens: sql<number>`input_tokens + ${usage.inputTokens}`,
    output_tokens: sql<number>`output_tokens + ${usage.outputTokens}`,
  };
}
