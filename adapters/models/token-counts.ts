/** From the counts of an answer to the kinds of tokens that are paid apart. */
import type { TokenCounts, TokenUsage } from '../ports.ts';

/** Splits what an answer reports, so that no token is counted twice; a part larger than its whole makes none negative. */
export function toTokenCounts(usage: TokenUsage): TokenCounts {
  const { cacheReadTokens: cacheRead, cacheWriteTokens: cacheWrite, reasoningTokens } = usage;
  const cacheWrite1h = Math.min(usage.cacheWriteHourTokens, cacheWrite);
  return {
    input: Math.max(usage.inputTokens - cacheRead - cacheWrite, 0),
    cacheRead,
    cacheWrite5m: cacheWrite - cacheWrite1h,
    cacheWrite1h,
    output: Math.max(usage.outputTokens - reasoningTokens, 0),
    reasoning: reasoningTokens,
  };
}
