/**
 * What was spent, added up when it is asked for: nothing is kept beside the records, so nothing drifts. Both tables are
 * read by tenant and time; a million records in the period take 2 to 5 s (2 cores, busy).
 */
import { sql, type RawBuilder } from 'kysely';
import { z } from 'zod';
import { AppError } from '../../contracts/errors.ts';
import type { Purchase, Usage, UsageGroup, UsageRow } from '../../contracts/usage.schema.ts';
import type { Actor, Page, UsageFilter, UsageStore } from '../ports.ts';
import { byAge, readCursor, toPage } from './page-cursor.ts';
import { toInstant } from './task-rows.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** How many of the latest tasks tell what a task costs. */
const latestTasks = 100;

/** The usage store of a database. */
export function createUsageStore(database: Database): UsageStore {
  return {
    sumUsage: (actor, filter) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const [rows, [total]] = await Promise.all([
          sumGroups(tx, filter),
          sumGroups(tx, { ...filter, by: 'tenant', limit: 1, cursor: undefined }),
        ]);
        const page = toPage(rows, filter.limit, toRow(actor, filter.by), ({ key, ...sums }) => [
          sums.cost_micro_usd,
          key,
        ]);
        return { ...page, total: total === undefined ? nothing : toTotal(total) };
      }),

    sumCosts: (actor, periods) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const { rows } = await sql<{ readonly spent: number }>`
          select coalesce(sum(cost_micro_usd), 0)::bigint as spent
          from unnest(
            ${periods.map(({ from }) => from)}::timestamptz[], ${periods.map(({ to }) => to)}::timestamptz[]
          ) with ordinality as period (from_at, to_at, place)
          left join usage_records on tenant_id = ${tx.tenantId} and at >= from_at and at < to_at
          group by place order by place`.execute(tx.db);
        return rows.map(({ spent }) => spent);
      }),

    findFirstCall: (actor) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const row = await tx.db
          .selectFrom('usage_records')
          .select('at')
          .where('tenant_id', '=', tx.tenantId)
          .orderBy('at')
          .limit(1)
          .executeTakeFirst();
        return row?.at;
      }),

    listPurchases: (actor, filter) =>
      database.inTenant(actor.tenantId, (tx) => listPurchases(tx, filter)),

    findTaskCosts: (actor, model) =>
      database.inTenant(actor.tenantId, async (tx) => {
        const { rows } = await sql<{ readonly tasks: number; readonly p90: number | null }>`
          select count(*) as tasks, percentile_disc(0.9) within group (order by spent)::bigint as p90 from (
            select sum(usage_records.cost_micro_usd)::bigint as spent
            from (
              select id, attempt from tasks
              where tenant_id = ${tx.tenantId} and model = ${model} and outcome in ('succeeded', 'failed')
              order by created_at desc limit ${latestTasks}
            ) as task
            join usage_records on usage_records.tenant_id = ${tx.tenantId}
              and task_id = task.id and usage_records.attempt = task.attempt
            group by task_id
          ) as of_task`.execute(tx.db);
        return { tasks: rows[0]?.tasks ?? 0, p90MicroUsd: rows[0]?.p90 ?? 0 };
      }),
  };
}

interface GroupRow {
  /** Empty: has none. */
  readonly key: string;
  readonly label: string | null;
  readonly calls: number;
  readonly input_tokens: number;
  readonly cache_read_tokens: number;
  readonly cache_write_tokens: number;
  readonly cache_write_1h_tokens: number;
  readonly output_tokens: number;
  readonly reasoning_tokens: number;
  readonly cost_micro_usd: number;
  readonly held_micro_usd: number;
  readonly unknown_micro_usd: number;
  readonly unknown_calls: number;
}

/** What a row's key is made of, in a record and in a reservation; what a reservation does not say is null. */
interface GroupKey {
  readonly ofRecord: RawBuilder<unknown>;
  readonly ofReservation: RawBuilder<unknown> | null;
  /** What both must be joined with for it. */
  readonly join?: RawBuilder<unknown>;
  /** What people call it, by its key. */
  readonly label?: RawBuilder<unknown>;
}

