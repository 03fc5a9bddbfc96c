/** JSON over HTTP with the host of a repository, and what its refusals mean. */
import type { z } from 'zod';
import { AppError } from '../../contracts/errors.ts';
import { scrub } from '../models/scrub.ts';
import { sendRequest } from '../models/send-request.ts';

/** A host answers in seconds, or not at all. */
const answerTimeoutMs = 30_000;
/** Pause that GitHub asks for after a secondary limit without a time of its own. */
const unnamedPauseMs = 60_000;
/** Longest pause that is waited for; a later time is asked about again then. */
const longestPauseMs = 3_600_000;

/** A host that is talked to. */
export interface ForgeHost {
  readonly name: string;
  /** Without a slash at its end. */
  readonly apiUrl: string;
  readonly token: string;
  readonly headers: Readonly<Record<string, string>>;
}

/** What is asked of a host. A repository is named by its path there. */
export interface ForgeApi {
  /** Address of the pull request of a branch, an open one first; undefined when there never was one. */
  find(path: string, branch: string, signal: AbortSignal | undefined): Promise<string | undefined>;
  defaultBranch(path: string, signal: AbortSignal | undefined): Promise<string>;
  /** Makes a pull request and answers its address. */
  make(
    path: string,
    request: {
      readonly branch: string;
      readonly target: string;
      readonly title: string;
      readonly body: string;
    },
    signal: AbortSignal | undefined,
  ): Promise<string>;
}

/** One request. */
export interface ForgeCall<T> {
  readonly method: 'GET' | 'POST';
  /** Below the host's API, with its query. */
  readonly path: string;
  readonly body?: Readonly<Record<string, string>>;
  readonly answer: z.ZodType<T>;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Asks a host. Nothing is repeated here: who calls does that, after looking what is there.
 * @throws PUBLISH_FAILED when it refuses · FORGE_UNAVAILABLE when it limits, fails, or cannot be reached
 */
export async function callForge<T>(host: ForgeHost, call: ForgeCall<T>): Promise<T> {
  const { status, headers, text } = await send(host, call);
  if (status < 200 || status > 299) throw refusalOf(host, { status, headers, text });
  const parsed = call.answer.safeParse(parseJson(text));
  if (parsed.success) return parsed.data;
  throw new AppError(
    'PUBLISH_FAILED',
    `${host.name} answered ${call.method} ${call.path} with something else than expected.`,
  );
}

interface ForgeAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

async function send(
  host: ForgeHost,
  { method, path, body, signal }: ForgeCall<unknown>,
): Promise<ForgeAnswer> {
  const headers = new Headers({ accept: 'application/json', 'user-agent': 'ado', ...host.headers });
  if (body !== undefined) headers.set('content-type', 'application/json');
  const timeout = AbortSignal.timeout(answerTimeoutMs);
  try {
    const response = await sendRequest(new URL(`${host.apiUrl}${path}`), {
      ...{ method, headers, body: body === undefined ? undefined : JSON.stringify(body) },
      signal: signal === undefined ? timeout : AbortSignal.any([signal, timeout]),
    });
    return { status: response.status, headers: response.headers, text: await response.text() };
  } catch (error) {
    signal?.throwIfAborted();
    const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new AppError('FORGE_UNAVAILABLE', `${host.name} cannot be reached: ${why}.`, {
      cause: error,
    });
  }
}

/** What a status that is no success means: come back later, or never. */
function refusalOf({ name, token }: ForgeHost, { status, headers, text }: ForgeAnswer): AppError {
  const said = scrub(messageIn(text), new Set([token]));
  const message = `${name} answered ${String(status)}${said === '' ? '' : `: ${said}`}.`;
  const pauseMs = pauseOf(headers);
  const isLimited =
    status === 429 || (status === 403 && (pauseMs !== undefined || /rate limit|abuse/i.test(said)));
  if (!isLimited && status < 500) return new AppError('PUBLISH_FAILED', message);
  const retryAfterMs = pauseMs ?? (isLimited ? unnamedPauseMs : undefined);
  return new AppError('FORGE_UNAVAILABLE', message, {
    ...(retryAfterMs === undefined ? {} : { retryAfterMs }),
  });
}

/** How long a host asks to be left alone: `Retry-After` in seconds, or when an exhausted limit begins anew. */
function pauseOf(headers: Headers): number | undefined {
  const seconds = Number(headers.get('retry-after') ?? Number.NaN);
  if (Number.isFinite(seconds)) return Math.min(longestPauseMs, Math.max(1, seconds) * 1_000);
  const isSpent = [headers.get('x-ratelimit-remaining'), headers.get('ratelimit-remaining')];
  const reset = Number(headers.get('x-ratelimit-reset') ?? headers.get('ratelimit-reset'));
  if (!isSpent.includes('0') || !Number.isFinite(reset) || reset <= 0) return undefined;
  return Math.min(longestPauseMs, Math.max(1_000, reset * 1_000 - Date.now()));
}

/** The sentence of a refusal: `message` with the first of `errors`, or what GitLab puts into `error`. */
function messageIn(text: string): string {
  const value = parseJson(text);
  if (typeof value !== 'object' || value === null) return '';
  const { message, error, errors } = value as Readonly<Record<string, unknown>>;
  const first: unknown = Array.isArray(errors) ? errors[0] : undefined;
  const detail =
    typeof first === 'object' && first !== null && 'message' in first ? first.message : undefined;
  const parts = [message ?? error, detail].filter((part) => part !== undefined);
  return parts.map((part) => (typeof part === 'string' ? part : JSON.stringify(part))).join(': ');
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    return undefined;
  }
}
