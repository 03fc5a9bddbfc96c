/** A file of prices: what operators set for models, in dollars for a million tokens. */
import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { isDate } from '../contracts/calendar.ts';
import { AppError } from '../contracts/errors.ts';
import { priceSchema, type Price } from '../contracts/price.schema.ts';
import { providerNames } from './providers-config.ts';
import { parseYamlFile } from './yaml-file.ts';

/** Kinds of tokens, in the order in which they are shown. */
const kinds = [
  'input',
  'cacheRead',
  'cacheWrite5m',
  'cacheWrite1h',
  'output',
  'reasoning',
] as const satisfies readonly (keyof Price['rates'])[];
type DollarRates = { readonly [Kind in (typeof kinds)[number]]?: number | undefined };

/**
 * Dollars with at most six digits behind the point. A decimal fraction is read as the nearest binary one; a product that
 * is off by less than a thousandth of a micro-dollar was meant to be whole.
 */
const dollars = z
  .number('US dollars for a million tokens, such as 0.25')
  .nonnegative('a price is 0 (free of charge) or more')
  .max(1_000_000, 'at most 1000000 dollars for a million tokens')
  .refine(
    (amount) => Math.abs(amount * 1_000_000 - Math.round(amount * 1_000_000)) < 0.001,
    'at most six digits behind the point',
  );

const ratesShape = {
  input: dollars.optional(),
  cacheRead: dollars.optional(),
  cacheWrite5m: dollars.optional(),
  cacheWrite1h: dollars.optional(),
  output: dollars.optional(),
  reasoning: dollars.optional(),
};
const noRate = { message: `no price in it; write some of ${kinds.join(', ')}` };
const hasRate = (rates: DollarRates): boolean => kinds.some((kind) => rates[kind] !== undefined);

const lineSchema = z
  .strictObject({
    provider: z.enum(providerNames, {
      error: ({ input }) =>
        `unknown provider ${JSON.stringify(input)}; known are ${providerNames.join(', ')}`,
    }),
    model: priceSchema.shape.model,
    tier: priceSchema.shape.serviceTier,
    /** A date, which begins in UTC, or a moment. */
    from: z
      .string('a date such as 2026-12-01')
      .refine(isMoment, 'a date such as 2026-12-01, or a moment such as 2026-12-01T08:00:00Z')
      .transform((text) => (isDate(text) ? `${text}T00:00:00.000Z` : text)),
    ...ratesShape,
    longInputs: z
      .array(
        z
          .strictObject({ aboveInputTokens: z.int().positive(), ...ratesShape })
          .refine(hasRate, noRate),
      )
      .max(20)
      .default([]),
    source: priceSchema.shape.source,
  })
  .refine(hasRate, noRate);

/** A file of prices. */
const pricesConfigSchema = z.strictObject({
  prices: z
    .array(lineSchema)
    .min(1, 'a file of prices has at least one')
    .max(1_000, 'at most 1000 prices at once')
    .superRefine((lines, context) => {
      const keys = lines.map(({ provider, model, tier, from }) =>
        JSON.stringify([provider, model, tier, Date.parse(from)]),
      );
      for (const [index, key] of keys.entries()) {
        if (keys.indexOf(key) === index) continue;
        const message = 'the file has another price for this model, tier and moment';
        context.addIssue({ code: 'custom', path: [index, 'model'], message });
      }
    }),
});

/** Reads a file of prices. @throws FILE_INVALID naming file, line and key of every problem */
export function loadPrices(path: string, variables: NodeJS.ProcessEnv): readonly Price[] {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new AppError('FILE_INVALID', `${path} cannot be read.`, { cause: error });
  }
  const { prices } = parseYamlFile({ path, text, variables }, pricesConfigSchema);
  return prices.map(({ provider, model, tier, from, source, longInputs, ...rates }) => ({
    provider,
    model,
    serviceTier: tier,
    effectiveFrom: from,
    rates: toMicroUsd(rates),
    contextTiers: longInputs.map(({ aboveInputTokens, ...above }) => ({
      aboveInputTokens,
      rates: toMicroUsd(above),
    })),
    source,
  }));
}

function toMicroUsd(rates: DollarRates): Price['rates'] {
  return Object.fromEntries(
    kinds.flatMap((kind) => {
      const rate = rates[kind];
      return rate === undefined ? [] : [[kind, Math.round(rate * 1_000_000)]];
    }),
  );
}

function isMoment(text: string): boolean {
  return isDate(text) || priceSchema.shape.effectiveFrom.safeParse(text).success;
}
