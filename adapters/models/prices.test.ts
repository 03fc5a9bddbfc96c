// What a call costs.
//   - every usage of the golden set costs to the micro-dollar what its working beside it says
//   - operators' prices go before those that ship with ado, each from its date on, for its tenant only
//   - what has no known price is never free: refused when it would be dear, else booked at the ceiling and counted
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { parse } from 'yaml';
import type { PricedCall, RecordedOverride, TokenCounts, TokenKind } from '../ports.ts';
import { createPrices, type PriceWorld } from './prices.ts';
import { toCeilingRates } from './usage-cost.ts';

interface GoldenUsage {
  readonly call: string;
  readonly provider: string;
  readonly model: string;
  readonly at?: string;
  readonly serviceTier?: string;
  readonly tokens: Partial<TokenCounts>;
  readonly working: string;
  readonly costMicroUsd: number;
  readonly unpriced?: readonly TokenKind[];
}

const golden = parse(
  readFileSync(join(__dirname, 'golden-usages.yaml'), 'utf8'),
) as readonly GoldenUsage[];

const noTokens: TokenCounts = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
};

function aCall(
  changes: Omit<Partial<PricedCall>, 'usage'> & {
    readonly tokens?: Partial<TokenCounts>;
    readonly serviceTier?: string;
  } = {},
): PricedCall {
  const { tokens = { input: 1_000, output: 100 }, serviceTier, ...rest } = changes;
  return {
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    at: new Date('2026-10-01T12:00:00Z'),
    ...rest,
    usage: { tokens: { ...noTokens, ...tokens }, serviceTier },
  };
}

function anOverride(changes: Partial<RecordedOverride> = {}): RecordedOverride {
  return {
    id: 7,
    provider: 'anthropic',
    model: 'claude-sonnet-5',
    serviceTier: 'standard',
    effectiveFrom: new Date('2026-09-01T00:00:00Z'),
    rates: { input: 1_000_000, output: 4_000_000 },
    contextTiers: [],
    source: 'contract',
    ...changes,
  };
}

/** Prices with overrides of tenant `one`, in the order of the port. */
function aWorld(overrides: readonly RecordedOverride[] = []) {
  const missing: TokenKind[] = [];
  const clock = { nowMs: 0, now: () => clock.nowMs };
  let lists = 0;
  const world: PriceWorld = {
    overrides: {
      list: async (tenantId) => {
        lists += 1;
        return tenantId === 'one' ? overrides : [];
      },
    },
    clock,
    ceiling: toCeilingRates(150_000_000, 600_000_000),
    refuseUnpricedAboveMicroUsd: 1_000_000,
    metrics: { priceMissing: (kind) => missing.push(kind) },
  };
  return { prices: createPrices(world), missing, clock, lists: () => lists };
}

/** Reads a sum of products of decimals as millionths, exactly: `3 × 0.25 + 1 × 5`. */
function sumOf(text: string): bigint {
  return text.split(' + ').reduce((sum, product) => {
    const [count = '', rate = ''] = product.split(' × ');
    const [whole = '', fraction = ''] = rate.split('.');
    return sum + BigInt(count) * BigInt(whole + fraction.padEnd(6, '0'));
  }, 0n);
}

/** What a working comes to: `(sum) / 2 + sum` or a sum, rounded up. */
function resultOf(working: string): number {
  const [, half, rest] = /^\((.*)\) \/ 2(?: \+ (.*))?$/.exec(working) ?? [];
  const doubled =
    half === undefined ? 2n * sumOf(working) : sumOf(half) + 2n * (rest ? sumOf(rest) : 0n);
  return Number((doubled + 1_999_999n) / 2_000_000n);
}

test('the golden set has at least 60 usages', () => {
  expect(golden.length).toBeGreaterThanOrEqual(60);
});

describe('of the golden set', () => {
  test.each(golden)('$provider $model: $call', async (line) => {
    const { prices, missing } = aWorld();

    const cost = await prices.costOf(
      'one',
      aCall({ ...line, at: new Date(line.at ?? aCall().at) }),
    );

    expect(cost).toMatchObject({
      costMicroUsd: line.costMicroUsd,
      unpriced: line.unpriced ?? [],
    });
    expect(missing).toEqual(line.unpriced ?? []);
    expect(line.costMicroUsd).toBe(resultOf(line.working));
  });
});

