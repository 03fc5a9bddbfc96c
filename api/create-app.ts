/** The HTTP application, given its world. Making one does nothing; tests run it on a free port. */
import express, { type Express } from 'express';
import type { ApiDeps } from './deps.ts';
import { problemDocuments, routeNotFound } from './middleware/problem-documents.ts';
import { requestId } from './middleware/request-id.ts';
import { securityHeaders } from './middleware/security-headers.ts';
import { traceRequests } from './middleware/trace-requests.ts';
import { bindApprovalRoutes } from './routes/approval-routes.ts';
import { bindBatchRoutes } from './routes/batch-routes.ts';
import { documentRoutes } from './routes/document-routes.ts';
import { bindFleetRoutes } from './routes/fleet-routes.ts';
import { bindPriceRoutes } from './routes/price-routes.ts';
import { bindProviderRoutes } from './routes/provider-routes.ts';
import { bindServerRoutes } from './routes/server-routes.ts';
import { bindTaskRoutes } from './routes/task-routes.ts';
import { bindUsageRoutes } from './routes/usage-routes.ts';

/** Makes the application. */
export function createApp(deps: ApiDeps): Express {
  const app = express();
  app.disable('x-powered-by');
  // Answers are what the store says at that moment; nobody asks again for an unchanged one.
  app.disable('etag');
  app.use(requestId, traceRequests(deps.tracing), securityHeaders());
  app.use(documentRoutes(deps.version));
  app.use('/v1', noStore);
  const router = express.Router();
  const api = { ...deps, router };
  bindServerRoutes(api, deps);
  bindTaskRoutes(api, deps);
  bindBatchRoutes(api, deps);
  bindApprovalRoutes(api, deps);
  bindUsageRoutes(api, deps);
  bindPriceRoutes(api, deps);
  bindProviderRoutes(api, deps);
  bindFleetRoutes(api, deps);
  app.use(router);
  app.use(routeNotFound, problemDocuments(deps.log));
  return app;
}

const noStore: express.RequestHandler = (_request, response, next) => {
  response.set('cache-control', 'no-store');
  next();
};
