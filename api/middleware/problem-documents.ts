/** Every failure of the API, as one kind of answer: `application/problem+json` with a word code, never a stack. */
import type { ErrorRequestHandler, RequestHandler, Request, Response } from 'express';
import { AppError, codeOf, errorKinds, type ErrorCode } from '../../contracts/errors.ts';
import { problemMediaType } from '../../contracts/http.schema.ts';
import type { ProblemDocument } from '../../contracts/problem.schema.ts';
import type { Logger } from '../deps.ts';
import { requestIdOf } from './request-id.ts';

/** Seconds after which a caller should try again when nothing better is known. */
const defaultRetryAfterSeconds = 2;

/** Fails with ROUTE_NOT_FOUND: mounted after all routes. */
export const routeNotFound: RequestHandler = (request) => {
  throw new AppError('ROUTE_NOT_FOUND', `There is no ${request.method} ${request.path}.`);
};

/** Turns whatever was thrown into a problem document. */
export function problemDocuments(log: Logger): ErrorRequestHandler {
  return (error: unknown, request: Request, response: Response, next) => {
    const known = toAppError(error);
    logFailure(log, known, error, {
      requestId: requestIdOf(response),
      method: request.method,
      path: request.path,
    });
    // Something was sent: only a broken connection tells the reader that the rest is missing.
    if (response.headersSent) {
      request.socket.destroy();
      next();
      return;
    }
    const document = toProblemDocument(known, requestIdOf(response));
    if (document.status === 401) response.set('www-authenticate', 'Bearer realm="ado"');
    if (document.status === 503) response.set('retry-after', String(retryAfterSeconds(known)));
    response.status(document.status).type(problemMediaType).send(JSON.stringify(document));
  };
}

/** Writes an error as the problem document of RFC 9457. */
function toProblemDocument(error: AppError, requestId: string): ProblemDocument {
  const kind = errorKinds[error.code];
  return {
    type: `urn:ado:error:${error.code}`,
    title: kind.meaning,
    status: kind.http,
    code: error.code,
    detail: error.message,
    remedy: kind.remedy,
    requestId,
    ...(error.problems.length > 0 ? { problems: [...error.problems] } : {}),
  };
}

/** Errors without a code of ours are defects, but for those by which Express refuses a malformed path. */
function toAppError(error: unknown): AppError {
  if (error instanceof AppError) return error;
  if (error instanceof URIError) {
    return new AppError('INVALID_REQUEST', 'The path is not a valid URL path.', { cause: error });
  }
  const code: ErrorCode = codeOf(error) ?? 'INTERNAL';
  const message =
    code === 'INTERNAL' ? 'Something went wrong that should not have.' : (error as Error).message;
  return new AppError(code, message, { cause: error });
}

/** Once, here, and nowhere else. Only a defect brings its stack. */
function logFailure(log: Logger, known: AppError, error: unknown, about: object): void {
  const fields = { code: known.code, ...about };
  switch (errorKinds[known.code].family) {
    case 'internal':
      log.error({ ...fields, err: error }, 'request-failed');
      return;
    case 'transient':
    case 'upstream':
      log.warn({ ...fields, detail: known.message }, 'request-failed');
      return;
    case 'caller':
    case 'policy':
      log.info(fields, 'request-refused');
  }
}

function retryAfterSeconds(error: AppError): number {
  if (error.retryAfterMs === undefined) return defaultRetryAfterSeconds;
  return Math.max(1, Math.ceil(error.retryAfterMs / 1_000));
}
