/** Until when a provider asks to be left alone, and on account of which limit. */
import type { LimitDimension } from '../ports.ts';
import { fieldOf, type ErrorFacts } from './error-facts.ts';
import { parseDate, parseDurationMs, readLimitHeaders, toNumber } from './limit-headers.ts';

/** No provider asks for more; a larger figure is a mistake of somebody's. */
const longestWaitMs = 31 * 86_400_000;

/**
 * Finds when the provider may be asked again, in milliseconds since 1970, best source first: a quota of a day and its
 * end, the headers for waiting, Google's `RetryInfo`, the sentence of the error, the reset of a used-up limit.
 */
export function findWaitUntil(facts: ErrorFacts, nowMs: number): number | undefined {
  const { headers, message } = facts;
  const waitMs =
    toNumber(headers['retry-after-ms']) ??
    parseDurationMs(headers['retry-after']) ??
    parseDurationMs(retryInfoOf(facts)) ??
    parseDurationMs(/(?:try again|retry) in ((?:\d+(?:\.\d+)?(?:ms|[smhd]))+)/i.exec(message)?.[1]);
  const untilMs =
    endOfDayQuota(facts, nowMs) ??
    (waitMs === undefined ? parseDate(headers['retry-after']) : nowMs + waitMs) ??
    resetOf(facts, nowMs);
  if (untilMs === undefined) return undefined;
  return Math.min(Math.max(untilMs, nowMs), nowMs + longestWaitMs);
}

/** Finds the limit that was hit: the one that is used up, else the one that the provider names. */
export function findDimension(facts: ErrorFacts, nowMs: number): LimitDimension | undefined {
  const [usedUp] = usedUpLimits(facts, nowMs);
  if (usedUp !== undefined) return usedUp.dimension;
  const text = `${facts.message} ${quotaIdsOf(facts).join(' ')}`;
  return named.find(([pattern]) => pattern.test(text))?.[1];
}

/** When an account that reached its own spending limit may be used again, where Anthropic's sentence says so. */
export function regainedAt(message: string): number | undefined {
  const found = /regain access on (\d{4}-\d\d-\d\d) at (\d\d:\d\d) UTC/i.exec(message);
  return found === null ? undefined : parseDate(`${found[1] ?? ''}T${found[2] ?? ''}:00Z`);
}

/** How providers name limits in sentences and in Google's quota ids. */
const named: readonly (readonly [RegExp, LimitDimension])[] = [
  [/\(RPD\)|requests per day|RequestsPerDay/i, 'requests_day'],
  [/\(TPD\)|tokens per day|TokensPer\w*Day/i, 'tokens_day'],
  [/input tokens per minute|InputTokens/i, 'input_tokens'],
  [/output tokens per minute/i, 'output_tokens'],
  [/\(TPM\)|tokens per min/i, 'tokens'],
  [/\(RPM\)|requests per min|RequestsPer/i, 'requests'],
];

function usedUpLimits({ headers }: ErrorFacts, nowMs: number) {
  const readings = readLimitHeaders(headers, nowMs);
  // A subscription's window counts only where it is the reason: `rejected` says so.
  const isRejected = headers['anthropic-ratelimit-unified-status'] === 'rejected';
  return readings
    .filter(({ remaining }) => remaining < 1)
    .filter(({ dimension }) => isRejected || !dimension.startsWith('unified'));
}

function resetOf(facts: ErrorFacts, nowMs: number): number | undefined {
  const unified = toNumber(facts.headers['anthropic-ratelimit-unified-reset']);
  const isRejected = facts.headers['anthropic-ratelimit-unified-status'] === 'rejected';
  if (isRejected && unified !== undefined) return unified * 1000;
  const resets = usedUpLimits(facts, nowMs)
    .map(({ resetAtMs }) => resetAtMs)
    .filter((at) => at !== undefined);
  return resets.length === 0 ? undefined : Math.max(...resets);
}

/** Google's wish to wait. */
function retryInfoOf({ details }: ErrorFacts): string | undefined {
  const delay = details.map((detail) => detail['retryDelay']).find((value) => value !== undefined);
  return typeof delay === 'string' ? delay : undefined;
}

function quotaIdsOf({ details }: ErrorFacts): string[] {
  return details
    .flatMap((detail) => {
      const { violations } = detail;
      return Array.isArray(violations) ? (violations as unknown[]) : [];
    })
    .map((violation) => fieldOf(violation, 'quotaId'))
    .filter((id) => typeof id === 'string');
}

/**
 * The end of Google's quota of a day, midnight in California: the delay that Google gives beside it is that of the
 * minute, and would only lead to the next 429 (gemini-api/docs/rate-limits: "RPD quotas reset at midnight Pacific").
 */
function endOfDayQuota(facts: ErrorFacts, nowMs: number): number | undefined {
  return quotaIdsOf(facts).some((id) => id.includes('PerDay')) ? nextMidnight(nowMs) : undefined;
}

const pacificTime = new Intl.DateTimeFormat('en-GB', {
  timeZone: 'America/Los_Angeles',
  hour: 'numeric',
  minute: 'numeric',
  second: 'numeric',
});

function nextMidnight(nowMs: number): number {
  const pieces = pacificTime.formatToParts(nowMs);
  const at = (type: string) => Number(pieces.find((piece) => piece.type === type)?.value ?? 0);
  const sinceMidnightMs = (at('hour') * 3600 + at('minute') * 60 + at('second')) * 1000;
  const guess = Math.floor(nowMs / 1000) * 1000 - sinceMidnightMs + 86_400_000;
  // A day on which the clocks change is an hour shorter or longer.
  const hourOfGuess = Number(
    pacificTime.formatToParts(guess).find(({ type }) => type === 'hour')?.value ?? 0,
  );
  if (hourOfGuess === 0) return guess;
  return hourOfGuess > 12 ? guess + 3_600_000 : guess - 3_600_000;
}
