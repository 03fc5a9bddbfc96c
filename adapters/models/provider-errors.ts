/**
 * The one table of provider errors: what a failed call means, and what to do about it. The first line that fits decides,
 * so lines that look at the words of an error stand before those that look at its status only. Sources: the vendors'
 * error pages (Anthropic api/errors, OpenAI guides/error-codes, Google gemini-api/docs/troubleshooting) and what vLLM,
 * llama.cpp, Ollama and OpenRouter answer where they copy OpenAI.
 */
import type { ErrorCode } from '../../contracts/errors.ts';
import type { ModelCallDecision } from '../ports.ts';
import type { ErrorFacts } from './error-facts.ts';
import { findDimension, findWaitUntil, regainedAt } from './wait-times.ts';

/** One line of the table. */
interface Line {
  readonly what: string;
  readonly fits: (facts: ErrorFacts) => boolean;
  readonly kind: ModelCallDecision['kind'];
  readonly code: ErrorCode;
  /** Left out where the provider told it: an error status cost a request, an error inside a stream may have cost tokens. */
  readonly spent?: ModelCallDecision['spent'];
}

/** How long an account rests after a 429 that does not say how long: as the breaker does at first. */
const unknownWaitMs = 15_000;

const hasWord =
  (...words: readonly string[]) =>
  (facts: ErrorFacts): boolean =>
    words.some((word) => facts.words.includes(word));
const says =
  (pattern: RegExp, ...statuses: readonly number[]) =>
  (facts: ErrorFacts): boolean =>
    pattern.test(facts.message) &&
    (statuses.length === 0 || facts.isInStream || statuses.includes(facts.status ?? 0));
const hasStatus =
  (...statuses: readonly number[]) =>
  (facts: ErrorFacts): boolean =>
    facts.status !== undefined && statuses.includes(facts.status);
const any =
  (...tests: readonly ((facts: ErrorFacts) => boolean)[]) =>
  (facts: ErrorFacts): boolean =>
    tests.some((test) => test(facts));

/** Failures of the network that come before a request is sent. */
const unreachable =
  /^(ECONNREFUSED|ENOTFOUND|EAI_[A-Z]+|EHOSTUNREACH|ENETUNREACH|UND_ERR_CONNECT_TIMEOUT|CERT_|ERR_TLS_|ERR_SSL_|DEPTH_|SELF_SIGNED_|UNABLE_TO_)/;

