/** Routes about prices. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { getPrice, listPrices, setPrices } from '../use-cases/model-prices.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Binds all routes under /v1/prices. */
export function bindPriceRoutes(router: ApiRouter, deps: ApiDeps): void {
  bind(router, routes.setPrices, ({ actor, body }) => setPrices(deps, { actor, ...body }));
  bind(router, routes.listPrices, ({ actor }) => listPrices(deps, actor));
  bind(router, routes.getPrice, ({ actor, params, query }) =>
    getPrice(deps, { actor, ...params, ...query }),
  );
}
