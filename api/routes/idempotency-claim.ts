/** The `Idempotency-Key` header (draft-ietf-httpapi-idempotency-key-header). */
import type { Request } from 'express';
import type { IdempotencyClaim } from '../../adapters/ports.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Route } from '../../contracts/http.schema.ts';
import { hashOf } from '../use-cases/canonical-json.ts';

/**
 * Reads the claim of a request: its key, and a hash of route and body as they were sent (defaults that a later version
 * adds must not make a repeat look like another request). @throws INVALID_REQUEST for a key that is none
 */
export function readIdempotencyClaim(
  request: Request,
  route: Route,
  body: unknown,
): IdempotencyClaim | undefined {
  const key = request.get('idempotency-key');
  if (key === undefined) return undefined;
  if (!/^[\x20-\x7e]{1,255}$/.test(key)) {
    const message = 'must be 1 to 255 printable ASCII characters';
    throw new AppError('INVALID_REQUEST', `The Idempotency-Key ${message}.`, {
      problems: [{ path: 'Idempotency-Key', message }],
    });
  }
  return { key, requestHash: hashOf({ method: route.method, path: route.path, body }) };
}
