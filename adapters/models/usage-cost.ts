/** From tokens and a price to micro-US-dollars: exact, with one rounding at the end, upwards. */
import type { ContextTier, Cost, TokenCounts, TokenKind, TokenRates } from '../ports.ts';

/** Every kind of token. */
export const tokenKinds = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'reasoning',
] as const satisfies readonly TokenKind[];

/** The price of a model at one moment, in one service tier. */
export interface ModelPrice {
  readonly id: string;
  readonly rates: TokenRates;
  readonly contextTiers: readonly ContextTier[];
  /** What the rates are divided by: 2 for batch and flex, which cost half. */
  readonly divisor: 1 | 2;
}

/** The price of what nobody knows a price of. */
export const unknownPrice: ModelPrice = {
  id: 'unknown',
  rates: {},
  contextTiers: [],
  divisor: 1,
};

/** A price of each kind, for tokens that have no known one. */
export type CeilingRates = Readonly<Record<TokenKind, number>>;

/**
 * Rates that no known price exceeds, from one for input and one for output. Writing to a cache costs up to twice the
 * input's rate (Anthropic, one hour).
 */
export function toCeilingRates(input: number, output: number): CeilingRates {
  return {
    input,
    cacheRead: input,
    cacheWrite5m: 2 * input,
    cacheWrite1h: 2 * input,
    output,
    reasoning: output,
  };
}

/**
 * What tokens cost. A cache read without a rate of its own costs what input does, and reasoning what output does: that is
 * how providers bill where they list no other price. Any other kind without a rate is counted at the ceiling, undivided.
 * @throws RangeError when a count is no whole number from 0
 */
export function costOfTokens(price: ModelPrice, tokens: TokenCounts, ceiling: CeilingRates): Cost {
  const rates = ratesFor(price, tokens);
  const divisor = BigInt(price.divisor);
  const unpriced: TokenKind[] = [];
  // In millionths of a micro-dollar, times the divisor.
  let total = 0n;
  for (const kind of tokenKinds) {
    const count = tokens[kind];
    if (!Number.isSafeInteger(count) || count < 0)
      throw new RangeError(`${count} ${kind} tokens: not a count`);
    if (count === 0) continue;
    const rate = rates[kind] ?? rates[standIns[kind] ?? kind];
    if (rate === undefined) unpriced.push(kind);
    total += BigInt(count) * (rate === undefined ? BigInt(ceiling[kind]) * divisor : BigInt(rate));
  }
  const unit = 1_000_000n * divisor;
  const costMicroUsd = Number((total + unit - 1n) / unit);
  return {
    costMicroUsd,
    priceId: unpriced.length === 0 ? price.id : `${price.id} + ceiling`,
    unpriced,
  };
}

/** The rates of a price with what stands in for missing ones. */
export function withStandIns(rates: TokenRates): TokenRates {
  return ratesOf((kind) => rates[kind] ?? rates[standIns[kind] ?? kind]);
}

/** The ceiling of the kinds that a price says nothing of. */
export function ceilingOf(rates: TokenRates, ceiling: CeilingRates): TokenRates {
  const all = withStandIns(rates);
  return ratesOf((kind) => (all[kind] === undefined ? ceiling[kind] : undefined));
}

function ratesOf(rate: (kind: TokenKind) => number | undefined): TokenRates {
  const rates = tokenKinds.map((kind) => [kind, rate(kind)] as const);
  return Object.fromEntries(rates.filter(([, known]) => known !== undefined));
}

/** Whose rate a kind has when it has none of its own. */
const standIns: Partial<Record<TokenKind, TokenKind>> = { cacheRead: 'input', reasoning: 'output' };

function ratesFor({ rates, contextTiers }: ModelPrice, tokens: TokenCounts): TokenRates {
  const inputTokens = tokens.input + tokens.cacheRead + tokens.cacheWrite5m + tokens.cacheWrite1h;
  const reached = contextTiers.filter(({ aboveInputTokens }) => inputTokens > aboveInputTokens);
  const highest = reached.reduce<ContextTier | undefined>(
    (best, tier) => (best && best.aboveInputTokens > tier.aboveInputTokens ? best : tier),
    undefined,
  );
  return highest?.rates ?? rates;
}
