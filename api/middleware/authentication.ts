/** Who asks: the bearer key of a request, and the one source of its tenant. */
import type { Request } from 'express';
import type { Actor, KeyStore } from '../../adapters/ports.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Scope } from '../../contracts/http.schema.ts';

/** Finds the actor of a request who has the scope. @throws KEY_MISSING · KEY_INVALID · SCOPE_MISSING */
export async function authenticate(
  keys: Pick<KeyStore, 'findActor'>,
  request: Request,
  scope: Scope,
): Promise<Actor> {
  const key = /^Bearer +(\S+)$/i.exec(request.get('authorization') ?? '')?.[1];
  if (key === undefined) throw new AppError('KEY_MISSING', 'The request carries no API key.');
  const actor = key.startsWith('ado_') ? await keys.findActor(key) : undefined;
  if (actor === undefined) {
    throw new AppError('KEY_INVALID', 'The API key is unknown, expired or revoked.');
  }
  if (!actor.scopes.includes(scope)) {
    throw new AppError('SCOPE_MISSING', `This needs the scope \`${scope}\`, which the key lacks.`);
  }
  return actor;
}
