/** HTTP as the fake API speaks it: the route table, schemas, problem documents, pages. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import type { Approval } from '../../contracts/approval.schema.ts';
import type { SubmitBatch } from '../../contracts/batch.schema.ts';
import { AppError, codeOf, errorKinds } from '../../contracts/errors.ts';
import { problemMediaType, routes } from '../../contracts/http.schema.ts';
import type { Route, RouteName } from '../../contracts/http.schema.ts';
import type { Task } from '../../contracts/task.schema.ts';

/** A route that fits a request. */
export interface FoundRoute {
  readonly name: RouteName;
  readonly route: Route;
  readonly params: Readonly<Record<string, string>>;
}

/** Finds the route of a request. @throws ROUTE_NOT_FOUND */
export function findRoute(method: string, path: string): FoundRoute {
  for (const [name, route] of Object.entries(routes) as [RouteName, Route][]) {
    const pattern = new RegExp(`^${route.path.replace(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
    const match = pattern.exec(path);
    if (match !== null && route.method === method.toLowerCase())
      return { name, route, params: { ...match.groups } };
  }
  throw new AppError('ROUTE_NOT_FOUND', `${method} ${path}`);
}

/** Holds a value against a schema. @throws INVALID_REQUEST */
export function parse(schema: z.ZodType | undefined, value: unknown): unknown {
  if (schema === undefined) return {};
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = parsed.error.issues.map((issue) => ({
    path: issue.path.join('.'),
    message: issue.message,
  }));
  throw new AppError('INVALID_REQUEST', 'The request does not fit.', { problems });
}

/** Reads the body of a request. */
export async function readBody(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const text = Buffer.concat(chunks).toString();
  return text === '' ? undefined : (JSON.parse(text) as unknown);
}

/** Answers an error as a problem document. */
export function answerProblem(response: ServerResponse, error: unknown): void {
  const code = codeOf(error) ?? 'INTERNAL';
  const { http: status, meaning: title, remedy } = errorKinds[code];
  const detail = error instanceof Error ? error.message : String(error);
  const problems =
    error instanceof AppError && error.problems.length > 0 ? { problems: error.problems } : {};
  const document = {
    type: `errors#${code}`,
    title,
    status,
    code,
    detail,
    remedy,
    requestId: 'request-1',
    ...problems,
  };
  if (!response.headersSent) response.writeHead(status, { 'content-type': problemMediaType });
  response.end(JSON.stringify(document));
}

/** Answers whether a task fits the filters of a list. */
export function fits(task: Task, query: Readonly<Record<string, unknown>>): boolean {
  const inBatch = query['inBatch'];
  if (inBatch !== undefined && inBatch !== (task.batchId !== undefined)) return false;
  return (['status', 'outcome', 'failureClass'] as const).every((name) => {
    const words = query[name] as readonly string[] | undefined;
    return words === undefined || words.includes(task[name] ?? '');
  });
}

/** Answers whether an approval fits the filters of its list. */
export function asksFor(approval: Approval, query: Readonly<Record<string, unknown>>): boolean {
  const statuses = query['status'] as readonly string[] | undefined;
  const kinds = query['kind'] as readonly string[] | undefined;
  return (
    (statuses?.includes(approval.status) ?? true) &&
    (kinds?.includes(approval.kind) ?? true) &&
    (query['taskId'] === undefined || query['taskId'] === approval.taskId) &&
    (query['batchId'] === undefined || query['batchId'] === approval.batchId)
  );
}

/** Cuts one page out of a list. */
export function page<T>(
  all: readonly T[],
  query: Readonly<Record<string, unknown>>,
): { items: T[]; nextCursor: string | null } {
  const start = Number(query['cursor'] ?? 0);
  const end = start + Number(query['limit']);
  return { items: all.slice(start, end), nextCursor: end < all.length ? String(end) : null };
}

/** The plan of a batch. */
export function plan(request: SubmitBatch): unknown {
  const items = request.items.map(
    ({ repository, baseRef, baseCommit, prompt, variables, skip }) => ({
      ...{ repository, baseRef, variables, skip },
      baseCommit: baseCommit ?? 'a'.repeat(40),
      branchSlug: 'slug',
      prompt: (prompt ?? request.prompt).replace(
        /\{\{(\w+)\}\}/g,
        (_, name: string) => variables[name] ?? '',
      ),
    }),
  );
  const skipped = items.filter((item) => item.skip !== undefined).length;
  const estimate = {
    lowMicroUsd: 0,
    highMicroUsd: 0,
    worstMicroUsd: request.agent === 'command' ? 0 : 10_000_000,
    basedOnTasks: 0,
  };
  return { items, toRun: items.length - skipped, skipped, parallel: request.parallel, estimate };
}