function keyOf(tx: TenantTransaction, by: UsageGroup, timeZone: string): GroupKey {
  const day = (column: string) =>
    sql`to_char(${sql.ref(column)} at time zone ${timeZone}::text, 'YYYY-MM-DD')`;
  const both = (key: RawBuilder<unknown>) => ({ ofRecord: key, ofReservation: key });
  switch (by) {
    case 'provider':
      return { ofRecord: sql`provider`, ofReservation: null };
    case 'model':
      return { ofRecord: sql`provider || ':' || model`, ofReservation: null };
    case 'account':
      return both(sql`account`);
    case 'day':
      return { ofRecord: day('at'), ofReservation: day('reserved_at') };
    case 'tenant':
      return both(sql`${tx.tenantId}::text`);
    case 'task':
      return {
        ...both(sql`task_id`),
        label: sql`(select repository from tasks where tenant_id = ${tx.tenantId} and id = key)`,
      };
    case 'batch':
      return {
        ...both(sql`batch_id`),
        // Looked up for each record by itself, it would take four times as long as all the rest.
        join: sql`left join (select id, batch_id from tasks where tenant_id = ${tx.tenantId}) as task on id = task_id`,
        label: sql`(select name from batches where tenant_id = ${tx.tenantId} and id = key)`,
      };
  }
}

const afterRow = z.tuple([z.number(), z.string()]);

/** One row more than a page holds. */
async function sumGroups(
  tx: TenantTransaction,
  { by, from, to, timeZone, batchId, limit, cursor }: UsageFilter,
): Promise<GroupRow[]> {
  const { ofRecord, ofReservation, join = sql``, label = sql`null` } = keyOf(tx, by, timeZone);
  const ofBatch =
    batchId === undefined
      ? sql``
      : sql`and task_id in (select id from tasks where tenant_id = ${tx.tenantId} and batch_id = ${batchId})`;
  const [cost, key] = readCursor(cursor, afterRow) ?? [];
  const isLater =
    by === 'day'
      ? sql`key > ${key ?? ''}`
      : sql`cost_micro_usd < ${cost ?? null}::bigint or (cost_micro_usd = ${cost ?? null}::bigint and key > ${key ?? ''})`;
  const { rows } = await sql<GroupRow>`
    with entries as (
      select coalesce(${ofRecord}, '') as key, 1 as calls, input_tokens, cache_read_tokens, cache_write_tokens,
        cache_write_1h_tokens, output_tokens, reasoning_tokens, cost_micro_usd,
        0::bigint as held_micro_usd, 0::bigint as unknown_micro_usd, 0 as unknown_calls
      from usage_records ${join}
      where tenant_id = ${tx.tenantId} and at >= ${from} and at < ${to} ${ofBatch}
      union all
      select coalesce(${ofReservation ?? sql`null`}, ''), 0, 0, 0, 0, 0, 0, 0, 0,
        case state when 'reserved' then amount_micro_usd else 0 end,
        case state when 'unknown' then amount_micro_usd else 0 end,
        case state when 'unknown' then 1 else 0 end
      from reservations ${join}
      where tenant_id = ${tx.tenantId} and state in ('reserved', 'unknown')
        and reserved_at >= ${from} and reserved_at < ${to} and ${ofReservation !== null} ${ofBatch}
    ), sums as (
      select key, sum(calls)::bigint as calls, sum(input_tokens)::bigint as input_tokens,
        sum(cache_read_tokens)::bigint as cache_read_tokens, sum(cache_write_tokens)::bigint as cache_write_tokens,
        sum(cache_write_1h_tokens)::bigint as cache_write_1h_tokens, sum(output_tokens)::bigint as output_tokens,
        sum(reasoning_tokens)::bigint as reasoning_tokens, sum(cost_micro_usd)::bigint as cost_micro_usd,
        sum(held_micro_usd)::bigint as held_micro_usd, sum(unknown_micro_usd)::bigint as unknown_micro_usd,
        sum(unknown_calls)::bigint as unknown_calls
      from entries group by key
    ), page as (
      select * from sums where ${cursor === undefined} or ${isLater}
      order by ${by === 'day' ? sql`key` : sql`cost_micro_usd desc, key`} limit ${limit + 1}
    )
    select page.*, ${label} as label from page
    order by ${by === 'day' ? sql`key` : sql`cost_micro_usd desc, key`}`.execute(tx.db);
  return rows;
}

