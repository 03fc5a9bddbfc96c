/**
 * The API as the command line calls it. Methods, paths, inputs and answers are checked against the route table at
 * compile time only: loading the table would load its schemas, and a call must not wait for those.
 */
import type { z } from 'zod';
import { AppError, isErrorCode } from '../contracts/errors.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { routes } from '../contracts/http.schema.ts';
import type { ProblemDocument } from '../contracts/problem.schema.ts';

type Routes = typeof routes;
type RouteOf = {
  [Name in keyof Routes as `${Routes[Name]['method']} ${Routes[Name]['path']}`]: Routes[Name];
};
type KeyOfAnswer<Kind> = {
  [Key in keyof RouteOf]: RouteOf[Key]['answer'] extends Kind ? Key : never;
}[keyof RouteOf];

/** A route that answers JSON, as `<method> <path>`. */
export type JsonRoute = KeyOfAnswer<'json'>;
/** A route that answers text. */
export type TextRoute = KeyOfAnswer<'text'>;
/** A route that answers a stream of events. */
export type EventsRoute = KeyOfAnswer<'events'>;

type Part<Route, Name extends string> = Route extends {
  readonly [N in Name]: infer Schema extends z.ZodType;
}
  ? { readonly [N in Name]: z.input<Schema> }
  : { readonly [N in Name]?: never };

/** What a route is called with: path parameters, query, body. */
export type InputOf<Key extends keyof RouteOf> = Part<RouteOf[Key], 'params'> &
  Partial<Part<RouteOf[Key], 'query'>> &
  Part<RouteOf[Key], 'body'> & { readonly idempotencyKey?: string };
/** What a route answers. */
export type OutputOf<Key extends keyof RouteOf> = z.output<RouteOf[Key]['response']>;

/** An error that the server told, with what its problem document says beyond a code and a message. */
export class ServerError extends AppError {
  readonly remedy: string | undefined;
  readonly requestId: string | undefined;

  constructor(
    code: ErrorCode,
    message: string,
    told: Partial<ProblemDocument> & { readonly retryAfterMs?: number | undefined },
  ) {
    super(code, message, {
      problems: told.problems ?? [],
      ...(told.retryAfterMs === undefined ? {} : { retryAfterMs: told.retryAfterMs }),
    });
    this.remedy = told.remedy;
    this.requestId = told.requestId;
  }
}

/** Where the API is, and the key to use there. */
export interface Address {
  readonly url: string;
  readonly key: string | undefined;
}

/** The calls that commands make. Every one throws the error of the server's answer, or SERVER_UNREACHABLE. */
export interface ApiClient {
  readonly call: <Key extends JsonRoute>(route: Key, input: InputOf<Key>) => Promise<OutputOf<Key>>;
  readonly text: <Key extends TextRoute>(route: Key, input: InputOf<Key>) => Promise<string>;
  /** Opens a stream of events after `lastSeq`; its bytes as they come. */
  readonly open: <Key extends EventsRoute>(
    route: Key,
    input: InputOf<Key> & { readonly lastSeq: number; readonly signal: AbortSignal },
  ) => Promise<AsyncIterable<Uint8Array>>;
}

type Values = Readonly<Record<string, unknown>>;

interface LooseInput {
  readonly params?: Values | undefined;
  readonly query?: Values | undefined;
  readonly body?: unknown;
  readonly idempotencyKey?: string;
  readonly lastSeq?: number;
  readonly signal?: AbortSignal;
}

/** Most that a reading call may take. */
const readTimeoutMs = 60_000;
/** Accepting a batch resolves every base, which for remote repositories takes its time. */
const writeTimeoutMs = 600_000;

/** Makes a client. The address is asked for at every call, as a platform may come back on another port. */
export function createApiClient(findAddress: () => Address | Promise<Address>): ApiClient {
  const send = async (
    route: string,
    input: LooseInput,
  ): Promise<{ readonly response: Response; readonly address: Address }> => {
    const address = await findAddress();
    const { url, method } = placeOf(route, input, address);
    const timeoutMs = method === 'GET' ? readTimeoutMs : writeTimeoutMs;
    try {
      const response = await fetch(url, {
        method,
        headers: headersOf(address, input),
        signal: input.signal ?? AbortSignal.timeout(timeoutMs),
        ...(input.body === undefined ? {} : { body: JSON.stringify(input.body) }),
      });
      if (!response.ok) throw await toServerError(response, address);
      return { response, address };
    } catch (error) {
      if (error instanceof AppError || input.signal?.aborted === true) throw error;
      throw unreachable(address, error);
    }
  };
  return {
    call: async (route, input) => {
      const { response, address } = await send(route, input);
      return readBody(response, address, async () => JSON.parse(await response.text()) as never);
    },
    text: async (route, input) => {
      const { response, address } = await send(route, input);
      return readBody(response, address, async () => response.text());
    },
    open: async (route, input) => {
      const { response, address } = await send(route, input);
      if (response.body === null) throw unreachable(address, new Error('an empty answer'));
      return response.body;
    },
  };
}

