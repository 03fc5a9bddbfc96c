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
 * What a move locks, decides and writes is in migrations/0006. A move is one statement: more of them would cost a tenth of a
 * millisecond of CPU each, here and in PostgreSQL, and hold the locks for the round trips between.
 *
 * Locks are taken in one order: a task's row (by journals), the reservation that moves, the budgets in the order of
 * `nameBudgets`.
 */
import type {
  BudgetState,
  Ledger,
  MovedBudget,
  Movement,
  Reservation,
  ReserveAnswer,
  ReserveRequest,
} from '../ports.ts';
import { ensureBudgets, nameBudgets, toBudgetState, type NamedBudget } from './budgets.ts';
import type { BudgetRow, ReservationRow } from './schema.ts';
import { anyOf } from './task-moves.ts';
import type { Database, TenantCaller, TenantTransaction } from './tenant-transaction.ts';

/** The ledger of a database. */
export function createLedger(database: Database): Ledger {
  const end = (tenantId: string, callId: string, to: 'released' | 'unknown'): Promise<Movement> =>
    endPurchase(database.asTenant(tenantId), callId, { to });

  return {
    async reserve(tenantId, request) {
      const caller = database.asTenant(tenantId);
      const named = nameBudgets(request.budgets, caller.at);
      const answer = await reserve(caller, request, named);
      if (answer !== 'a budget is missing') return answer;
      return makeBudgetsAndReserve(database, tenantId, { request, named });
    },
    settle: (tenantId, callId, costMicroUsd) =>
      endPurchase(database.asTenant(tenantId), callId, { to: 'settled', costMicroUsd }),
    release: (tenantId, callId) => end(tenantId, callId, 'released'),
    markUnknown: (tenantId, callId) => end(tenantId, callId, 'unknown'),

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
  return endPurchase(tx, callId, { to: 'settled', costMicroUsd });
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
  for (const { call_id: callId } of held) await endPurchase(tx, callId, { to: 'unknown' });
}

/** The first purchase from a budget: its row is made with it, or not at all. */
async function makeBudgetsAndReserve(
  database: Database,
  tenantId: string,
  { request, named }: { readonly request: ReserveRequest; readonly named: readonly NamedBudget[] },
): Promise<ReserveAnswer> {
  try {
    return await database.inTenant(tenantId, async (tx) => {
      // Before any row is locked: who waits for somebody's new row holds nothing that this one may want.
      await ensureBudgets(tx, named);
      const answer = await reserve(tx, request, named);
      if (answer === 'a budget is missing') throw new Error('a budget that was made is gone');
      if (!answer.granted && answer.reason !== 'ended') throw new NoRoom(answer);
      return answer;
    });
  } catch (error) {
    if (error instanceof NoRoom) return error.answer;
    throw error;
  }
}

/** A budget has no room: thrown, so that those that were new are gone again. */
class NoRoom extends Error {
  readonly answer: ReserveAnswer;

  constructor(answer: ReserveAnswer) {
    super('no room in a budget');
    this.answer = answer;
  }
}

/** A row of `budgets` in the answer of a move. */
type ToldBudget = Omit<BudgetRow, 'created_at'> & { readonly created_at: string };

/** What reserve_purchase answers. */
type Reserved =
  | { readonly missing: true }
  | {
      readonly purchase: Pick<ReservationRow, 'state' | 'amount_micro_usd'>;
      readonly budgets: readonly ToldBudget[];
    }
  | { readonly has_room: boolean; readonly budgets: readonly ToldBudget[] };

async function reserve(
  caller: TenantCaller,
  { callId, taskId, amountMicroUsd, account, charges }: Omit<ReserveRequest, 'budgets'>,
  named: readonly NamedBudget[],
): Promise<ReserveAnswer | 'a budget is missing'> {
  const answer = await caller.call<Reserved>('reserve_purchase', [
    ...[callId, taskId, amountMicroUsd, named.map(({ id }) => id), account ?? null],
    ...[charges === undefined ? null : JSON.stringify(charges), caller.at],
  ]);
  if ('missing' in answer) return 'a budget is missing';
  const budgets = answer.budgets.map(toRow);
  if ('purchase' in answer) {
    const { state, amount_micro_usd: amount } = answer.purchase;
    if (state !== 'reserved') return { granted: false, reason: 'ended', state };
    const states = budgets.map(toBudgetState);
    return { granted: true, repeated: true, amountMicroUsd: amount, budgets: states };
  }
  if (!answer.has_room) return refusalOf(budgets, amountMicroUsd);
  const change = { reserved: amountMicroUsd, spent: 0, unknown: 0 };
  const states = budgets.map((row) => toBudgetState(after(row, change)));
  return { granted: true, repeated: false, amountMicroUsd, budgets: states };
}

function toRow(told: ToldBudget): BudgetRow {
  return { ...told, created_at: new Date(told.created_at) };
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

type End =
  | { readonly to: 'settled'; readonly costMicroUsd: number }
  | { readonly to: 'released' | 'unknown' };

/** What end_purchase answers. */
interface Ended {
  readonly purchase: Pick<ReservationRow, 'state'>;
  readonly budgets: readonly ToldBudget[];
  /** Left out by an end that came too late. */
  readonly change?: Change;
}

async function endPurchase(caller: TenantCaller, callId: string, end: End): Promise<Movement> {
  const cost = end.to === 'settled' ? end.costMicroUsd : null;
  const values = [callId, end.to, cost, caller.at];
  const answer = await caller.call<Ended | null>('end_purchase', values);
  if (answer === null) throw new Error(`nothing was reserved for the call ${callId}`);
  const { purchase, change } = answer;
  const budgets = answer.budgets.map(toRow);
  if (change === undefined) {
    const states = budgets.map((row) => ({ ...toBudgetState(row), reached: undefined }));
    return { state: purchase.state, moved: false, budgets: states };
  }
  const moved = budgets.map((row) => toMovedBudget(row, change));
  return { state: end.to, moved: true, budgets: moved };
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
