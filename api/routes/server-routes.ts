/** Routes about the server itself: the key in use, and health. */
import { AppError, errorKinds } from '../../contracts/errors.ts';
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { findMissing } from '../use-cases/find-missing.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Short names that probes commonly ask for. */
const aliases = new Map<string, string>([
  ['/health', routes.healthLive.path],
  ['/ready', routes.healthReady.path],
]);

/** Binds /v1/key, and the routes of /health. */
export function bindServerRoutes(router: ApiRouter, deps: ApiDeps): void {
  const { confirmAboveCostMicroUsd, budgets, temporalUiUrl, version, dependencies } = deps;
  bind(router, routes.whoAmI, ({ actor: { tenantId, tenantName, keyId, scopes } }) => ({
    tenantId,
    tenant: tenantName,
    keyId,
    scopes,
    confirmAboveCostMicroUsd,
    timeZone: budgets.timeZone,
    temporalUiUrl,
    version,
  }));
  router.router.use((request, _response, next) => {
    request.url = aliases.get(request.path) ?? request.url;
    next();
  });
  bind(router, routes.healthLive, () => ({ status: 'ok' }) as const);
  bind(router, routes.healthReady, async () => {
    const missing = await findMissing(dependencies);
    if (missing !== undefined) throw new AppError(missing.code, errorKinds[missing.code].meaning);
    return { status: 'ok' } as const;
  });
}
