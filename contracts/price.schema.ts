/** What models cost: prices that operators set, and the one that counts for a model. */
import { z } from 'zod';
import type { Route } from './http.schema.ts';
import { listOf } from './queries.schema.ts';
import { instantSchema } from './task.schema.ts';

const rate = z
  .int('a rate is a whole number of micro-dollars for a million tokens')
  .nonnegative()
  .max(1_000_000_000_000);

/** Micro-US-dollars for a million tokens, by kind; a kind that is absent has no known price, 0 is free of charge. */
const ratesShape = {
  input: rate.optional(),
  cacheRead: rate.optional(),
  cacheWrite5m: rate.optional(),
  cacheWrite1h: rate.optional(),
  output: rate.optional(),
  reasoning: rate.optional(),
};
const ratesSchema = z
  .strictObject(ratesShape)
  .refine((rates) => Object.keys(rates).length > 0, 'a price has at least one rate');
const knownRatesSchema = z.object(ratesShape);

/** Rates of calls whose input is longer than that, cached tokens included; they hold for all tokens of the call. */
const aboveInputTokens = z.int().positive();

/** A tier of service, in lower case: `standard`, `batch`, `flex`, or the provider's word. */
const serviceTierSchema = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,39}$/, 'a tier is a–z, 0–9, - and _, such as standard or batch')
  .refine(
    (tier) => tier !== 'default' && tier !== 'on_demand',
    'the usual tier is called `standard` here, whatever the provider calls it',
  );

/** A price that an operator sets, in place of what ado knows. */
export const priceSchema = z.strictObject({
  provider: z.string().min(1).max(100),
  /** One model, or `*` for every model of the provider. */
  model: z.string().min(1).max(200),
  serviceTier: serviceTierSchema.default('standard'),
  /** Calls from this moment on cost that much. */
  effectiveFrom: instantSchema,
  rates: ratesSchema,
  contextTiers: z
    .array(z.strictObject({ aboveInputTokens, rates: ratesSchema }))
    .max(20)
    .default([]),
  /** Where the price was found. */
  source: z.string().min(1).max(500),
});
export type Price = z.infer<typeof priceSchema>;

/** Prices to be set. The order of equal moments does not matter: no two may be for the same. */
const setPricesSchema = z.strictObject({ prices: z.array(priceSchema).min(1).max(1_000) });

/**
 * A price as it was set. `counts`: calls of the model in that tier cost that much today. `later`: it has not begun.
 * `replaced`: another one counts, or will when this one would have begun.
 */
const setPriceSchema = z.object({
  ...priceSchema.shape,
  id: z.int(),
  rates: knownRatesSchema,
  contextTiers: z.array(z.object({ aboveInputTokens, rates: knownRatesSchema })),
  state: z.enum(['counts', 'later', 'replaced']),
});
export type SetPrice = z.infer<typeof setPriceSchema>;

/** The price that counts for a model at a moment. */
const modelPriceSchema = z.object({
  provider: z.string(),
  model: z.string(),
  serviceTier: z.string(),
  at: instantSchema,
  /** Where it comes from: `override 7`, an entry of the data that ships with ado, or `unknown`. */
  priceId: z.string(),
  /** Rates with what stands in for missing ones: a cache read costs what input does, reasoning what output does. */
  rates: knownRatesSchema,
  contextTiers: z.array(z.object({ aboveInputTokens, rates: knownRatesSchema })),
  /** What all rates are divided by: 2 in tiers at half the price. */
  divisor: z.union([z.literal(1), z.literal(2)]),
  /** What tokens without a known price are counted at; never divided. */
  ceiling: knownRatesSchema,
});
export type ModelPrice = z.infer<typeof modelPriceSchema>;

/** Routes about prices. */
export const priceRoutes = {
  setPrices: {
    method: 'post',
    path: '/v1/prices',
    summary: 'Set prices of models. A price that counts as it is sent is not set again.',
    scope: 'admin',
    body: setPricesSchema,
    answer: 'json',
    status: 200,
    response: z.object({
      recorded: z.int().nonnegative(),
      /** Prices that counted as they were sent. */
      unchanged: z.int().nonnegative(),
    }),
    errors: [],
  },
  listPrices: {
    method: 'get',
    path: '/v1/prices',
    summary: 'List the prices that operators set, all on one page.',
    scope: 'tasks:read',
    answer: 'json',
    status: 200,
    response: listOf(setPriceSchema),
    errors: [],
  },
  getPrice: {
    method: 'get',
    path: '/v1/prices/:provider/:model',
    summary: 'What a model costs now, and where that price comes from.',
    scope: 'tasks:read',
    params: z.object({ provider: z.string().min(1).max(100), model: z.string().min(1).max(200) }),
    query: z.strictObject({ serviceTier: serviceTierSchema.default('standard') }),
    answer: 'json',
    status: 200,
    response: modelPriceSchema,
    errors: [],
  },
} as const satisfies Record<string, Route>;
