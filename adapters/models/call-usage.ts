/** From what a model's answer reports to the tokens that are paid for. */
import type { LanguageModelV4Usage } from '@ai-sdk/provider';
import type { CallUsage } from '../ports.ts';

/**
 * The usage of an answer. Writes to a cache count as five-minute ones unless the provider's report says how they are split
 * (Anthropic: `cache_creation`); others have one kind of write. A count that is not reported is 0, or follows from the
 * total.
 * @param reportedTier the service tier in the answer's metadata; Anthropic also has it in the usage
 */
export function toCallUsage(
  { inputTokens, outputTokens, raw }: LanguageModelV4Usage,
  reportedTier: string | undefined,
): CallUsage {
  const { cacheRead = 0, cacheWrite = 0 } = inputTokens;
  const { reasoning = 0 } = outputTokens;
  const input = inputTokens.noCache ?? (inputTokens.total ?? 0) - cacheRead - cacheWrite;
  const output = outputTokens.text ?? (outputTokens.total ?? 0) - reasoning;
  const cacheWrite1h = Math.min(oneHourWrites(raw), cacheWrite);
  return {
    tokens: {
      input: Math.max(input, 0),
      cacheRead,
      cacheWrite5m: cacheWrite - cacheWrite1h,
      cacheWrite1h,
      output: Math.max(output, 0),
      reasoning,
    },
    serviceTier: reportedTier ?? textOf(raw?.service_tier),
    raw,
  };
}

function oneHourWrites(raw: LanguageModelV4Usage['raw']): number {
  const split = raw?.cache_creation;
  if (typeof split !== 'object' || split === null || !('ephemeral_1h_input_tokens' in split))
    return 0;
  const count = split.ephemeral_1h_input_tokens;
  return typeof count === 'number' ? count : 0;
}

function textOf(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}
