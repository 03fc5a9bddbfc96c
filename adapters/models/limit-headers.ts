/** The limits that providers report with every answer, as data. */
import type { LimitDimension, LimitReading } from '../ports.ts';

/** Headers of an answer, names in lower case. */
export type AnswerHeaders = Readonly<Record<string, string | undefined>>;

/** Header suffixes of Anthropic (docs: api/rate-limits#response-headers) and what they count. */
const anthropicDimensions: readonly (readonly [string, LimitDimension])[] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['input-tokens', 'input_tokens'],
  ['output-tokens', 'output_tokens'],
];

/** Header suffixes of OpenAI (docs: guides/rate-limits#rate-limits-in-headers) and of those who copy them. */
const openaiDimensions: readonly (readonly [string, LimitDimension])[] = [
  ['requests', 'requests'],
  ['tokens', 'tokens'],
  ['requests-day', 'requests_day'],
  ['tokens-day', 'tokens_day'],
  ['requests-minute', 'requests'],
  ['tokens-minute', 'tokens'],
];

/** The windows of an Anthropic subscription: a share that is used, and a reset in seconds since 1970. */
const unifiedDimensions: readonly (readonly [string, LimitDimension])[] = [
  ['5h', 'unified_5h'],
  ['7d', 'unified_7d'],
];

/**
 * Reads what the headers say, whoever sent them: a gateway passes on the headers of the provider behind it. Google sends
 * none. What cannot be read is left out.
 * @param nowMs the time of the answer; OpenAI tells resets as durations
 */
export function readLimitHeaders(headers: AnswerHeaders, nowMs: number): readonly LimitReading[] {
  const anthropic = anthropicDimensions.map(([suffix, dimension]) => {
    const at = (what: string) => headers[`anthropic-ratelimit-${suffix}-${what}`];
    return readingOf(dimension, [at('limit'), at('remaining'), parseDate(at('reset'))]);
  });
  const openai = openaiDimensions.map(([suffix, dimension]) => {
    const at = (what: string) => headers[`x-ratelimit-${what}-${suffix}`];
    const resetMs = parseDurationMs(at('reset'));
    const resetAtMs = resetMs === undefined ? undefined : nowMs + resetMs;
    return readingOf(dimension, [at('limit'), at('remaining'), resetAtMs]);
  });
  const unified = unifiedDimensions.map(([suffix, dimension]) => {
    const used = toNumber(headers[`anthropic-ratelimit-unified-${suffix}-utilization`]);
    const reset = toNumber(headers[`anthropic-ratelimit-unified-${suffix}-reset`]);
    const remaining = used === undefined ? undefined : String(Math.max(0, 100 - used * 100));
    return readingOf(dimension, ['100', remaining, reset === undefined ? reset : reset * 1000]);
  });
  return [...anthropic, ...openai, ...unified].filter((reading) => reading !== undefined);
}

function readingOf(
  dimension: LimitDimension,
  [limit, remaining, resetAtMs]: readonly [
    string | undefined,
    string | undefined,
    number | undefined,
  ],
): LimitReading | undefined {
  const left = toNumber(remaining);
  if (left === undefined) return undefined;
  return { dimension, limit: toNumber(limit), remaining: left, resetAtMs };
}

/** A number that is not negative; undefined for any other text. */
export function toNumber(text: string | undefined): number | undefined {
  if (text === undefined || text.trim() === '') return undefined;
  const value = Number(text);
  return Number.isFinite(value) && value >= 0 ? value : undefined;
}

/** A date with a time of day, in milliseconds since 1970; undefined for what is none. */
export function parseDate(text: string | undefined): number | undefined {
  // `Date.parse` finds a date in a bare number too.
  const value = text === undefined || !/\d:\d\d/.test(text) ? Number.NaN : Date.parse(text);
  return Number.isNaN(value) ? undefined : value;
}

const unitsMs: Readonly<Record<string, number>> = {
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
  d: 86_400_000,
};

/** A duration as `6m0s`, `20ms`, `34.07s` or a bare number of seconds, in milliseconds; undefined for other texts. */
export function parseDurationMs(text: string | undefined): number | undefined {
  const seconds = toNumber(text);
  if (seconds !== undefined) return Math.ceil(seconds * 1000);
  if (text === undefined || !/^(\d+(\.\d+)?(ms|[smhd]))+$/.test(text)) return undefined;
  const pieces = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|[smhd])/g)];
  const totalMs = pieces.reduce(
    (sum, [, count, unit]) => sum + Number(count) * (unitsMs[unit ?? ''] ?? 0),
    0,
  );
  return Math.ceil(totalMs);
}
