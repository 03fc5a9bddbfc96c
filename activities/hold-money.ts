/** Money for one call, held in all budgets that it is paid from. */
import type { BudgetSpec, BudgetState, CallRoute, Charges } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import type { NotNow, PlannedCall } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import type { CallPrice, Offer } from './offer-price.ts';
import type { TaskSession } from './task-session.ts';

/** Answers of one step that may be lost, or break off, before the step is given up: each of them was paid. */
const mostLostAnswers = 5;
/** When to look again whether other calls have given back what was held for them. */
const lookAgainMs = 1_000;
/** When to look again whether somebody has raised the budget of a tenant. */
const raisedLookMs = 10 * 60_000;

/** The money of a call. */
export interface HeldMoney {
  readonly kind: 'held';
  /** Names the purchase. */
  readonly callId: string;
  /** What there was money for. */
  readonly offer: Offer;
}

interface Wanted {
  readonly call: PlannedCall;
  readonly route: CallRoute;
  readonly price: CallPrice;
  readonly offer: Offer;
  readonly charges: Charges;
}

/**
 * Holds the money of a call: for the whole offer, or for a shorter answer where a budget has no room for more.
 * @throws MODEL_FAILED when answers of this step were lost too often · STORE_UNAVAILABLE: who cannot hold does not spend
 */
export async function holdMoney(
  deps: ActivityDeps,
  session: TaskSession,
  wanted: Wanted,
): Promise<HeldMoney | NotNow> {
  const { call, price, route, charges } = wanted;
  const { tenantId, taskId } = session.task.ref;
  let { offer } = wanted;
  for (;;) {
    assertFewLost(call);
    const callId = `${call.effectId}.${String(call.purchase.number)}`;
    const answer = await deps.ledger.reserve(tenantId, {
      callId,
      taskId,
      amountMicroUsd: offer.amountMicroUsd,
      budgets: budgetsOf(deps, session),
      ...(route.account === undefined ? {} : { account: route.account.name }),
      charges,
    });
    if (answer.granted && !answer.repeated) {
      const paused = answer.budgets.find((budget) => startsNothing(budget, session));
      if (paused === undefined) return { kind: 'held', callId, offer };
      await deps.ledger.release(tenantId, callId);
      call.purchase.number += 1;
      return untilRoom(paused, deps);
    }
    if (answer.granted || answer.reason === 'ended') {
      await countFormer(deps, session, call);
      continue;
    }
    const smaller = price.fit(roomOf(answer.budget));
    if (smaller === undefined || smaller.amountMicroUsd >= offer.amountMicroUsd) {
      return answer.reason === 'held'
        ? later(lookAgainMs, `${answer.budget.id}: other calls hold what is left of it`)
        : noRoom(answer.budget, deps);
    }
    offer = smaller;
  }
}

/** All that a call is paid from. A task's budget is that of one attempt. */
function budgetsOf(deps: ActivityDeps, { task }: TaskSession): BudgetSpec[] {
  const { maxDailyCostMicroUsd, maxTenantCostMicroUsd, timeZone } = deps.money;
  const { taskId, attempt } = task.ref;
  const id = attempt === 1 ? taskId : `${taskId}.${String(attempt)}`;
  return [
    { kind: 'task', id, limitMicroUsd: task.maxCostMicroUsd },
    ...(task.batchId === undefined || task.batchMaxCostMicroUsd === undefined
      ? []
      : [{ kind: 'batch', id: task.batchId, limitMicroUsd: task.batchMaxCostMicroUsd } as const]),
    ...(maxTenantCostMicroUsd === undefined
      ? []
      : [{ kind: 'tenant', limitMicroUsd: maxTenantCostMicroUsd } as const]),
    { kind: 'day', timeZone, limitMicroUsd: maxDailyCostMicroUsd },
  ];
}

/**
 * From 95 % on, a budget that many share is kept for tasks that have begun to spend: what is left is to end their work, not
 * to begin more.
 */
function startsNothing({ id, level }: BudgetState, { task }: TaskSession): boolean {
  const isShared = id === 'tenant' || id.startsWith('day:');
  return isShared && (level === 'pause' || level === 'stop') && task.costMicroUsd === 0;
}

/** What a budget would have for a call now. */
export function roomOf(budget: BudgetState): number {
  const { limitMicroUsd, reservedMicroUsd, spentMicroUsd, unknownMicroUsd } = budget;
  return limitMicroUsd - reservedMicroUsd - spentMicroUsd - unknownMicroUsd;
}

/** A budget without room: that of a day begins anew, the others have come to their end. */
function noRoom(budget: BudgetState, deps: ActivityDeps): NotNow {
  if (budget.endsAt !== undefined) return untilRoom(budget, deps);
  const { id, spentMicroUsd, unknownMicroUsd, limitMicroUsd } = budget;
  const unknown =
    unknownMicroUsd === 0 ? '' : ` and ${formatMicroUsd(unknownMicroUsd)} that may be spent`;
  const message = `${id}: ${formatMicroUsd(spentMicroUsd)}${unknown} of ${formatMicroUsd(limitMicroUsd)} is spent; the next call does not fit`;
  return { kind: 'never', why: 'budget', error: new AppError('BUDGET_EXCEEDED', message) };
}

function untilRoom({ id, endsAt, limitMicroUsd }: BudgetState, deps: ActivityDeps): NotNow {
  const waitMs =
    endsAt === undefined ? raisedLookMs : Math.max(1_000, endsAt.getTime() - deps.clock.now());
  return later(waitMs, `${id}: the budget of ${formatMicroUsd(limitMicroUsd)} is used up`);
}

function later(waitMs: number, detail: string): NotNow {
  return { kind: 'later', waitMs, why: 'budget', reason: 'budget', detail };
}

/**
 * Counts the purchases of a step that earlier attempts made. One that is still held is of an attempt that died: whether its
 * call was sent, and paid, nobody knows.
 */
async function countFormer(
  deps: ActivityDeps,
  { task }: TaskSession,
  { effectId, purchase }: PlannedCall,
): Promise<void> {
  const { tenantId, taskId } = task.ref;
  const all = await deps.ledger.listReservations(tenantId, taskId);
  const own = all.filter(({ callId }) => callId.startsWith(`${effectId}.`));
  for (const { callId, state } of own)
    if (state === 'reserved') await deps.ledger.markUnknown(tenantId, callId);
  purchase.number = own.length;
  purchase.lost = own.filter(({ state }) => state !== 'released').length;
}

/**
 * Gives up the purchases of a task that nobody can be waiting for: those of a program's calls whose turn was lost. They may
 * have been sent, and paid.
 */
export async function giveUpPurchases(deps: ActivityDeps, { task }: TaskSession): Promise<void> {
  const { tenantId, taskId } = task.ref;
  for (const { callId, state } of await deps.ledger.listReservations(tenantId, taskId))
    if (state === 'reserved') await deps.ledger.markUnknown(tenantId, callId);
}

/** @throws MODEL_FAILED */
function assertFewLost({ purchase: { lost } }: PlannedCall): void {
  if (lost < mostLostAnswers) return;
  throw new AppError(
    'MODEL_FAILED',
    `${String(lost)} answers of this step were paid, and lost or broken off`,
  );
}
