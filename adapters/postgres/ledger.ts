/**
 * The books in PostgreSQL. A purchase is `reserved`, then one of
 *
 *   settled   it was paid: its cost is in `spent`, in full, also where it is more than was reserved
 *   released  nothing was bought: the money is back
 *   unknown   nobody knows: the money stays gone, until an answer turns up after all and settles it
 *
 * A paid answer is booked whatever came before: `settle` is refused only by an earlier `settle`. The others move what is
 * still reserved, and are too late for all else.
 *
 * Locks are taken in one order: a task's row (by journals), the reservation, the budgets in the order of `nameBudgets`.
 */
import { sql } from 'kysely';
import type {
  Ledger,
  MovedBudget,
  Movement,
  Reservation,
  ReservationState,
  ReserveAnswer,
  ReserveRequest,
} from '../ports.ts';
import { ensureBudgets, levelOf, nameBudgets, toBudgetState, type NamedBudget } from './budgets.ts';
import type { BudgetRow, LedgerEntry, ReservationRow } from './schema.ts';
import { anyOf } from './task-moves.ts';
import type { Database, TenantTransaction } from './tenant-transaction.ts';

/** The ledger of a database. */
export function createLedger(database: Database): Ledger {
  const move = (tenantId: string, callId: string, to: 'released' | 'unknown'): Promise<Movement> =>
    database.inTenant(tenantId, (tx) => moveReservation(tx, callId, { to }));

  return {
    async reserve(tenantId, request) {
      try {
        return await database.inTenant(tenantId, (tx) => reserve(tx, request));
      } catch (error) {
        // Thrown, so that the budgets that had room are as they were.
        if (error instanceof NoRoom) return error.answer;
        throw error;
      }
    },
    settle: (tenantId, callId, costMicroUsd) =>
      database.inTenant(tenantId, (tx) => settleReservation(tx, callId, costMicroUsd)),
    release: (tenantId, callId) => move(tenantId, callId, 'released'),
    markUnknown: (tenantId, callId) => move(tenantId, callId, 'unknown'),

    listReservations: (tenantId, taskId) =>
      database.inTenant(tenantId, async (tx) => {
        const rows = await tx.db
          .selectFrom('reservations')
          .selectAll()
          .where('tenant_id', '=', tx.tenantId)
          .where('task_id', '=', taskId)
          .orderBy('reserved_at')
          .orderBy('call_id')
          .execute();
        return rows.map(toReservation);
      }),

    listBudgets: (tenantId, budgets) =>
      database.inTenant(tenantId, async (tx) => {
        const named = nameBudgets(budgets, tx.at);
        const rows = await readBudgets(
          tx,
          named.map(({ id }) => id),
        );
        return named.map((budget) => {
          const row = rows.find(({ id }) => id === budget.id);
          return toBudgetState(row ?? unusedRow(tx, budget));
        });
      }),

    setLimit: (tenantId, budget) =>
      database.inTenant(tenantId, async (tx) => {
        const row = await tx.db
          .insertInto('budgets')
          .values(
            nameBudgets([budget], tx.at).map(({ id, limitMicroUsd }) => ({
              tenant_id: tx.tenantId,
              id,
              limit_micro_usd: limitMicroUsd,
              created_at: tx.at,
            })),
          )
          .onConflict((conflict) =>
            conflict
              .columns(['tenant_id', 'id'])
              .doUpdateSet({ limit_micro_usd: budget.limitMicroUsd }),
          )
          .returningAll()
          .executeTakeFirstOrThrow();
        return toBudgetState(row);
      }),
  };
}

/**
 * Books a paid call in the transaction of who records it. A repetition changes nothing, whatever cost it names.
 * @throws Error when nothing was ever reserved for the call
 */
export async function settleReservation(
  tx: TenantTransaction,
  callId: string,
  costMicroUsd: number,
): Promise<Movement> {
  return moveReservation(tx, callId, { to: 'settled', costMicroUsd });
}

/** A budget has no room. */
class NoRoom extends Error {
  readonly answer: ReserveAnswer;

  constructor(answer: ReserveAnswer) {
    super('no room in a budget');
    this.answer = answer;
  }
}

