/** Routes of workers and pools. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Binds /v1/workers and /v1/pools. */
export function bindFleetRoutes(router: ApiRouter, { fleet }: Pick<ApiDeps, 'fleet'>): void {
  bind(router, routes.listWorkers, async () => ({
    items: await fleet.listWorkers(),
    nextCursor: null,
  }));
  bind(router, routes.listPools, async () => ({
    items: await fleet.lookAtPools(),
    nextCursor: null,
  }));
}