function toRow(actor: Actor, by: UsageGroup): (row: GroupRow) => UsageRow {
  return (row) => ({
    key: row.key === '' ? null : row.key,
    label: by === 'tenant' ? actor.tenantName : (row.label ?? undefined),
    ...toSums(row),
    open: by === 'provider' || by === 'model' ? undefined : toOpen(row),
  });
}

function toTotal(row: GroupRow): Usage['total'] {
  return { ...toSums(row), open: toOpen(row) };
}

function toSums(row: GroupRow) {
  return {
    calls: row.calls,
    inputTokens: row.input_tokens,
    cacheReadTokens: row.cache_read_tokens,
    cacheWriteTokens: row.cache_write_tokens,
    cacheWriteHourTokens: row.cache_write_1h_tokens,
    outputTokens: row.output_tokens,
    reasoningTokens: row.reasoning_tokens,
    costMicroUsd: row.cost_micro_usd,
  };
}

function toOpen(row: GroupRow): Usage['total']['open'] {
  return {
    heldMicroUsd: row.held_micro_usd,
    unknownMicroUsd: row.unknown_micro_usd,
    unknownCalls: row.unknown_calls,
  };
}

/** The sums of no calls. */
const nothing: Usage['total'] = {
  calls: 0,
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWriteTokens: 0,
  cacheWriteHourTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
  costMicroUsd: 0,
  open: { heldMicroUsd: 0, unknownMicroUsd: 0, unknownCalls: 0 },
};

async function listPurchases(
  tx: TenantTransaction,
  { state, taskId, limit, cursor }: Parameters<UsageStore['listPurchases']>[1],
): Promise<Page<Purchase>> {
  let query = tx.db
    .selectFrom('reservations')
    .innerJoin('tasks', (join) =>
      join
        .onRef('tasks.tenant_id', '=', 'reservations.tenant_id')
        .onRef('tasks.id', '=', 'reservations.task_id'),
    )
    .selectAll('reservations')
    .select('tasks.repository')
    .where('reservations.tenant_id', '=', tx.tenantId);
  // Literally: a plan for any state could not take the index of the open ones.
  if (state !== undefined) query = query.where('state', '=', sql.lit(state));
  if (taskId !== undefined) query = query.where('task_id', '=', taskId);
  const before = readCursor(cursor, byAge);
  if (before !== undefined) {
    const [atMs, callId] = before;
    query = query.where(sql<boolean>`(reserved_at, call_id) < (${new Date(atMs)}, ${callId})`);
  }
  const rows = await query
    .orderBy('reserved_at', 'desc')
    .orderBy('call_id', 'desc')
    .limit(limit + 1)
    .execute();
  if (rows.length === 0 && taskId !== undefined) await assertTask(tx, taskId);
  return toPage(
    rows,
    limit,
    (row) => ({
      callId: row.call_id,
      taskId: row.task_id,
      repository: row.repository,
      state: row.state,
      amountMicroUsd: row.amount_micro_usd,
      costMicroUsd: row.cost_micro_usd ?? undefined,
      account: row.account ?? undefined,
      reservedAt: row.reserved_at.toISOString(),
      endedAt: toInstant(row.ended_at),
    }),
    (row) => [row.reserved_at.getTime(), row.call_id],
  );
}

async function assertTask(tx: TenantTransaction, taskId: string): Promise<void> {
  const row = await tx.db
    .selectFrom('tasks')
    .select('id')
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', taskId)
    .executeTakeFirst();
  if (row === undefined) throw new AppError('TASK_NOT_FOUND', `no task ${taskId}`);
}
