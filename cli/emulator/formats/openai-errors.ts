/** Errors and headers that both wires of OpenAI share. Source: OpenAI's guides on error codes and rate limits. */
import type { Dimension, Gauge, Gauges } from '../account-limits.ts';
import type { Headers, WireError } from '../wire-format.ts';

interface OpenAiError {
  readonly type: string;
  readonly code: string | null;
  readonly message: string;
}

const serverError: OpenAiError = {
  type: 'server_error',
  code: null,
  message: 'The server had an error while processing your request. Sorry about that!',
};
const errors: Readonly<Record<number, OpenAiError>> = {
  400: { type: 'invalid_request_error', code: null, message: 'Invalid request.' },
  401: {
    type: 'invalid_request_error',
    code: 'invalid_api_key',
    message: 'Incorrect API key provided.',
  },
  402: {
    type: 'insufficient_quota',
    code: 'billing_hard_limit_reached',
    message: 'Billing hard limit has been reached.',
  },
  403: {
    type: 'request_forbidden',
    code: 'unsupported_country_region_territory',
    message: 'Country, region, or territory not supported',
  },
  404: {
    type: 'invalid_request_error',
    code: 'model_not_found',
    message: 'The model does not exist.',
  },
  413: { type: 'invalid_request_error', code: 'request_too_large', message: 'Request too large.' },
  422: { type: 'invalid_request_error', code: null, message: 'Unprocessable entity.' },
  429: { type: 'requests', code: 'rate_limit_exceeded', message: 'Rate limit reached.' },
  503: {
    type: 'service_unavailable_error',
    code: 'server_is_overloaded',
    message: 'The engine is currently overloaded, please try again later.',
  },
};

/** Words for the limit that refused a call. */
const limitWords: Readonly<Record<Dimension, { readonly type: string; readonly name: string }>> = {
  requests: { type: 'requests', name: 'requests per min (RPM)' },
  tokens: { type: 'tokens', name: 'tokens per min (TPM)' },
  inputTokens: { type: 'tokens', name: 'input tokens per min (TPM)' },
  outputTokens: { type: 'tokens', name: 'output tokens per min (TPM)' },
  concurrency: { type: 'requests', name: 'concurrent requests' },
};

/** The error object of both wires. */
export function toOpenAiError(error: WireError): object {
  const usual = errors[error.status] ?? serverError;
  const { refusal, model } = error;
  const words = refusal === undefined ? undefined : limitWords[refusal.dimension];
  const message =
    refusal === undefined || words === undefined
      ? usual.message
      : `Rate limit reached for ${model} on ${words.name}: Limit ${refusal.limit}. Please try again in ${toSpan(refusal.retryAfterMs)}.`;
  return {
    message: error.message ?? message,
    type: words?.type ?? usual.type,
    param: null,
    code: error.type ?? usual.code,
  };
}

/** `retry-after`, and the same in milliseconds. */
export function openAiErrorHeaders({ retryAfterMs }: WireError): Headers {
  if (retryAfterMs === undefined) return {};
  return {
    'retry-after': String(Math.ceil(retryAfterMs / 1_000)),
    'retry-after-ms': String(Math.ceil(retryAfterMs)),
  };
}

/** `x-ratelimit-*`. OpenAI has one limit of tokens; where none is set, that of the input stands for it. */
export function openAiLimitHeaders(gauges: Gauges): Headers {
  const tokens = gauges.tokens ?? gauges.inputTokens;
  return {
    ...(gauges.requests === undefined ? {} : headersOf('requests', gauges.requests)),
    ...(tokens === undefined ? {} : headersOf('tokens', tokens)),
  };
}

function headersOf(name: string, gauge: Gauge): Headers {
  return {
    [`x-ratelimit-limit-${name}`]: String(gauge.limit),
    [`x-ratelimit-remaining-${name}`]: String(gauge.remaining),
    [`x-ratelimit-reset-${name}`]: toSpan(gauge.untilFullMs),
  };
}

/** Writes a span as OpenAI does: `6m0s`, `1.5s`, `20ms`. */
function toSpan(spanMs: number): string {
  const wholeMs = Math.ceil(spanMs);
  if (wholeMs < 1_000) return `${wholeMs}ms`;
  const minutes = Math.floor(wholeMs / 60_000);
  const seconds = `${(wholeMs - minutes * 60_000) / 1_000}s`;
  return minutes === 0 ? seconds : `${minutes}m${seconds}`;
}
