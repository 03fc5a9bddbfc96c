/**
 * What a call to come will count as: tokens by the length of what is sent, and by what calls of the same model used so far.
 * Kept by the process alone: a new one begins with guesses, and what an answer really used is what counts in the end.
 */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { Charges, LimitScope, TokenUsage } from '../adapters/ports.ts';

/** Tokens of a character before anything is known: English prose has 0.25, program text up to 0.4. */
const firstTokensPerCharacter = 0.3;
/** Output tokens of an answer before anything is known. */
const firstOutputTokens = 1_000;
/** How much the last answer counts in the mean. */
const newestWeight = 0.3;
/** Answers whose output is remembered, for the size that 95 of 100 stay below. */
const rememberedOutputs = 100;
/** What may be spent is counted with more tokens than are expected: a hard limit has to hold for dense text too. */
const safetyFactor = 1.3;
/** Models that are remembered; names come from tasks. */
const rememberedRoutes = 500;

/** What is expected of a call. */
export interface ExpectedTokens {
  readonly inputTokens: number;
  /** More than the input is likely to be. */
  readonly mostInputTokens: number;
  readonly outputTokens: number;
}

/** Learns from answers what calls of each model use. */
export interface CallEstimates {
  expect(route: string, characters: number): ExpectedTokens;
  learn(route: string, characters: number, usage: TokenUsage): void;
}

/** Estimates that begin with guesses. */
export function createCallEstimates(): CallEstimates {
  const known = new Map<string, { tokensPerCharacter: number; outputs: number[] }>();
  return {
    expect(route, characters) {
      const { tokensPerCharacter = firstTokensPerCharacter, outputs = [] } = known.get(route) ?? {};
      const inputTokens = Math.ceil(characters * tokensPerCharacter);
      const most = Math.max(tokensPerCharacter, firstTokensPerCharacter) * safetyFactor;
      const sorted = outputs.toSorted((one, other) => one - other);
      const outputTokens = sorted[Math.floor(sorted.length * 0.95)] ?? firstOutputTokens;
      return { inputTokens, mostInputTokens: Math.ceil(characters * most), outputTokens };
    },
    learn(route, characters, { inputTokens, outputTokens }) {
      if (characters === 0 || inputTokens === 0) return;
      const ratio = inputTokens / characters;
      const model = known.get(route);
      if (model === undefined) {
        if (known.size === rememberedRoutes) known.clear();
        known.set(route, { tokensPerCharacter: ratio, outputs: [outputTokens] });
        return;
      }
      model.tokensPerCharacter += newestWeight * (ratio - model.tokensPerCharacter);
      model.outputs = [...model.outputs, outputTokens].slice(-rememberedOutputs);
    },
  };
}

/** Characters of what is sent. */
export function charactersOf({ prompt, tools }: LanguageModelV4CallOptions): number {
  return JSON.stringify(prompt).length + JSON.stringify(tools ?? []).length;
}

/** What a request counts as that makes no tokens. */
export const oneRequest: Charges = {
  requests: 1,
  input: 0,
  uncached_input: 0,
  output_actual: 0,
  max_tokens: 0,
  total: 0,
  micro_usd: 0,
};

/** What a call is expected to count as under every rule. */
export function expectedCharges(
  expected: ExpectedTokens,
  call: {
    /** Input tokens that are likely to be read from the provider's cache. */
    readonly cachedTokens: number;
    /** Longest answer that is asked for. */
    readonly maxOutputTokens: number;
    readonly costMicroUsd: number;
  },
): Charges {
  const { inputTokens: input } = expected;
  const output = Math.min(expected.outputTokens, call.maxOutputTokens);
  return {
    requests: 1,
    input,
    uncached_input: Math.max(0, input - call.cachedTokens),
    output_actual: output,
    max_tokens: call.maxOutputTokens,
    total: input + output,
    micro_usd: call.costMicroUsd,
  };
}

/** What an answer counted as. Writes to a cache count as input that was not cached. */
export function actualCharges(
  usage: TokenUsage,
  call: { readonly maxOutputTokens: number; readonly costMicroUsd: number },
): Charges {
  return {
    requests: 1,
    input: usage.inputTokens,
    uncached_input: Math.max(0, usage.inputTokens - usage.cacheReadTokens),
    output_actual: usage.outputTokens,
    max_tokens: call.maxOutputTokens,
    total: usage.inputTokens + usage.outputTokens,
    micro_usd: call.costMicroUsd,
  };
}

/** How far an estimate of the input may be off. */
const inputDoubt = 0.7;

/**
 * Bounds what is only guessed by what a limit holds at once, so that a guess alone never makes a call impossible. A call
 * whose input surely is larger stays as it is: the limiter refuses it for good.
 */
export function capCharges(scopes: readonly LimitScope[], charges: Charges): Charges {
  const capped = { ...charges };
  for (const { dimensions, share = false } of scopes) {
    for (const dimension of share ? [] : dimensions) {
      const { charge } = dimension;
      const most = dimension.kind === 'rate' ? dimension.burst : dimension.limit;
      const isGuess = ['output_actual', 'max_tokens', 'micro_usd'].includes(charge);
      const sureInput = charge === 'uncached_input' ? charges.uncached_input : charges.input;
      if (isGuess || sureInput * inputDoubt <= most)
        capped[charge] = Math.min(capped[charge], Math.floor(most));
    }
  }
  return capped;
}
