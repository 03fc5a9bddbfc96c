/** What a call is billed for, in tokens of each kind. */

/** Tokens of one call. The kinds are disjoint, apart from `reasoningTokens`, which `outputTokens` includes. */
export interface Usage {
  /** Input that came from no cache and went into none. */
  readonly inputTokens: number;
  readonly cacheReadTokens: number;
  /** Written to the cache for 5 minutes. */
  readonly cacheWrite5mTokens: number;
  /** Written to the cache for an hour. */
  readonly cacheWrite1hTokens: number;
  /** All output: reasoning, text and tool calls. */
  readonly outputTokens: number;
  readonly reasoningTokens: number;
}

/** Nothing at all. */
export const noUsage: Usage = {
  inputTokens: 0,
  cacheReadTokens: 0,
  cacheWrite5mTokens: 0,
  cacheWrite1hTokens: 0,
  outputTokens: 0,
  reasoningTokens: 0,
};

/** Adds two usages, kind by kind. */
export function addUsage(one: Usage, other: Usage): Usage {
  return {
    inputTokens: one.inputTokens + other.inputTokens,
    cacheReadTokens: one.cacheReadTokens + other.cacheReadTokens,
    cacheWrite5mTokens: one.cacheWrite5mTokens + other.cacheWrite5mTokens,
    cacheWrite1hTokens: one.cacheWrite1hTokens + other.cacheWrite1hTokens,
    outputTokens: one.outputTokens + other.outputTokens,
    reasoningTokens: one.reasoningTokens + other.reasoningTokens,
  };
}

/** All tokens of the input, cached or not. */
export function totalInputTokens(usage: Usage): number {
  return usage.inputTokens + usage.cacheReadTokens + cacheWriteTokens(usage);
}

/** Tokens written to a cache, for whatever time. */
export function cacheWriteTokens(usage: Usage): number {
  return usage.cacheWrite5mTokens + usage.cacheWrite1hTokens;
}

/** Characters that are about one token; where a script says nothing, texts are billed by it. */
const charactersPerToken = 4;

/** Guesses the tokens of a text by its length. */
export function tokensOf(characters: number): number {
  return Math.ceil(characters / charactersPerToken);
}
