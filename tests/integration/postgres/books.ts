/** What an auditor of the ledger looks at, past the ledger's own code. */
import { sql } from 'kysely';
import type { Actor } from '../../../adapters/ports.ts';
import type { PostgresWorld } from './postgres-world.ts';

/** The books of one tenant. */
export interface Books {
  /** Sums of the entries by account: `spent:tenant`, `reserved:task:a`, … */
  readonly accounts: Readonly<Record<string, number>>;
  /** Movements that do not sum to 0. */
  readonly unbalanced: number;
  /** Budgets whose row says something else than their entries. */
  readonly deviating: readonly string[];
  readonly entries: number;
}

/** Reads the books. */
export async function readBooks(world: PostgresWorld, actor: Actor): Promise<Books> {
  return world.database.inTenant(actor.tenantId, async ({ db }) => {
    const { rows: accounts } = await sql<{ name: string; amount: number; entries: number }>`
      select account || ':' || budget_id as name, sum(amount_micro_usd)::bigint as amount, count(*) as entries
      from ledger_entries group by 1`.execute(db);
    const { rows: unbalanced } = await sql`
      select from ledger_entries group by call_id, movement having sum(amount_micro_usd) <> 0`.execute(
      db,
    );
    const { rows: deviating } = await sql<{ id: string }>`
      select id from budgets
      left join (
        select budget_id,
          coalesce(sum(amount_micro_usd) filter (where account = 'reserved'), 0) as reserved,
          coalesce(sum(amount_micro_usd) filter (where account = 'spent'), 0) as spent,
          coalesce(sum(amount_micro_usd) filter (where account = 'unknown'), 0) as unknown
        from ledger_entries group by budget_id
      ) as entries on budget_id = id
      where (reserved_micro_usd, spent_micro_usd, unknown_micro_usd)
        <> (coalesce(reserved, 0), coalesce(spent, 0), coalesce(unknown, 0))`.execute(db);
    return {
      accounts: Object.fromEntries(accounts.map(({ name, amount }) => [name, amount])),
      unbalanced: unbalanced.length,
      deviating: deviating.map(({ id }) => id),
      entries: accounts.reduce((sum, { entries }) => sum + entries, 0),
    };
  });
}
