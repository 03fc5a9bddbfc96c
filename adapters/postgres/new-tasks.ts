/** Storing tasks, and taking a finished result for them instead of doing the work again. */
import { sql } from 'kysely';
import type { NewEvent } from '../../contracts/event.schema.ts';
import type { NewTask } from '../ports.ts';
import { insertOfEvents } from './event-log.ts';
import { endTasks } from './task-moves.ts';
import type { HeldTask } from './task-rows.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** Each column of a new task: name, type and value. The rest begins with its default. */
const columns: readonly (readonly [
  name: string,
  type: string,
  value: (task: NewTask) => unknown,
])[] = [
  ['id', 'text', (task) => task.id],
  ['prompt', 'text', (task) => task.prompt],
  ['repository', 'text', (task) => task.repository],
  ['base_ref', 'text', (task) => task.baseRef],
  ['base_commit', 'text', (task) => task.baseCommit],
  ['branch', 'text', (task) => task.branch],
  ['agent', 'text', (task) => task.agent],
  ['exec', 'text', (task) => task.exec],
  ['model', 'text', (task) => task.model],
  ['policy', 'text', (task) => task.policy],
  ['gates', 'json', (task) => JSON.stringify(task.gates)],
  ['gate_profile', 'text', (task) => task.gateProfile],
  ['setup', 'text', (task) => task.setup],
  ['allow_hosts', 'json', (task) => JSON.stringify(task.allowHosts)],
  ['delivery', 'json', (task) => JSON.stringify(task.delivery)],
  ['variables', 'json', (task) => JSON.stringify(task.variables)],
  ['labels', 'jsonb', (task) => labelsOf(task)],
  ['priority', 'integer', (task) => task.priority],
  ['sandbox', 'text', (task) => task.sandbox],
  ['timeout_ms', 'integer', (task) => task.timeoutMs],
  ['max_cost_micro_usd', 'bigint', (task) => task.maxCostMicroUsd],
  ['confirmed_cost_micro_usd', 'bigint', (task) => task.confirmedCostMicroUsd],
  ['content_key', 'text', (task) => task.contentKey],
  ['reuse', 'boolean', (task) => task.reuse],
  ['skip', 'text', (task) => task.skip],
];

/** Rows of one statement: bounds its memory on both sides. */
const rowsAtOnce = 1_000;

/** Stores tasks as queued, with `task-queued` in each stream. In a batch, the order is that of the items. */
export async function insertTasks(
  tx: TenantTransaction,
  tasks: readonly NewTask[],
  batchId: string | undefined,
): Promise<void> {
  const names = sql.join(columns.map(([name]) => sql.ref(name)));
  const event: NewEvent = { type: 'task-queued', data: { attempt: 1 } };
  for (let start = 0; start < tasks.length; start += rowsAtOnce) {
    const rows = tasks.slice(start, start + rowsAtOnce);
    // As text and cast per row: an array of JSON would be escaped twice.
    const values = sql.join(
      columns.map(([, , value]) => sql`${rows.map((task) => value(task) ?? null)}::text[]`),
    );
    const typed = sql.join(columns.map(([name, type]) => sql`${sql.ref(name)}::${sql.raw(type)}`));
    const itemIndex = batchId === undefined ? sql`null` : sql`${start}::integer + place - 1`;
    const queued = rows.map((task) => ({ streamId: task.id, seq: 1, event }));
    await sql`
      with stored as (
        insert into tasks (tenant_id, batch_id, item_index, event_seq, created_at, ${names})
        select ${tx.tenantId}, ${batchId ?? null}, ${itemIndex}, 1, ${tx.at}, ${typed}
        from unnest(${values}) with ordinality as row (${names}, place)
      )
      ${insertOfEvents(tx, queued)}`.execute(tx.db);
  }
}

/** jsonb refuses NUL, which the other columns replace. */
function labelsOf(task: NewTask): string {
  const clean = (text: string) => text.replaceAll('\0', '\uFFFD').toWellFormed();
  return JSON.stringify(
    Object.fromEntries(Object.entries(task.labels).map((pair) => pair.map(clean))),
  );
}

/** Finds finished work: content key → id of the last task that succeeded with it. */
export async function findResults(
  tx: TenantTransaction,
  contentKeys: readonly string[],
): Promise<Map<string, string>> {
  if (contentKeys.length === 0) return new Map();
  const { rows } = await sql<{ content_key: string; id: string }>`
    select content_key, result.id
    from unnest(${contentKeys}::text[]) as wanted (content_key)
    cross join lateral (
      select id from tasks
      where tenant_id = ${tx.tenantId} and tasks.content_key = wanted.content_key and outcome = 'succeeded'
      order by ended_at desc limit 1
    ) as result`.execute(tx.db);
  return new Map(rows.map((row) => [row.content_key, row.id]));
}

/** Ends tasks for which finished work was found: each shows its source's branch, commit and diff. */
export async function endCached(
  tx: TenantTransaction,
  tasks: readonly HeldTask[],
  sourceOf: (task: HeldTask) => string | undefined,
): Promise<NewEvent[]> {
  if (tasks.length === 0) return [];
  const ids = tasks.map((task) => task.id);
  const sourceIds = tasks.map((task) => sourceOf(task) ?? null);
  const { rows } = await sql<Pick<HeldTask, 'id' | 'branch' | 'head_commit' | 'published_commit'>>`
    update tasks set source_task_id = source.id, branch = source.branch, head_commit = source.head_commit,
      published_commit = source.published_commit, changed = source.changed, summary = source.summary, diff_stat = source.diff_stat, diff_sha256 = source.diff_sha256
    from unnest(${ids}::text[], ${sourceIds}::text[]) as pair (id, source_id)
    join tasks as source on source.tenant_id = ${tx.tenantId} and source.id = pair.source_id
    where tasks.tenant_id = ${tx.tenantId} and tasks.id = pair.id
    returning tasks.id, tasks.branch, tasks.head_commit, tasks.published_commit`.execute(tx.db);
  const taken = new Map(rows.map((row) => [row.id, row]));
  const changed = tasks.map((task) => ({ ...task, ...taken.get(task.id) }));
  return endTasks(tx, changed, { outcome: 'skipped_unchanged', reason: 'cached' });
}
