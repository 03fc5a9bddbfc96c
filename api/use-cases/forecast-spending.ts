/** Where spending leads: what is gone of this day and month, the pace of the last days, and the budgets. */
import type { Actor, BudgetSpec } from '../../adapters/ports.ts';
import { addDays, dateIn, monthAfter, monthOf, startOfDay } from '../../contracts/calendar.ts';
import type { Forecast } from '../../contracts/usage.schema.ts';
import type { ApiDeps, BudgetLimits } from '../deps.ts';

const dayMs = 86_400_000;
/** A week: working days and free ones. */
const paceDays = 7;

/**
 * Says where spending leads, if it goes on as in the last seven days. Of a tenant that began later, the days since then
 * count, at least one: a first hour is no pace.
 */
export async function forecastSpending(
  deps: Pick<ApiDeps, 'usage' | 'ledger' | 'budgets' | 'clock'>,
  actor: Actor,
): Promise<Forecast> {
  const { timeZone } = deps.budgets;
  const at = new Date(deps.clock.now());
  const today = dateIn(timeZone, at);
  const day = spanOf(today, addDays(today, 1), timeZone);
  const month = spanOf(monthOf(today), monthAfter(today), timeZone);
  const week = new Date(at.getTime() - paceDays * dayMs);
  const specs = budgetsOf(deps.budgets);
  const [[ofDay = 0, ofMonth = 0, ofWeek = 0], firstCall, states] = await Promise.all([
    deps.usage.sumCosts(
      actor,
      [day.from, month.from, week].map((from) => ({ from, to: at })),
    ),
    deps.usage.findFirstCall(actor),
    deps.ledger.listBudgets(actor.tenantId, specs),
  ]);

  const begun = firstCall === undefined || firstCall < week ? week : firstCall;
  const paceMs = Math.max(dayMs, at.getTime() - begun.getTime());
  const microUsdPerDay = Math.round((ofWeek * dayMs) / paceMs);
  const forecast = ({ from, to }: Span, spentMicroUsd: number): Forecast['day'] => ({
    from: from.toISOString(),
    to: to.toISOString(),
    spentMicroUsd,
    forecastMicroUsd:
      spentMicroUsd + Math.round((microUsdPerDay * (to.getTime() - at.getTime())) / dayMs),
  });
  return {
    at: at.toISOString(),
    timeZone,
    pace: { from: new Date(at.getTime() - paceMs).toISOString(), microUsdPerDay },
    day: forecast(day, ofDay),
    month: forecast(month, ofMonth),
    budgets: states.map((state) => ({
      kind: state.id === 'tenant' ? ('tenant' as const) : ('day' as const),
      limitMicroUsd: state.limitMicroUsd,
      spentMicroUsd: state.spentMicroUsd,
      heldMicroUsd: state.reservedMicroUsd,
      unknownMicroUsd: state.unknownMicroUsd,
      level: state.level,
    })),
  };
}

interface Span {
  readonly from: Date;
  readonly to: Date;
}

function spanOf(first: string, after: string, timeZone: string): Span {
  return { from: startOfDay(first, timeZone), to: startOfDay(after, timeZone) };
}

function budgetsOf(limits: BudgetLimits): BudgetSpec[] {
  const { timeZone, maxDailyCostMicroUsd, maxTenantCostMicroUsd } = limits;
  return [
    { kind: 'day', timeZone, limitMicroUsd: maxDailyCostMicroUsd },
    ...(maxTenantCostMicroUsd === undefined
      ? []
      : [{ kind: 'tenant' as const, limitMicroUsd: maxTenantCostMicroUsd }]),
  ];
}