async function reserve(
  tx: TenantTransaction,
  { callId, taskId, amountMicroUsd, budgets }: ReserveRequest,
): Promise<ReserveAnswer> {
  const named = nameBudgets(budgets, tx.at);
  const ids = named.map(({ id }) => id);
  const [made] = await Promise.all([
    // Waits for who reserves the same call at the same time.
    tx.db
      .insertInto('reservations')
      .values({
        tenant_id: tx.tenantId,
        call_id: callId,
        task_id: taskId,
        amount_micro_usd: amountMicroUsd,
        budget_ids: ids,
        reserved_at: tx.at,
      })
      .onConflict((conflict) => conflict.doNothing())
      .returning('call_id')
      .executeTakeFirst(),
    ensureBudgets(tx, named),
  ]);
  if (made === undefined) return reservedBefore(tx, callId);

  const change = { reserved: amountMicroUsd, spent: 0, unknown: 0 };
  const [, ...rows] = await Promise.all([
    writeEntries(tx, entriesOf({ callId, movement: 'reserve', ids, change, at: tx.at })),
    ...ids.map((id) => changeBudget(tx, id, change, 'where it fits')),
  ]);
  const changed = rows.filter((row) => row !== undefined);
  if (changed.length < ids.length) {
    const known = new Set(changed.map(({ id }) => id));
    const full = await readBudgets(
      tx,
      ids.filter((id) => !known.has(id)),
    );
    throw new NoRoom(refusalOf(full, amountMicroUsd));
  }
  return { granted: true, repeated: false, amountMicroUsd, budgets: changed.map(toBudgetState) };
}

/** The answer when a call's money was reserved before. */
async function reservedBefore(tx: TenantTransaction, callId: string): Promise<ReserveAnswer> {
  const row = await findReservation(tx, callId);
  if (row === undefined) throw new Error(`the reservation of ${callId} is gone`);
  if (row.state !== 'reserved') return { granted: false, reason: 'ended', state: row.state };
  const budgets = await readBudgets(tx, row.budget_ids);
  return {
    granted: true,
    repeated: true,
    amountMicroUsd: row.amount_micro_usd,
    budgets: budgets.map(toBudgetState),
  };
}

/** Of several budgets without room, one that will not have any counts more than one that may. */
function refusalOf(full: readonly BudgetRow[], amountMicroUsd: number): ReserveAnswer {
  const states = full.map(toBudgetState);
  const exceeded = states.find(
    ({ spentMicroUsd, unknownMicroUsd, limitMicroUsd }) =>
      spentMicroUsd + unknownMicroUsd + amountMicroUsd > limitMicroUsd,
  );
  const budget = exceeded ?? states[0];
  if (budget === undefined) throw new Error('a budget without room is gone');
  return { granted: false, reason: exceeded === undefined ? 'held' : 'exceeded', budget };
}

/** What is added to a budget's accounts; the account `budget` gives it. */
interface Change {
  readonly reserved: number;
  readonly spent: number;
  readonly unknown: number;
}

type Move =
  | { readonly to: 'settled'; readonly costMicroUsd: number }
  | { readonly to: 'released' | 'unknown' };

const movements = { settled: 'settle', released: 'release', unknown: 'unknown' } as const;

async function moveReservation(
  tx: TenantTransaction,
  callId: string,
  move: Move,
): Promise<Movement> {
  const row = await findReservation(tx, callId, 'and lock it');
  if (row === undefined) throw new Error(`nothing was reserved for the call ${callId}`);
  const change = changeBy(row, move);
  if (change === undefined) {
    const budgets = await readBudgets(tx, row.budget_ids);
    return {
      state: row.state,
      moved: false,
      budgets: budgets.map((budget) => ({ ...toBudgetState(budget), reached: undefined })),
    };
  }
  const ids = row.budget_ids;
  const movement = movements[move.to];
  const [, , ...rows] = await Promise.all([
    tx.db
      .updateTable('reservations')
      .set({
        state: move.to,
        cost_micro_usd: move.to === 'settled' ? move.costMicroUsd : null,
        ended_at: tx.at,
      })
      .where('tenant_id', '=', tx.tenantId)
      .where('call_id', '=', callId)
      .execute(),
    writeEntries(tx, entriesOf({ callId, movement, ids, change, at: tx.at })),
    ...ids.map((id) => changeBudget(tx, id, change)),
  ]);
  const changed = rows.filter((budget) => budget !== undefined);
  if (changed.length < ids.length) throw new Error(`a budget of the call ${callId} is gone`);
  return {
    state: move.to,
    moved: true,
    budgets: changed.map((budget) => toMovedBudget(budget, change)),
  };
}

