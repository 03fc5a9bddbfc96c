/** What was used of model accounts, over all tenants: what a limit's window begins with when Redis has lost it. */
import { sql, type RawBuilder } from 'kysely';
import type { ChargeRule } from '../../config/providers-config.ts';
import type { UsedSince } from '../models/limit-scopes.ts';
import type { Database } from './tenant-transaction.ts';

/** What an answer counted as. What was asked for at most is not kept: what was made stands for it. */
const counted: Readonly<Record<ChargeRule, RawBuilder<number>>> = {
  requests: sql`1`,
  input: sql`input_tokens`,
  uncached_input: sql`input_tokens - cache_read_tokens`,
  output_actual: sql`output_tokens`,
  max_tokens: sql`output_tokens`,
  total: sql`input_tokens + output_tokens`,
  micro_usd: sql`cost_micro_usd`,
};

/**
 * Makes the answer from the records of a database: what answers counted as, and what calls under way, or lost, were expected
 * to. Those are counted for every model of their account, as a window is rather too full than too empty.
 * It throws STORE_UNAVAILABLE.
 */
export function createUsedSince(database: Database): UsedSince {
  return ({ account, model, charge }, sinceMs) =>
    database.asSystem(async ({ db }) => {
      const since = new Date(sinceMs);
      const { rows } = await sql<{ used: number }>`
        select ((
          select coalesce(sum(${counted[charge]}), 0) from usage_records
          where account = ${account} and at >= ${since} and model = coalesce(${model ?? null}, model)
        ) + (
          select coalesce(sum((charges ->> ${charge})::numeric), 0) from reservations
          where account = ${account} and reserved_at >= ${since} and state in ('reserved', 'unknown')
        ))::float8 as used`.execute(db);
      return rows[0]?.used ?? 0;
    });
}
