/** Routes of approvals. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { decideApproval } from '../use-cases/decide-approval.ts';
import { bind, type ApiRouter } from './bind.ts';

/** Binds all routes under /v1/approvals. */
export function bindApprovalRoutes(router: ApiRouter, deps: ApiDeps): void {
  const { approvals } = deps;
  bind(router, routes.listApprovals, ({ actor, query }) => approvals.listApprovals(actor, query));
  bind(router, routes.getApproval, ({ actor, params }) =>
    approvals.getApproval(actor, params.approvalId),
  );
  bind(router, routes.decideApproval, ({ actor, params, body }) =>
    decideApproval(deps, { actor, approvalId: params.approvalId, wish: body }),
  );
}
