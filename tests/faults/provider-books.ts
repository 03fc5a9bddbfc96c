/**
 * The books of a test's tasks against the log of the provider that billed them. A line of the log and a record of the
 * ledger are the same call when the answer's id is the same; a broken-off answer has no id on record, and is found by
 * what the provider had told of its usage.
 */
import type { CallLine } from '../../cli/emulator/call-log.ts';
import { vendors } from './emulated-provider.ts';
import { queryAdo } from './fault-world.ts';
import type { AdoDatabase } from './fault-world.ts';

/** What the books of some tasks say, and how the provider's log differs from it. */
export interface Books {
  /** Calls that the provider billed. */
  readonly billed: number;
  readonly records: number;
  /** Records that no line of the log explains with the same tokens and the same cost. */
  readonly unexplained: number;
  /** What the records cost, less what the provider charged for the same calls, in micro-dollars. */
  readonly offMicroUsd: number;
  /** Calls that were billed and are not on record: nobody was left to hear the answer. */
  readonly unheard: number;
  /** Purchases that the ledger holds as `unknown`. */
  readonly unknown: number;
  /** Calls of `unheard` beyond those of `unknown`. */
  readonly unheld: number;
  /** Purchases of a step that were begun although its answer was on record. */
  readonly paidTwice: number;
  /** Purchases beyond the first of each step, and beyond those that replace one that was lost or broke off. */
  readonly reboughtTooOften: number;
  /** Money that is still held although all tasks have ended, and sums of accounts that differ. */
  readonly budgetsOff: number;
  /** Budgets whose spending is above their limit. */
  readonly budgetsExceeded: number;
}

/** Books to which nothing is to be objected, whatever was lost. */
export const exactBooks = {
  unexplained: 0,
  offMicroUsd: 0,
  unheld: 0,
  paidTwice: 0,
  reboughtTooOften: 0,
  budgetsOff: 0,
  budgetsExceeded: 0,
} as const;

/** The figures of books that must be those of `exactBooks`. */
export function faultsOf(books: Books): Record<keyof typeof exactBooks, number> {
  const names = Object.keys(exactBooks) as (keyof typeof exactBooks)[];
  const picked = names.map((name) => [name, books[name]]);
  return Object.fromEntries(picked) as Record<keyof typeof exactBooks, number>;
}

interface Priced {
  readonly inputTokens: number;
  readonly outputTokens: number;
}

/** What a vendor charges for a call of its model, in micro-dollars. */
export function chargeFor(model: string, { inputTokens, outputTokens }: Priced): number {
  const vendor = Object.values(vendors).find((one) => one.model === model);
  if (vendor === undefined) throw new Error(`no price of ${model}`);
  // In hundredths, as prices of a token need not be whole micro-dollars.
  const cents =
    Math.round(vendor.input * 100) * inputTokens + Math.round(vendor.output * 100) * outputTokens;
  return Math.ceil(cents / 100);
}

interface RecordRow {
  readonly request_id: string | null;
  readonly model: string;
  readonly input_tokens: string;
  readonly output_tokens: string;
  readonly cost_micro_usd: string;
}

interface ReservationRow {
  readonly call_id: string;
  readonly state: 'reserved' | 'settled' | 'released' | 'unknown';
  readonly reserved_at: Date;
  readonly ended_at: Date | null;
  readonly has_answer: boolean;
}

/** Compares the books of these tasks with the lines that the provider's log has of their calls, and of no others. */
export async function compareBooks(
  world: AdoDatabase,
  lines: readonly CallLine[],
  taskIds: readonly string[],
): Promise<Books> {
  const [records, reservations, budgets] = await Promise.all([
    queryAdo<RecordRow>(world, 'select * from usage_records where task_id = any($1)', [taskIds]),
    queryAdo<ReservationRow>(
      world,
      `select call_id, state, reserved_at, ended_at, exists (
         select from usage_records where usage_records.tenant_id = reservations.tenant_id
           and usage_records.call_id = reservations.call_id and request_id is not null
       ) as has_answer
       from reservations where task_id = any($1)`,
      [taskIds],
    ),
    checkBudgets(world),
  ]);
  const billed = lines.filter(isBilled);
  const { matched, unexplained } = match(records, billed);
  const unheard = billed.length - matched.size;
  const charged = [...matched].reduce((sum, line) => sum + chargeFor(line.model, toldBy(line)), 0);
  const booked = records.reduce((sum, { cost_micro_usd: cost }) => sum + Number(cost), 0);
  const unknown = reservations.filter(({ state }) => state === 'unknown').length;
  return {
    billed: billed.length,
    records: records.length,
    unexplained,
    offMicroUsd: booked - charged,
    unheard,
    unknown,
    unheld: Math.max(0, unheard - unknown),
    ...countPurchases(reservations),
    ...budgets,
  };
}