/** What a move does to each budget of a call; undefined when it comes too late. */
function changeBy(
  { state, amount_micro_usd: amount }: ReservationRow,
  move: Move,
): Change | undefined {
  const held: Record<ReservationState, Change> = {
    reserved: { reserved: -amount, spent: 0, unknown: 0 },
    unknown: { reserved: 0, spent: 0, unknown: -amount },
    released: { reserved: 0, spent: 0, unknown: 0 },
    settled: { reserved: 0, spent: 0, unknown: 0 },
  };
  if (move.to === 'settled') {
    return state === 'settled' ? undefined : { ...held[state], spent: move.costMicroUsd };
  }
  if (state !== 'reserved') return undefined;
  return move.to === 'unknown' ? { ...held.reserved, unknown: amount } : held.reserved;
}

function entriesOf({
  callId,
  movement,
  ids,
  change,
  at,
}: {
  readonly callId: string;
  readonly movement: LedgerEntry['movement'];
  readonly ids: readonly string[];
  readonly change: Change;
  readonly at: Date;
}): LedgerEntry[] {
  const given = -(change.reserved + change.spent + change.unknown);
  const amounts = Object.entries({ budget: given, ...change }) as [
    LedgerEntry['account'],
    number,
  ][];
  return ids.flatMap((id) =>
    amounts
      .filter(([, amount]) => amount !== 0)
      .map(([account, amount]) => ({
        call_id: callId,
        movement,
        budget_id: id,
        account,
        amount_micro_usd: amount,
        at,
      })),
  );
}

/** One statement, as the trigger that balances them wants it; none when a call costs nothing. */
async function writeEntries(tx: TenantTransaction, entries: readonly LedgerEntry[]): Promise<void> {
  if (entries.length === 0) return;
  await tx.db
    .insertInto('ledger_entries')
    .values(entries.map((entry) => ({ tenant_id: tx.tenantId, ...entry })))
    .execute();
}

/** Changes one budget, and answers its row; undefined when it does not fit and was asked to. */
async function changeBudget(
  tx: TenantTransaction,
  id: string,
  change: Change,
  condition?: 'where it fits',
): Promise<BudgetRow | undefined> {
  return tx.db
    .updateTable('budgets')
    .set((eb) => ({
      reserved_micro_usd: eb('reserved_micro_usd', '+', change.reserved),
      spent_micro_usd: eb('spent_micro_usd', '+', change.spent),
      unknown_micro_usd: eb('unknown_micro_usd', '+', change.unknown),
    }))
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', id)
    .$if(condition === 'where it fits', (query) =>
      query.where(
        sql<boolean>`reserved_micro_usd + spent_micro_usd + unknown_micro_usd + ${change.reserved} <= limit_micro_usd`,
      ),
    )
    .returningAll()
    .executeTakeFirst();
}

function toMovedBudget(row: BudgetRow, change: Change): MovedBudget {
  const state = toBudgetState(row);
  const gone = state.spentMicroUsd + state.unknownMicroUsd;
  const before = levelOf(gone - change.spent - change.unknown, state.limitMicroUsd);
  const rose = change.spent + change.unknown > 0 && state.level !== before;
  return { ...state, reached: rose ? state.level : undefined };
}

async function findReservation(
  tx: TenantTransaction,
  callId: string,
  lock?: 'and lock it',
): Promise<ReservationRow | undefined> {
  return tx.db
    .selectFrom('reservations')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('call_id', '=', callId)
    .$if(lock === 'and lock it', (query) => query.forNoKeyUpdate())
    .executeTakeFirst();
}

async function readBudgets(tx: TenantTransaction, ids: readonly string[]): Promise<BudgetRow[]> {
  return tx.db
    .selectFrom('budgets')
    .selectAll()
    .where('tenant_id', '=', tx.tenantId)
    .where('id', '=', anyOf(ids))
    .execute();
}

/** The row that the first use will make. */
function unusedRow(tx: TenantTransaction, { id, limitMicroUsd }: NamedBudget): BudgetRow {
  return {
    tenant_id: tx.tenantId,
    id,
    limit_micro_usd: limitMicroUsd,
    reserved_micro_usd: 0,
    spent_micro_usd: 0,
    unknown_micro_usd: 0,
    created_at: tx.at,
  };
}

function toReservation(row: ReservationRow): Reservation {
  return {
    callId: row.call_id,
    taskId: row.task_id,
    state: row.state,
    amountMicroUsd: row.amount_micro_usd,
    costMicroUsd: row.cost_micro_usd ?? undefined,
    reservedAt: row.reserved_at,
  };
}