const lines: readonly Line[] = [
  {
    what: 'it did not answer in time',
    fits: ({ network }) => /^(TIMEOUT|ETIMEDOUT|UND_ERR_\w+_TIMEOUT)$/.test(network ?? ''),
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    spent: 'unknown',
  },
  {
    what: 'it cannot be reached',
    fits: ({ network }) => unreachable.test(network ?? ''),
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    spent: 'nothing',
  },
  {
    what: 'the connection broke',
    fits: ({ network }) => network !== undefined,
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    spent: 'unknown',
  },
  {
    what: 'the request cannot be put into its form',
    fits: ({ client }) => client === 'unsent',
    kind: 'final',
    code: 'MODEL_REQUEST_INVALID',
    spent: 'nothing',
  },
  {
    what: 'its answer cannot be read',
    fits: ({ client }) => client === 'unreadable',
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    spent: 'unknown',
  },
  {
    what: 'it gave an answer that cannot be used',
    fits: ({ client }) => client === 'unusable',
    kind: 'fallback',
    code: 'MODEL_FAILED',
    spent: 'unknown',
  },
  {
    what: 'the account has no credit left',
    fits: any(
      hasStatus(402),
      hasWord('insufficient_quota', 'insufficient_credits', 'insufficient_balance'),
      hasWord(
        'billing_error',
        'billing_not_active',
        'billing_hard_limit_reached',
        'credits_required',
      ),
      says(/credit balance is too low|insufficient (credits|balance|funds)/i, 400, 403, 429),
      says(/spend(ing)? (limit|cap)|specified api usage limits/i, 400, 403, 429),
      says(
        /(requires|enable|enabling) billing|billing (is )?(not enabled|disabled)|requires .*billing to be enabled/i,
        400,
        403,
      ),
    ),
    kind: 'money',
    code: 'MODEL_CREDIT_EXHAUSTED',
  },
  {
    what: 'the request is larger than the limit of the account',
    fits: says(/request too large for .* per min|request is larger than the .*limit/i, 429, 413),
    kind: 'fallback',
    code: 'MODEL_REQUEST_TOO_LARGE',
  },
  {
    what: 'the conversation is too long for the model',
    fits: any(
      hasWord(
        'context_length_exceeded',
        'exceed_context_size_error',
        'model_max_prompt_tokens_exceeded',
      ),
      says(
        /prompt is too long|maximum context length|exceeds? .{0,40}context/i,
        400,
        413,
        422,
        500,
      ),
      says(
        /input token count .{0,40}exceeds the maximum|reduce the length of the (messages|prompt)/i,
        400,
        413,
        422,
      ),
    ),
    kind: 'fallback',
    code: 'MODEL_CONTEXT_EXCEEDED',
  },
  {
    what: 'its content policy refuses the request',
    fits: any(
      hasWord(
        'content_policy_violation',
        'content_filter',
        'moderation_blocked',
        'prohibited_content',
      ),
      says(
        /content (filtering|management) policy|content policy|usage polic(y|ies)|was flagged/i,
        400,
        403,
      ),
    ),
    kind: 'final',
    code: 'MODEL_REFUSED',
  },
  {
    what: 'the account does not serve the model',
    fits: any(
      hasWord('model_not_found', 'model_not_available', 'unknown_model', 'invalid_model'),
      says(/\bmodels?\b/i, 404),
      says(
        /(invalid|unknown|unsupported) model|not a valid model|model .{0,80}(does not exist|not found|is not supported)/i,
        400,
        403,
      ),
    ),
    kind: 'fallback',
    code: 'MODEL_NOT_FOUND',
  },
  {
    what: 'it does not accept the credential',
    fits: any(
      hasStatus(401, 403),
      hasWord('authentication_error', 'permission_error', 'invalid_api_key', 'api_key_invalid'),
      says(/api key (not valid|expired|not found)/i, 400),
    ),
    kind: 'final',
    code: 'CREDENTIAL_REFUSED',
  },
  {
    what: 'it asks to wait',
    fits: any(
      hasStatus(429),
      hasWord('rate_limit_error', 'rate_limit_exceeded', 'resource_exhausted', 'too_many_requests'),
    ),
    kind: 'wait',
    code: 'MODEL_RATE_LIMITED',
  },
  {
    what: 'it is overloaded or at fault',
    fits: any(
      ({ status }) => status !== undefined && status >= 500,
      hasStatus(408, 409, 425),
      hasWord(
        'overloaded_error',
        'api_error',
        'timeout_error',
        'server_error',
        'internal_server_error',
      ),
      hasWord('unavailable', 'internal', 'slow_down', 'engine_overloaded', 'service_unavailable'),
    ),
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
  },
  {
    what: 'the request is too large for it',
    fits: any(hasStatus(413), hasWord('request_too_large')),
    kind: 'final',
    code: 'MODEL_REQUEST_TOO_LARGE',
  },
  {
    what: 'it rejects the request',
    fits: any(
      ({ status }) => status !== undefined && status >= 300,
      hasWord('invalid_request_error', 'invalid_prompt', 'invalid_argument', 'not_found_error'),
    ),
    kind: 'final',
    code: 'MODEL_REQUEST_INVALID',
  },
  {
    what: 'its answer broke off',
    fits: () => true,
    kind: 'overloaded',
    code: 'MODEL_UNAVAILABLE',
    spent: 'unknown',
  },
];

/**
 * Decides what a failed call means. Where the provider says `x-should-retry`, that decides between "its trouble" and
 * "final"; a wait stays a wait, since waiting repeats nothing.
 * @param nowMs the time of the failure; `untilMs` counts from it
 */
export function decideOnError(facts: ErrorFacts, nowMs: number): ModelCallDecision {
  const line = lines.find(({ fits }) => fits(facts));
  if (line === undefined) throw new Error('the last line of the table fits every error');
  const { what, kind, code } = overruled(line, facts.headers['x-should-retry']);
  const spent = line.spent ?? (facts.isInStream ? 'unknown' : 'request');
  const untilMs = findUntil(kind, facts, nowMs);
  const dimension = kind === 'wait' ? findDimension(facts, nowMs) : undefined;
  return {
    kind,
    code,
    what,
    spent,
    isTold: line.spent === undefined,
    ...(untilMs === undefined ? {} : { untilMs }),
    ...(dimension === undefined ? {} : { dimension }),
  };
}

function overruled(line: Line, shouldRetry: string | undefined): Line {
  if (shouldRetry === 'true' && line.code === 'MODEL_REQUEST_INVALID')
    return { ...line, kind: 'overloaded', code: 'MODEL_UNAVAILABLE' };
  if (shouldRetry === 'false' && line.kind === 'overloaded')
    return { ...line, kind: 'final', code: 'MODEL_REQUEST_INVALID' };
  return line;
}

function findUntil(
  kind: ModelCallDecision['kind'],
  facts: ErrorFacts,
  nowMs: number,
): number | undefined {
  if (kind === 'wait') return findWaitUntil(facts, nowMs) ?? nowMs + unknownWaitMs;
  if (kind === 'overloaded') return findWaitUntil(facts, nowMs);
  return kind === 'money' ? regainedAt(facts.message) : undefined;
}
