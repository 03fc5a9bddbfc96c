/** What a provider has reported of usage, read off its raw stream: all that is known of an answer that breaks off. */
import type { JSONObject, LanguageModelV4Usage } from '@ai-sdk/provider';
import type { ProviderName } from '../../config/providers-config.ts';
import type { TokenUsage } from '../ports.ts';
import { fieldOf, numberAt } from './error-facts.ts';

/** Reads raw events one after another; they are never checked as a whole, only looked into. */
export interface UsageMeter {
  read(event: unknown): void;
  /** What has been reported up to now, `raw` in the provider's own words with its `service_tier`; undefined before. */
  soFar(): LanguageModelV4Usage | undefined;
}

/**
 * Makes the meter of one answer. Anthropic reports input at the start and output at the end, OpenAI all at the end,
 * Google running totals with each event.
 */
export function createUsageMeter(provider: ProviderName): UsageMeter {
  let raw: JSONObject | undefined;
  let tier: string | undefined;
  // Google continues a long answer in further requests, each with totals of its own.
  const finished: LanguageModelV4Usage[] = [];
  return {
    read(event) {
      const usage = usageIn(event);
      tier = tierIn(event) ?? tier;
      if (usage !== undefined) raw = { ...raw, ...withoutNulls(usage) };
      if (provider !== 'google' || raw === undefined || !isContinued(event)) return;
      finished.push(toUsage(raw));
      raw = undefined;
    },
    soFar() {
      const told = tier === undefined ? raw : raw && { ...raw, service_tier: tier };
      const current = told === undefined ? [] : [toUsage(told)];
      const [first, ...rest] = [...finished, ...current];
      return first === undefined ? undefined : rest.reduce(addUsage, first);
    },
  };
}

/** The counts of a usage; of the raw one only what the common form cannot say. */
export function tokensOf({ inputTokens, outputTokens, raw }: LanguageModelV4Usage): TokenUsage {
  const { cacheRead = 0, cacheWrite = 0, noCache = 0 } = inputTokens;
  const { reasoning = 0, text = 0 } = outputTokens;
  return {
    inputTokens: toCount(inputTokens.total ?? noCache + cacheRead + cacheWrite),
    outputTokens: toCount(outputTokens.total ?? text + reasoning),
    cacheReadTokens: toCount(cacheRead),
    cacheWriteTokens: toCount(cacheWrite),
    cacheWriteHourTokens: toCount(
      numberAt(fieldOf(raw, 'cache_creation'), 'ephemeral_1h_input_tokens') ?? 0,
    ),
    reasoningTokens: toCount(reasoning),
  };
}

/** No answer has more tokens: what says so is broken, and must not break the books. */
const mostTokens = 1_000_000_000;

/** A number of tokens, whatever was sent in its place. */
function toCount(reported: number): number {
  return Math.max(0, Math.min(mostTokens, Math.trunc(reported)));
}

/** Where providers put usage: `message_start`, `message_delta` and chunks, `response.completed`, Google's chunks. */
function usageIn(event: unknown): JSONObject | undefined {
  const found =
    fieldOf(event, 'usage') ??
    fieldOf(fieldOf(event, 'message'), 'usage') ??
    fieldOf(fieldOf(event, 'response'), 'usage') ??
    fieldOf(event, 'usageMetadata');
  return typeof found === 'object' && found !== null ? (found as JSONObject) : undefined;
}

/** The tier that served the answer; Anthropic and Google say it within usage. */
function tierIn(event: unknown): string | undefined {
  const tier =
    fieldOf(event, 'service_tier') ?? fieldOf(fieldOf(event, 'response'), 'service_tier');
  return typeof tier === 'string' ? tier : undefined;
}

function withoutNulls(usage: JSONObject): JSONObject {
  return Object.fromEntries(Object.entries(usage).filter(([, value]) => value !== null));
}

function isContinued(event: unknown): boolean {
  const candidates = fieldOf(event, 'candidates');
  return (
    Array.isArray(candidates) &&
    fieldOf(candidates[0] as unknown, 'finishReason') === 'CONTINUATION'
  );
}

function toUsage(raw: JSONObject): LanguageModelV4Usage {
  if ('promptTokenCount' in raw || 'totalTokenCount' in raw) return fromGoogle(raw);
  if ('prompt_tokens' in raw || 'completion_tokens' in raw) {
    return fromOpenai(raw, ['prompt_tokens', 'completion_tokens']);
  }
  // OpenAI's responses and Anthropic share names; only OpenAI's input includes what was cached.
  return 'input_tokens_details' in raw || 'total_tokens' in raw
    ? fromOpenai(raw, ['input_tokens', 'output_tokens'])
    : fromAnthropic(raw);
}

function fromAnthropic(raw: JSONObject): LanguageModelV4Usage {
  const noCache = numberAt(raw, 'input_tokens') ?? 0;
  const cacheRead = numberAt(raw, 'cache_read_input_tokens') ?? 0;
  const cacheWrite = numberAt(raw, 'cache_creation_input_tokens') ?? 0;
  const total = numberAt(raw, 'output_tokens') ?? 0;
  const reasoning = numberAt(raw['output_tokens_details'], 'thinking_tokens');
  return {
    inputTokens: { total: noCache + cacheRead + cacheWrite, noCache, cacheRead, cacheWrite },
    outputTokens: {
      total,
      text: reasoning === undefined ? undefined : total - reasoning,
      reasoning,
    },
    raw,
  };
}

function fromOpenai(
  raw: JSONObject,
  [input, output]: readonly [string, string],
): LanguageModelV4Usage {
  const all = numberAt(raw, input) ?? 0;
  const cacheRead = numberAt(raw[`${input}_details`], 'cached_tokens') ?? 0;
  const cacheWrite = numberAt(raw[`${input}_details`], 'cache_write_tokens');
  const total = numberAt(raw, output) ?? 0;
  const reasoning = numberAt(raw[`${output}_details`], 'reasoning_tokens') ?? 0;
  const noCache = all - cacheRead - (cacheWrite ?? 0);
  return {
    inputTokens: { total: all, noCache, cacheRead, cacheWrite },
    outputTokens: { total, text: Math.max(0, total - reasoning), reasoning },
    raw,
  };
}

function fromGoogle(raw: JSONObject): LanguageModelV4Usage {
  const total =
    (numberAt(raw, 'promptTokenCount') ?? 0) + (numberAt(raw, 'toolUsePromptTokenCount') ?? 0);
  const cacheRead = numberAt(raw, 'cachedContentTokenCount') ?? 0;
  const text = numberAt(raw, 'candidatesTokenCount') ?? 0;
  const reasoning = numberAt(raw, 'thoughtsTokenCount') ?? 0;
  return {
    inputTokens: { total, noCache: total - cacheRead, cacheRead, cacheWrite: undefined },
    outputTokens: { total: text + reasoning, text, reasoning },
    raw,
  };
}

function addUsage(one: LanguageModelV4Usage, other: LanguageModelV4Usage): LanguageModelV4Usage {
  const sum = <T extends object>(left: T, right: T): T =>
    Object.fromEntries(
      Object.entries(left).map(([name, value]) => {
        const added = numberAt(right, name);
        return [name, typeof value === 'number' ? value + (added ?? 0) : added];
      }),
    ) as T;
  return {
    inputTokens: sum(one.inputTokens, other.inputTokens),
    outputTokens: sum(one.outputTokens, other.outputTokens),
    ...(other.raw === undefined ? {} : { raw: other.raw }),
  };
}
