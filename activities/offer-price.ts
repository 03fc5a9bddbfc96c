/** How long an answer may be for the money that is there, and what it costs then at most. */
import type { CallRoute } from '../adapters/ports.ts';
import { AppError, codeOf } from '../contracts/errors.ts';
import { formatMicroUsd } from '../contracts/money.ts';
import type { NotNow, ToConfirm } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import type { ExpectedTokens } from './estimate-call.ts';
import type { TaskSession } from './task-session.ts';

/** A shorter answer is not worth asking for: it would be cut before it said anything. */
const leastOutputTokens = 1_024;

/** What is asked for, and what it costs at most. */
export interface Offer {
  readonly maxOutputTokens: number;
  readonly amountMicroUsd: number;
}

/** The price of a call on a route, by the length of its answer. */
export interface CallPrice {
  /** What the call is likely to cost. */
  readonly expectedMicroUsd: number;
  /** What the shortest answer costs at most. */
  readonly leastMicroUsd: number;
  /** The longest answer that costs no more than this; undefined when not even a short one does. */
  fit(availableMicroUsd: number): Offer | undefined;
}

/** A price, and what there is money for. */
export interface PricedOffer {
  readonly kind: 'offer';
  readonly price: CallPrice;
  readonly offer: Offer;
}

/**
 * Makes the offer for a call of a task: the longest answer within the task's limit, and within what was confirmed.
 * @throws STORE_UNAVAILABLE
 */
export async function makeOffer(
  deps: Pick<ActivityDeps, 'models' | 'clock'>,
  { task }: TaskSession,
  call: {
    readonly route: CallRoute;
    readonly expected: ExpectedTokens;
    readonly maxOutputTokens: number;
  },
): Promise<PricedOffer | NotNow | ToConfirm> {
  const { costMicroUsd: spent, maxCostMicroUsd, confirmedCostMicroUsd, costRefused } = task;
  let price: CallPrice;
  try {
    price = await priceCall(deps, { tenantId: task.ref.tenantId, ...call });
  } catch (error) {
    if (codeOf(error) !== 'PRICE_UNKNOWN') throw error;
    return { kind: 'never', why: 'fallback', error: error as AppError };
  }
  if (price.fit(maxCostMicroUsd - spent) === undefined) {
    return overBudget(
      `${formatMicroUsd(spent)} of ${formatMicroUsd(maxCostMicroUsd)} is spent; the next call does not fit`,
    );
  }
  const offer = price.fit(Math.min(maxCostMicroUsd, confirmedCostMicroUsd) - spent);
  if (offer !== undefined) return { kind: 'offer', price, offer };
  if (!costRefused) return { kind: 'confirm', nextCallMicroUsd: price.leastMicroUsd };
  return overBudget(
    `${formatMicroUsd(spent)} is spent, and nobody said that it may be more than ${formatMicroUsd(confirmedCostMicroUsd)}`,
  );
}

function overBudget(message: string): NotNow {
  return { kind: 'never', why: 'budget', error: new AppError('BUDGET_EXCEEDED', message) };
}

/**
 * Prices a call of at most `maxOutputTokens`.
 * @throws PRICE_UNKNOWN · STORE_UNAVAILABLE
 */
async function priceCall(
  deps: Pick<ActivityDeps, 'models' | 'clock'>,
  call: {
    readonly tenantId: string;
    readonly route: CallRoute;
    readonly expected: ExpectedTokens;
    readonly maxOutputTokens: number;
  },
): Promise<CallPrice> {
  const { tenantId, route, expected, maxOutputTokens } = call;
  const at = new Date(deps.clock.now());
  const cost = (inputTokens: number, outputTokens: number): Promise<number> =>
    deps.models.estimateCost(tenantId, route, { inputTokens, outputTokens, at });
  const least = Math.min(leastOutputTokens, maxOutputTokens);
  const [expectedMicroUsd, bareMicroUsd, leastMicroUsd, mostMicroUsd] = await Promise.all([
    cost(expected.inputTokens, Math.min(expected.outputTokens, maxOutputTokens)),
    cost(expected.mostInputTokens, 0),
    cost(expected.mostInputTokens, least),
    cost(expected.mostInputTokens, maxOutputTokens),
  ]);
  return {
    expectedMicroUsd,
    leastMicroUsd,
    fit(availableMicroUsd) {
      if (mostMicroUsd <= availableMicroUsd)
        return { maxOutputTokens, amountMicroUsd: mostMicroUsd };
      if (leastMicroUsd > availableMicroUsd) return undefined;
      const perToken = (mostMicroUsd - bareMicroUsd) / maxOutputTokens;
      const fitting = Math.floor((availableMicroUsd - bareMicroUsd) / perToken);
      const tokens = Math.max(least, Math.min(maxOutputTokens, fitting));
      const amount = Math.ceil(bareMicroUsd + perToken * tokens);
      return { maxOutputTokens: tokens, amountMicroUsd: Math.min(amount, availableMicroUsd) };
    },
  };
}
