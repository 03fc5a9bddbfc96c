/** Rows of budgets: their names, their order, and how far they are used up. */
import { sql } from 'kysely';
import { dayEndOf } from '../../config/day-end.ts';
import { dateIn } from '../../contracts/calendar.ts';
import type { BudgetLevel, BudgetSpec, BudgetState } from '../ports.ts';
import type { BudgetRow } from './schema.ts';
import type { TenantTransaction } from './tenant-transaction.ts';

/** A budget as a row is made from it. */
export interface NamedBudget {
  readonly id: string;
  readonly limitMicroUsd: number;
}

/**
 * Names budgets, in the order in which everybody locks their rows: those that few calls share come first, so that the
 * row that all calls of a tenant need is locked for the shortest time.
 * @throws RangeError when a time zone is unknown
 */
export function nameBudgets(budgets: readonly BudgetSpec[], at: Date): NamedBudget[] {
  return budgets
    .map((budget) => ({
      id: nameOf(budget, at),
      limitMicroUsd: budget.limitMicroUsd,
      rank: lockRanks[budget.kind],
    }))
    .sort((one, other) => one.rank - other.rank || (one.id < other.id ? -1 : 1))
    .map(({ id, limitMicroUsd }) => ({ id, limitMicroUsd }));
}

const lockRanks = { task: 0, batch: 1, tenant: 2, day: 3 } as const satisfies Record<
  BudgetSpec['kind'],
  number
>;

function nameOf(budget: BudgetSpec, at: Date): string {
  switch (budget.kind) {
    case 'task':
    case 'batch':
      return `${budget.kind}:${budget.id}`;
    case 'tenant':
      return 'tenant';
    case 'day':
      return `day:${dateIn(budget.timeZone, at)}@${budget.timeZone}`;
  }
}

/** Makes the rows that are not there yet. All make them in the same order, so nobody waits in a circle. */
export async function ensureBudgets(
  tx: TenantTransaction,
  budgets: readonly NamedBudget[],
): Promise<void> {
  const ids = budgets.map(({ id }) => id);
  const limits = budgets.map(({ limitMicroUsd }) => limitMicroUsd);
  await sql`
    insert into budgets (tenant_id, id, limit_micro_usd, created_at)
    select ${tx.tenantId}, id, limit_micro_usd, ${tx.at}
    from unnest(${ids}::text[], ${limits}::bigint[]) with ordinality as made (id, limit_micro_usd, place)
    order by place on conflict do nothing`.execute(tx.db);
}

/** Where a budget stands, from its row. */
export function toBudgetState(row: BudgetRow): BudgetState {
  return {
    id: row.id,
    limitMicroUsd: row.limit_micro_usd,
    reservedMicroUsd: row.reserved_micro_usd,
    spentMicroUsd: row.spent_micro_usd,
    unknownMicroUsd: row.unknown_micro_usd,
    level: levelOf(row.spent_micro_usd + row.unknown_micro_usd, row.limit_micro_usd),
    ...endOf(row),
  };
}

/** Ends of days, by budget: to find one takes a search over the calendar of its time zone. */
const dayEnds = new Map<string, Date>();
const maxDayEnds = 100;

/** When the day of a budget ends. */
function endOf({ id, created_at: createdAt }: BudgetRow): Pick<BudgetState, 'endsAt'> {
  const timeZone = /^day:[^@]+@(.+)$/.exec(id)?.[1];
  if (timeZone === undefined) return {};
  // Its row was made on its day.
  const endsAt = dayEnds.get(id) ?? new Date(dayEndOf(createdAt.getTime(), timeZone));
  if (dayEnds.size === maxDayEnds) dayEnds.clear();
  dayEnds.set(id, endsAt);
  return { endsAt };
}

/** How far a budget is used up by what is gone: what is only held may come back, and a warning could not. */
function levelOf(goneMicroUsd: number, limitMicroUsd: number): BudgetLevel {
  const reaches = (percent: number): boolean => goneMicroUsd * 100 >= limitMicroUsd * percent;
  if (reaches(100)) return 'stop';
  if (reaches(95)) return 'pause';
  return reaches(80) ? 'warn' : 'ok';
}