function isBilled({ billed, duplicateOf }: CallLine): boolean {
  return billed.inputTokens + billed.outputTokens > 0 || duplicateOf !== undefined;
}

/** What the client could know of a call's usage. */
function toldBy({ outcome, told, billed }: CallLine): Priced {
  return outcome === 'delivered' ? (told ?? billed) : (told ?? { inputTokens: 0, outputTokens: 0 });
}

/** Finds the line of each record. */
function match(
  records: readonly RecordRow[],
  lines: readonly CallLine[],
): { readonly matched: ReadonlySet<CallLine>; readonly unexplained: number } {
  const matched = new Set<CallLine>();
  let unexplained = 0;
  for (const record of records) {
    const line = lines.find(
      (one) =>
        !matched.has(one) &&
        (record.request_id === null ? one.outcome !== 'delivered' : one.id === record.request_id) &&
        isSame(record, one),
    );
    if (line === undefined) unexplained += 1;
    else matched.add(line);
  }
  return { matched, unexplained };
}

function isSame(record: RecordRow, line: CallLine): boolean {
  const told = toldBy(line);
  return (
    record.model === line.model &&
    Number(record.input_tokens) === told.inputTokens &&
    Number(record.output_tokens) === told.outputTokens &&
    Number(record.cost_micro_usd) === chargeFor(line.model, told)
  );
}

/** Looks at the purchases of each step. What was released was never made. */
function countPurchases(rows: readonly ReservationRow[]) {
  const made = rows.filter(({ state }) => state !== 'released');
  const stepOf = ({ call_id: callId }: ReservationRow) => callId.slice(0, callId.lastIndexOf('.'));
  let [paidTwice, rebought, replaced] = [0, 0, 0];
  for (const purchases of Map.groupBy(made, stepOf).values()) {
    const endedAt = purchases.find((one) => one.has_answer)?.ended_at ?? new Date(8.64e15);
    paidTwice += purchases.filter((one) => one.reserved_at > endedAt).length;
    rebought += purchases.length - 1;
    replaced += purchases.filter((one) => !one.has_answer).length;
  }
  return { paidTwice, reboughtTooOften: Math.max(0, rebought - replaced) };
}

/** Holds each budget against its purchases, and against its entries. */
async function checkBudgets(world: AdoDatabase) {
  const [row] = await queryAdo<{ off: string; exceeded: string }>(
    world,
    `with purchases as (
       select tenant_id, unnest(budget_ids) as id, state, amount_micro_usd as amount, cost_micro_usd as cost
       from reservations
     ), sums as (
       select tenant_id, id,
         coalesce(sum(amount) filter (where state = 'reserved'), 0) as reserved,
         coalesce(sum(cost) filter (where state = 'settled'), 0) as spent,
         coalesce(sum(amount) filter (where state = 'unknown'), 0) as unknown
       from purchases group by tenant_id, id
     ), entries as (
       select tenant_id, budget_id as id,
         coalesce(sum(amount_micro_usd) filter (where account = 'reserved'), 0) as reserved,
         coalesce(sum(amount_micro_usd) filter (where account = 'spent'), 0) as spent,
         coalesce(sum(amount_micro_usd) filter (where account = 'unknown'), 0) as unknown
       from ledger_entries group by tenant_id, budget_id
     )
     select
       count(*) filter (where
         (reserved_micro_usd, spent_micro_usd, unknown_micro_usd)
           is distinct from (coalesce(sums.reserved, 0), coalesce(sums.spent, 0), coalesce(sums.unknown, 0))
         or (reserved_micro_usd, spent_micro_usd, unknown_micro_usd)
           is distinct from (coalesce(entries.reserved, 0), coalesce(entries.spent, 0), coalesce(entries.unknown, 0))
         or reserved_micro_usd <> 0
       ) as off,
       count(*) filter (where spent_micro_usd > limit_micro_usd) as exceeded
     from budgets left join sums using (tenant_id, id) left join entries using (tenant_id, id)`,
  );
  return { budgetsOff: Number(row?.off), budgetsExceeded: Number(row?.exceeded) };
}
