/** Routes of accounts and their limits. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { listLimits } from '../use-cases/list-limits.ts';
import { listProviders, testProvider } from '../use-cases/list-providers.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Binds all routes under /v1/providers, and /v1/limits. */
export function bindProviderRoutes(router: ApiRouter, deps: ApiDeps): void {
  bind(router, routes.listProviders, async ({ actor }) => ({
    file: deps.providers.file,
    items: await listProviders(deps, actor),
    nextCursor: null,
  }));
  bind(router, routes.listLimits, ({ actor }) => listLimits(deps, actor));
  bind(router, routes.testProvider, ({ actor, params }) =>
    testProvider(deps, actor, params.account),
  );
}
