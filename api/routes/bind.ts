/** Binds lines of the route table to handlers, so that neither request nor answer can leave its schema. */
import type { Request, Response, Router } from 'express';
import { z } from 'zod';
import type { Actor, IdempotencyClaim } from '../../adapters/ports.ts';
import { AppError } from '../../contracts/errors.ts';
import {
  changesSomething,
  routes,
  type Route,
  type RouteName,
} from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { authenticate } from '../middleware/authentication.ts';
import { readJsonBody } from '../middleware/json-body.ts';
import { readIdempotencyClaim } from './idempotency-claim.ts';
import { toProblems } from './to-problems.ts';

/** Where routes are bound, and what every one of them needs. */
export interface ApiRouter extends Pick<ApiDeps, 'keys' | 'metrics' | 'clock' | 'readOnly'> {
  readonly router: Router;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Data that is only read fits wherever its mutable form does. */
type Readonlike<T> = T extends readonly (infer Item)[]
  ? readonly Readonlike<Item>[]
  : T extends object
    ? { readonly [Key in keyof T]: Readonlike<T[Key]> }
    : T;

/** A request whose every part fits the table. */
export interface Call<R extends Route> {
  /** Who asks; undefined for the few routes that need no key. */
  readonly actor: R extends { readonly scope: string } ? Actor : undefined;
  readonly params: R extends { readonly params: infer Schema } ? Parsed<Schema> : undefined;
  readonly query: R extends { readonly query: infer Schema } ? Parsed<Schema> : undefined;
  readonly body: R extends { readonly body: infer Schema } ? Parsed<Schema> : undefined;
  /** From the `Idempotency-Key` header of a route that takes one. */
  readonly claim: IdempotencyClaim | undefined;
}

/** What a handler of a `json` route answers: what its schema says, and nothing else. */
export type Answer<R extends Route> = Readonlike<z.output<R['response']>>;

type RouteOf<Kind> = Route & { readonly answer: Kind };

/** Binds a route that answers JSON. An answer that does not fit the table does not compile. */
export function bind<const R extends RouteOf<'json'>>(
  router: ApiRouter,
  route: R,
  handle: (call: Call<R>) => Promise<Answer<R>> | Answer<R>,
): void {
  bindRaw(router, route, async (call, _request, response) => {
    const answer = await handle(call);
    response.status(route.status).json(answer);
  });
}

/** Binds a route that answers text or events, which its handler writes itself. */
export function bindStream<const R extends RouteOf<'text' | 'events'>>(
  router: ApiRouter,
  route: R,
  handle: (call: Call<R>, request: Request, response: Response) => Promise<void>,
): void {
  bindRaw(router, route, handle);
}

function bindRaw<R extends Route>(
  api: ApiRouter,
  route: R,
  handle: (call: Call<R>, request: Request, response: Response) => Promise<void>,
): void {
  const { keys, metrics, clock, readOnly, router } = api;
  const name = nameOf(route);
  router[route.method](route.path, async (request, response) => {
    const startedAt = clock.now();
    response.once('close', () => {
      if (name === undefined) return;
      metrics.httpAnswered(name, response.statusCode, clock.now() - startedAt);
    });
    // Who may not ask is told so before a byte of the body is read.
    const actor =
      route.scope === undefined ? undefined : await authenticate(keys, request, route.scope);
    if (readOnly && changesSomething(route)) {
      throw new AppError('READ_ONLY', 'This server is read-only: nothing was changed.');
    }
    const body = route.body === undefined ? undefined : await readJsonBody(request, response);
    await handle(readCall(route, request, { actor, body }), request, response);
  });
}

function nameOf(route: Route): RouteName | undefined {
  const names = Object.keys(routes) as RouteName[];
  return names.find((name) => (routes[name] as Route) === route);
}

/** Parses all parts of a request. @throws INVALID_REQUEST with every problem · …_NOT_FOUND for an id that cannot exist */
function readCall<R extends Route>(
  route: R,
  request: Request,
  raw: { readonly actor: Actor | undefined; readonly body: unknown },
): Call<R> {
  const params = route.params?.safeParse(request.params);
  if (params?.success === false) throw unknownId(request);
  const query = (route.query ?? z.strictObject({})).safeParse(request.query);
  const body = route.body?.safeParse(raw.body);
  const problems = [query, body].flatMap((part) =>
    part?.success === false ? toProblems(part.error) : [],
  );
  if (problems.length > 0) {
    const listed = problems.map(({ path, message }) =>
      path === '' ? message : `${path}: ${message}`,
    );
    throw new AppError('INVALID_REQUEST', `The request is not valid: ${listed.join('; ')}.`, {
      problems,
    });
  }
  const claim =
    route.idempotent === true ? readIdempotencyClaim(request, route, raw.body) : undefined;
  // The types follow from the table, which the compiler cannot see through these optional schemas.
  return {
    actor: raw.actor,
    params: params?.data,
    query: query.data,
    body: body?.data,
    claim,
  } as Call<R>;
}

function unknownId(request: Request): AppError {
  const { taskId, batchId, approvalId } = request.params;
  if (taskId !== undefined)
    return new AppError('TASK_NOT_FOUND', `There is no task ${JSON.stringify(taskId)}.`);
  return approvalId === undefined
    ? new AppError('BATCH_NOT_FOUND', `There is no batch ${JSON.stringify(batchId)}.`)
    : new AppError('APPROVAL_NOT_FOUND', `There is no approval ${JSON.stringify(approvalId)}.`);
}
