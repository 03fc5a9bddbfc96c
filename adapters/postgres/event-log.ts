/**
 * Events: each task and each batch is a stream, numbered 1, 2, 3 … by a counter in its row. The counter is raised under
 * the row's lock and the events are inserted in the same transaction. So there are no gaps, and a reader who has seen
 * number n has seen all before it: n+1 cannot be committed before n.
 *
 * Order of locks, everywhere: rows of tasks (several of one batch: by item index), then the row of the batch.
 */
import { sql } from 'kysely';
import type { Event, NewEvent } from '../../contracts/event.schema.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** An event with its place. */
export interface PlacedEvent {
  readonly streamId: string;
  readonly seq: number;
  readonly event: NewEvent;
}

/** Gives events the places after `lastSeq` in a stream. */
export function placeEvents(
  streamId: string,
  lastSeq: number,
  events: readonly NewEvent[],
): PlacedEvent[] {
  return events.map((event, index) => ({ streamId, seq: lastSeq + 1 + index, event }));
}

/**
 * The INSERT of events, alone or as a part of the statement that raises their streams' counters. The rows whose counters
 * these are must be locked.
 */
export function insertOfEvents(tx: TenantTransaction, placed: readonly PlacedEvent[]) {
  return sql`
    insert into events (tenant_id, stream_id, seq, type, data, at)
    select ${tx.tenantId}, stream_id, seq, type, data::json, ${tx.at}
    from unnest(
      ${placed.map((row) => row.streamId)}::text[], ${placed.map((row) => row.seq)}::integer[],
      ${placed.map((row) => row.event.type)}::text[], ${placed.map((row) => JSON.stringify(row.event.data))}::text[]
    ) as row (stream_id, seq, type, data)`;
}

/** Appends events to a batch's stream. Takes the lock of the batch's row: the last lock of a transaction. */
export async function appendBatchEvents(
  tx: TenantTransaction,
  batchId: string,
  events: readonly NewEvent[],
): Promise<void> {
  if (events.length === 0) return;
  await sql`
    with counted as (
      update batches set event_seq = event_seq + ${events.length}
      where tenant_id = ${tx.tenantId} and id = ${batchId}
      returning event_seq - ${events.length} as last_seq
    )
    insert into events (tenant_id, stream_id, seq, type, data, at)
    select ${tx.tenantId}, ${batchId}, last_seq + place, type, data::json, ${tx.at}
    from counted, unnest(
      ${events.map((event) => event.type)}::text[], ${events.map((event) => JSON.stringify(event.data))}::text[]
    ) with ordinality as row (type, data, place)`.execute(tx.db);
}

/** Events of a stream after a number, in order. */
export async function listEvents(
  tx: TenantTransaction,
  streamId: string,
  afterSeq: number,
  limit: number,
): Promise<Event[]> {
  const rows = await tx.db
    .selectFrom('events')
    .select(['seq', 'type', 'data', 'at'])
    .where('tenant_id', '=', tx.tenantId)
    .where('stream_id', '=', streamId)
    .where('seq', '>', afterSeq)
    .orderBy('seq')
    .limit(limit)
    .execute();
  // Type and data were written together from one NewEvent.
  return rows.map((row) => ({ stream: streamId, ...row, at: row.at.toISOString() }) as Event);
}