function headersOf(address: Address, input: LooseInput): Record<string, string> {
  return {
    accept: input.lastSeq === undefined ? 'application/json, text/plain' : 'text/event-stream',
    ...(address.key === undefined ? {} : { authorization: `Bearer ${address.key}` }),
    ...(input.body === undefined ? {} : { 'content-type': 'application/json' }),
    ...(input.idempotencyKey === undefined ? {} : { 'idempotency-key': input.idempotencyKey }),
    ...(input.lastSeq === undefined ? {} : { 'last-event-id': String(input.lastSeq) }),
  };
}

function placeOf(
  route: string,
  { params = {}, query = {} }: LooseInput,
  address: Address,
): { readonly url: URL; readonly method: string } {
  const [method = '', path = ''] = route.split(' ');
  const filled = path.replace(/:([A-Za-z]+)/g, (_, name: string) =>
    encodeURIComponent(toText(params[name])),
  );
  const url = new URL(address.url.replace(/\/+$/, '') + filled);
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined) url.searchParams.set(name, toText(value));
  }
  return { url, method: method.toUpperCase() };
}

function toText(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

async function readBody<T>(
  response: Response,
  address: Address,
  read: () => Promise<T>,
): Promise<T> {
  try {
    return await read();
  } catch (error) {
    if (error instanceof SyntaxError) throw notAdo(response, address);
    throw unreachable(address, error);
  }
}

async function toServerError(response: Response, address: Address): Promise<AppError> {
  const problem = await readProblem(response);
  if (problem === undefined) return notAdo(response, address);
  const retryAfter = Number(response.headers.get('retry-after') ?? Number.NaN);
  return new ServerError(problem.code, problem.detail, {
    ...problem,
    retryAfterMs: Number.isFinite(retryAfter) ? retryAfter * 1_000 : undefined,
  });
}

async function readProblem(response: Response): Promise<ProblemDocument | undefined> {
  try {
    const body: unknown = await response.json();
    const isProblem =
      typeof body === 'object' && body !== null && 'code' in body && isErrorCode(body.code);
    return isProblem ? (body as ProblemDocument) : undefined;
  } catch {
    return undefined;
  }
}

function notAdo(response: Response, address: Address): AppError {
  return new AppError(
    'SERVER_UNREACHABLE',
    `${address.url} answers ${response.status}, but not as an ado server does.`,
  );
}

function unreachable(address: Address, cause: unknown): AppError {
  return new AppError(
    'SERVER_UNREACHABLE',
    `${address.url} does not answer (${reasonOf(cause)}).`,
    { cause },
  );
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error;
  if (!(cause instanceof Error)) return 'no connection';
  if (cause.name === 'TimeoutError') return 'timed out';
  const code = 'code' in cause && typeof cause.code === 'string' ? cause.code : undefined;
  return code === 'ECONNREFUSED' ? 'connection refused' : (code ?? cause.message);
}

/** A list route's answer. */
interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Reads a list page by page until its end, or until `limit` items are there. */
export async function* eachItem<T>(
  limit: number,
  fetchPage: (query: { readonly limit: number; readonly cursor?: string }) => Promise<Page<T>>,
): AsyncGenerator<T> {
  let left = limit;
  let cursor: string | null | undefined;
  do {
    const page = await fetchPage({ limit: Math.min(left, maxPage), ...(cursor ? { cursor } : {}) });
    yield* page.items.slice(0, left);
    left -= page.items.length;
    cursor = page.nextCursor;
  } while (cursor !== null && left > 0);
}

/** Reads a list as a whole, or its first `limit` items. */
export async function listAll<T>(
  limit: number,
  fetchPage: Parameters<typeof eachItem<T>>[1],
): Promise<T[]> {
  const items: T[] = [];
  for await (const item of eachItem(limit, fetchPage)) items.push(item);
  return items;
}

/** The largest page that the API gives. */
const maxPage = 500;
