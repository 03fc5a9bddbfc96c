/** What was spent in a period. */
import type { Actor, Page } from '../../adapters/ports.ts';
import { dateIn, monthOf, startOfDay } from '../../contracts/calendar.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Usage, UsageQuery, UsageRow } from '../../contracts/usage.schema.ts';
import type { ApiDeps } from '../deps.ts';

/** Adds up the usage of a tenant, of this month unless told otherwise. @throws INVALID_REQUEST for a period without time */
export async function sumUsage(
  deps: Pick<ApiDeps, 'usage' | 'budgets' | 'clock'>,
  { actor, query }: { readonly actor: Actor; readonly query: UsageQuery },
): Promise<Page<UsageRow> & Omit<Usage, 'items' | 'nextCursor'>> {
  const { by, batchId, limit, cursor, timeZone = deps.budgets.timeZone } = query;
  const to = new Date(query.to ?? deps.clock.now());
  const from =
    query.from === undefined
      ? startOfDay(monthOf(dateIn(timeZone, to)), timeZone)
      : new Date(query.from);
  if (from >= to) {
    const message = `the period ends at ${to.toISOString()}, before it begins (${from.toISOString()})`;
    throw new AppError('INVALID_REQUEST', `The request is not valid: from: ${message}.`, {
      problems: [{ path: 'from', message }],
    });
  }
  const filter = { by, batchId, from, to, timeZone, limit, cursor };
  const sums = await deps.usage.sumUsage(actor, filter);
  return { by, from: from.toISOString(), to: to.toISOString(), timeZone, ...sums };
}
