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
  BudgetState,
  Ledger,
  MovedBudget,
  Movement,
  Reservation,
  ReservationState,
  ReserveAnswer,
  ReserveRequest,
} from '../ports.ts';
import { ensureBudgets, nameBudgets, toBudgetState, type NamedBudget } from './budgets.ts';
import type { BudgetRow, ReservationRow } from './schema.ts';
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

/**
 * Gives up what is still held for a task that ends, in the transaction of its end: its calls are over, so a purchase that is
 * held was made by an attempt that died. The task's row is locked.
 */
export async function giveUpPurchases(tx: TenantTransaction, taskId: string): Promise<void> {
  const held = await tx.db
    .selectFrom('reservations')
    .select('call_id')
    .where('tenant_id', '=', tx.tenantId)
    .where('task_id', '=', taskId)
    .where('state', '=', 'reserved')
    .orderBy('call_id')
    .execute();
  for (const { call_id: callId } of held) await moveReservation(tx, callId, { to: 'unknown' });
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
  { budgets, ...purchase }: ReserveRequest,
): Promise<ReserveAnswer> {
  const { callId, amountMicroUsd } = purchase;
  const named = nameBudgets(budgets, tx.at);
  const ids = named.map(({ id }) => id);
  const [reserved] = await Promise.all([
    insertReservation(tx, purchase, ids),
    // Before any row is locked: who waits for somebody's new row holds nothing that this one may want.
    ensureBudgets(tx, named),
  ]);
  if (!reserved) return reservedBefore(tx, callId);
  const change = { reserved: amountMicroUsd, spent: 0, unknown: 0 };
  const answer = await changeBudgets(tx, ids, {
    callId,
    movement: 'reserve',
    change,
    where: 'all have room',
  });
  if (!answer.changed) throw new NoRoom(refusalOf(answer.budgets, amountMicroUsd));
  return {
    granted: true,
    repeated: false,
    amountMicroUsd,
    budgets: answer.budgets.map((row) => toBudgetState(after(row, change))),
  };
}

/** Answers false when the call has a reservation. Waits for who makes one at the same time. */
async function insertReservation(
  tx: TenantTransaction,
  { callId, taskId, amountMicroUsd, account, charges }: Omit<ReserveRequest, 'budgets'>,
  budgetIds: readonly string[],
): Promise<boolean> {
  const { rows } = await sql`
    insert into reservations
      (tenant_id, call_id, task_id, amount_micro_usd, budget_ids, reserved_at, account, charges)
    values (${tx.tenantId}, ${callId}, ${taskId}, ${amountMicroUsd}, ${budgetIds}, ${tx.at}, ${account ?? null},
      ${charges === undefined ? null : JSON.stringify(charges)})
    on conflict do nothing returning true`.execute(tx.db);
  return rows.length > 0;
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
function refusalOf(rows: readonly BudgetRow[], amountMicroUsd: number): ReserveAnswer {
  const states = rows.map(toBudgetState);
  const lacks = (heldMicroUsd: number, state: BudgetState): boolean =>
    heldMicroUsd + state.spentMicroUsd + state.unknownMicroUsd + amountMicroUsd >
    state.limitMicroUsd;
  const exceeded = states.find((state) => lacks(0, state));
  const budget = exceeded ?? states.find((state) => lacks(state.reservedMicroUsd, state));
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
  const [{ budgets, changed }] = await Promise.all([
    changeBudgets(tx, ids, { callId, movement: movements[move.to], change, where: 'always' }),
    sql`
      update reservations
      set state = ${move.to}, cost_micro_usd = ${move.to === 'settled' ? move.costMicroUsd : null}, ended_at = ${tx.at}
      where tenant_id = ${tx.tenantId} and call_id = ${callId}`.execute(tx.db),
  ]);
  if (!changed) throw new Error(`a budget of the call ${callId} is gone`);
  return {
    state: move.to,
    moved: true,
    budgets: budgets.map((budget) => toMovedBudget(budget, change)),
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

/**
 * Locks budgets in the order of `ids`, adds `change` to all of them or to none, and writes the entries. Answers the rows as
 * they were when the locks were held.
 *
 * The lock is a statement of its own: the second one then begins with it, and sees what those did who had it before. One
 * statement that locked and decided would decide on what it saw before it waited. More statements than these would cost
 * a tenth of a millisecond of CPU each; both travel together.
 */
async function changeBudgets(
  tx: TenantTransaction,
  ids: readonly string[],
  {
    callId,
    movement,
    change: { reserved, spent, unknown },
    where,
  }: {
    readonly callId: string;
    readonly movement: 'reserve' | 'settle' | 'release' | 'unknown';
    readonly change: Change;
    readonly where: 'all have room' | 'always';
  },
): Promise<{ readonly budgets: readonly BudgetRow[]; readonly changed: boolean }> {
  const accounts = ['budget', 'reserved', 'spent', 'unknown'];
  const amounts = [-(reserved + spent + unknown), reserved, spent, unknown];
  const lock = sql`
    select from budgets where tenant_id = ${tx.tenantId} and id = ${anyOf(ids)}
    order by array_position(${ids}, id) for no key update`;
  const add = sql<BudgetRow & { readonly changed: boolean }>`
    with held as materialized (
      select * from budgets where tenant_id = ${tx.tenantId} and id = ${anyOf(ids)}
    ), verdict as materialized (
      select count(*) = ${ids.length} and (${where === 'always'} or bool_and(
        reserved_micro_usd + spent_micro_usd + unknown_micro_usd + ${reserved} <= limit_micro_usd
      )) as changed from held
    ), changed as (
      update budgets set
        reserved_micro_usd = reserved_micro_usd + ${reserved},
        spent_micro_usd = spent_micro_usd + ${spent},
        unknown_micro_usd = unknown_micro_usd + ${unknown}
      where tenant_id = ${tx.tenantId} and id = ${anyOf(ids)} and (select changed from verdict)
      returning id
    ), written as (
      insert into ledger_entries (tenant_id, call_id, movement, budget_id, account, amount_micro_usd, at)
      select ${tx.tenantId}, ${callId}, ${movement}, id, account, amount, ${tx.at}
      from changed cross join unnest(${accounts}::text[], ${amounts}::bigint[]) as entry (account, amount)
      where amount <> 0
    )
    select held.*, verdict.changed from held cross join verdict order by array_position(${ids}, id)`;
  const [, { rows }] = await Promise.all([lock.execute(tx.db), add.execute(tx.db)]);
  return { budgets: rows, changed: rows[0]?.changed ?? false };
}

/** A row with a change. */
function after(row: BudgetRow, { reserved, spent, unknown }: Change): BudgetRow {
  return {
    ...row,
    reserved_micro_usd: row.reserved_micro_usd + reserved,
    spent_micro_usd: row.spent_micro_usd + spent,
    unknown_micro_usd: row.unknown_micro_usd + unknown,
  };
}

function toMovedBudget(row: BudgetRow, change: Change): MovedBudget {
  const { level: before } = toBudgetState(row);
  const state = toBudgetState(after(row, change));
  const rose = change.spent + change.unknown > 0 && state.level !== before;
  return { ...state, reached: rose ? state.level : undefined };
}

async function findReservation(
  tx: TenantTransaction,
  callId: string,
  lock?: 'and lock it',
): Promise<ReservationRow | undefined> {
  const { rows } = await sql<ReservationRow>`
    select * from reservations where tenant_id = ${tx.tenantId} and call_id = ${callId}
    ${lock === undefined ? sql`` : sql`for no key update`}`.execute(tx.db);
  return rows[0];
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