describe('a price of the operator', () => {
  test('goes before the one that ships with ado, from its date on', async () => {
    const { prices } = aWorld([anOverride()]);
    const before = aCall({ at: new Date('2026-08-31T23:59:59Z') });

    expect(await prices.costOf('one', aCall())).toEqual({
      costMicroUsd: 1_000 + 400,
      priceId: 'override 7',
      unpriced: [],
    });
    expect(await prices.costOf('one', before)).toEqual({
      costMicroUsd: 2_000 + 1_000,
      priceId: 'genai-prices 0.1.8 anthropic/claude-sonnet-5',
      unpriced: [],
    });
  });

  test('holds for its tenant only', async () => {
    const { prices } = aWorld([anOverride()]);

    expect((await prices.costOf('two', aCall())).costMicroUsd).toBe(3_000);
  });

  test('of one model goes before one of all models of the provider', async () => {
    const all = anOverride({ id: 8, model: '*', effectiveFrom: new Date('2026-09-15T00:00:00Z') });
    const { prices } = aWorld([all, anOverride()]);

    expect((await prices.costOf('one', aCall())).priceId).toBe('override 7');
    expect((await prices.costOf('one', aCall({ model: 'any' }))).priceId).toBe('override 8');
  });

  test('may say that a local model is free', async () => {
    const free = anOverride({ provider: 'ollama', model: '*', rates: { input: 0, output: 0 } });
    const { prices, missing } = aWorld([free]);

    const cost = await prices.costOf('one', aCall({ provider: 'ollama', model: 'llama-3.3' }));

    expect(cost.costMicroUsd).toBe(0);
    expect(missing).toEqual([]);
  });

  test('of the standard tier is halved for batch, and one of batch itself is not', async () => {
    const batch = anOverride({ id: 9, serviceTier: 'batch' });

    const standard = await aWorld([anOverride()]).prices.costOf(
      'one',
      aCall({ serviceTier: 'batch' }),
    );
    const own = await aWorld([batch]).prices.costOf('one', aCall({ serviceTier: 'batch' }));

    expect(standard.costMicroUsd).toBe(700);
    expect(own.costMicroUsd).toBe(1_400);
  });

  test('may have tiers over the length of the input', async () => {
    const long = { aboveInputTokens: 200_000, rates: { input: 2_000_000, output: 8_000_000 } };
    const longest = { aboveInputTokens: 500_000, rates: { input: 3_000_000, output: 9_000_000 } };
    const { prices } = aWorld([anOverride({ contextTiers: [longest, long] })]);
    const costOf = async (input: number): Promise<number> =>
      (await prices.costOf('one', aCall({ tokens: { input } }))).costMicroUsd;

    expect(await costOf(200_000)).toBe(200_000);
    expect(await costOf(200_001)).toBe(400_002);
    expect(await costOf(500_001)).toBe(1_500_003);
  });

  test('is asked for once a minute', async () => {
    const { prices, clock, lists } = aWorld([anOverride()]);

    await Promise.all([prices.costOf('one', aCall()), prices.costOf('one', aCall())]);
    clock.nowMs = 59_999;
    await prices.costOf('one', aCall());
    const within = lists();
    clock.nowMs = 60_000;
    await prices.costOf('one', aCall());

    expect([within, lists()]).toEqual([1, 2]);
  });
});

describe('without a known price', () => {
  const call = (tokens: Partial<TokenCounts>) => aCall({ model: 'claude-unheard-of-9', tokens });

  test('a call that may be dear is refused before it is made', async () => {
    const { prices } = aWorld();

    const estimate = prices.estimateOf('one', call({ input: 6_000, output: 200 }));

    await expect(estimate).rejects.toMatchObject({
      code: 'PRICE_UNKNOWN',
      message:
        'anthropic:claude-unheard-of-9 (standard) has no known price for input, output tokens',
    });
  });

  test('a small one is estimated at the ceiling, and an estimate is not counted', async () => {
    const { prices, missing } = aWorld();

    const estimate = await prices.estimateOf('one', call({ input: 1_000, output: 100 }));

    expect(estimate.costMicroUsd).toBe(150_000 + 60_000);
    expect(missing).toEqual([]);
  });

  test('an answer is booked however dear it is', async () => {
    const { prices, missing } = aWorld();

    const cost = await prices.costOf('one', call({ input: 6_000, output: 2_000 }));

    expect(cost).toEqual({
      costMicroUsd: 900_000 + 1_200_000,
      priceId: 'unknown + ceiling',
      unpriced: ['input', 'output'],
    });
    expect(missing).toEqual(['input', 'output']);
  });
});

test.each([-1, 0.5, Number.NaN, 2 ** 53])('%p tokens are not a count', async (input) => {
  const { prices } = aWorld();

  await expect(prices.costOf('one', aCall({ tokens: { input } }))).rejects.toThrow('not a count');
});

describe('the price of a model without a call', () => {
  const at = new Date('2026-10-01T12:00:00Z');
  const ask = (
    overrides: readonly RecordedOverride[],
    model: { readonly provider?: string; readonly model?: string; readonly serviceTier?: string },
  ) =>
    aWorld(overrides).prices.priceOf('one', {
      provider: 'anthropic',
      model: 'claude-sonnet-5',
      serviceTier: undefined,
      at,
      ...model,
    });

  test('is the one that calls are booked at, with what stands in for missing rates', async () => {
    const tier = { aboveInputTokens: 200_000, rates: { input: 2, output: 8 } };

    expect(await ask([anOverride({ contextTiers: [tier] })], {})).toEqual({
      id: 'override 7',
      rates: {
        input: 1_000_000,
        cacheRead: 1_000_000,
        output: 4_000_000,
        reasoning: 4_000_000,
      },
      contextTiers: [{ ...tier, rates: { input: 2, cacheRead: 2, output: 8, reasoning: 8 } }],
      divisor: 1,
      ceiling: { cacheWrite5m: 300_000_000, cacheWrite1h: 300_000_000 },
    });
  });

  test('is half of the standard one for batches', async () => {
    expect(await ask([anOverride()], { serviceTier: 'batch' })).toMatchObject({
      id: 'override 7, half (batch)',
      divisor: 2,
    });
  });

  test('is that of the data that ships with ado, or none', async () => {
    expect((await ask([], {})).id).toMatch(/^genai-prices .* anthropic\/claude-sonnet-5/);
    expect(await ask([], { provider: 'openai-compatible', model: 'mine' })).toMatchObject({
      id: 'unknown',
      rates: {},
      ceiling: { input: 150_000_000, reasoning: 600_000_000 },
    });
  });

  test('is read anew, and counts in no metric', async () => {
    const { prices, missing, lists } = aWorld();
    const model = { provider: 'ollama', model: 'x', serviceTier: undefined, at };

    await prices.priceOf('one', model);
    await prices.priceOf('one', model);

    expect([missing, lists()]).toEqual([[], 2]);
  });
});
