/** Routes about what was spent. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { forecastSpending } from '../use-cases/forecast-spending.ts';
import { sumUsage } from '../use-cases/sum-usage.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Binds all routes under /v1/usage. */
export function bindUsageRoutes(router: ApiRouter, deps: ApiDeps): void {
  bind(router, routes.getUsage, ({ actor, query }) => sumUsage(deps, { actor, query }));
  bind(router, routes.getForecast, ({ actor }) => forecastSpending(deps, actor));
  bind(router, routes.listPurchases, ({ actor, query }) => deps.usage.listPurchases(actor, query));
}
