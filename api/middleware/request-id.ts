/** The id by which one request is found in logs and problem documents. */
import { randomUUID } from 'node:crypto';
import type { NextFunction, Request, Response } from 'express';

const header = 'x-request-id';

/** Takes the caller's `x-request-id` when it is a plain word, else makes one; the answer carries it. */
export function requestId(request: Request, response: Response, next: NextFunction): void {
  const given = request.get(header);
  const id = given !== undefined && /^[\w.-]{1,128}$/.test(given) ? given : randomUUID();
  response.set(header, id);
  next();
}

/** The id of the request that this response answers. */
export function requestIdOf(response: Response): string {
  return response.get(header) ?? '';
}
