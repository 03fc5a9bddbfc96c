import type { CallRoute, ExpectedCall, TaskRecord } from '../adapters/ports.ts';
import { AppError } from '../contracts/errors.ts';
import { makeOffer } from './offer-price.ts';
import type { TaskSession } from './task-session.ts';

/** $3 and $15 for a million tokens. */
const estimateCost = (_tenant: string, _route: CallRoute, call: ExpectedCall): Promise<number> =>
  Promise.resolve(Math.ceil(call.inputTokens * 3 + call.outputTokens * 15));

function offerFor(money: Partial<TaskRecord>, estimate = estimateCost) {
  const task = {
    ref: { tenantId: 'tenant', taskId: 'task', attempt: 1 },
    costMicroUsd: 0,
    maxCostMicroUsd: 10_000_000,
    confirmedCostMicroUsd: 1_000_000,
    costRefused: false,
    ...money,
  };
  return makeOffer(
    { models: { estimateCost: estimate } as never, clock: Date },
    { task } as unknown as TaskSession,
    {
      route: {} as CallRoute,
      expected: { inputTokens: 1_000, mostInputTokens: 2_000, outputTokens: 500 },
      maxOutputTokens: 16_384,
    },
  );
}

test('with money enough the longest answer is asked for, and held at its whole price', async () => {
  expect(await offerFor({})).toMatchObject({
    kind: 'offer',
    offer: { maxOutputTokens: 16_384, amountMicroUsd: 6_000 + 16_384 * 15 },
    price: { expectedMicroUsd: 10_500 },
  });
});

test('with little money left a shorter answer is asked for, which costs no more than there is', async () => {
  const offered = await offerFor({ maxCostMicroUsd: 50_000, costMicroUsd: 10_000 });

  expect(offered).toMatchObject({ kind: 'offer' });
  const { maxOutputTokens, amountMicroUsd } = (
    offered as Extract<typeof offered, { kind: 'offer' }>
  ).offer;
  expect(amountMicroUsd).toBeLessThanOrEqual(40_000);
  expect(6_000 + maxOutputTokens * 15).toBeLessThanOrEqual(amountMicroUsd);
  expect(maxOutputTokens).toBe(2_266);
});

test('what does not pay for an answer of a thousand tokens is no money', async () => {
  // 6,000 for the input and 15,360 for the shortest answer.
  expect(await offerFor({ maxCostMicroUsd: 21_360 })).toMatchObject({ kind: 'offer' });
  expect(await offerFor({ maxCostMicroUsd: 21_359 })).toMatchObject({
    kind: 'never',
    error: { code: 'BUDGET_EXCEEDED', message: expect.stringContaining('$0.0214') as string },
  });
});

test('above what is confirmed a person is asked, once', async () => {
  const spent = { costMicroUsd: 990_000 };

  expect(await offerFor(spent)).toEqual({ kind: 'confirm', nextCallMicroUsd: 21_360 });
  expect(await offerFor({ ...spent, costRefused: true })).toMatchObject({
    kind: 'never',
    error: { code: 'BUDGET_EXCEEDED' },
  });
  expect(await offerFor({ ...spent, confirmedCostMicroUsd: 10_000_000 })).toMatchObject({
    kind: 'offer',
  });
});

test('a model without a known price is no route', async () => {
  const unknown = (): Promise<number> => Promise.reject(new AppError('PRICE_UNKNOWN', 'no price'));

  expect(await offerFor({}, unknown)).toMatchObject({
    kind: 'never',
    error: { code: 'PRICE_UNKNOWN' },
  });
});
