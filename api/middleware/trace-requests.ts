/** Puts every request into a scope: its log lines carry its id, and what it starts belongs to its span. */
import type { RequestHandler } from 'express';
import type { Tracing } from '../../adapters/ports.ts';
import { runInScope } from '../../adapters/telemetry/scope.ts';
import { parseTraceparent, traceHeader } from '../../contracts/trace.ts';
import { requestIdOf } from './request-id.ts';

/** After the request has its id. Only those of the API itself are spans, not those of probes and pages. */
export function traceRequests(tracing: Pick<Tracing, 'startSpan'>): RequestHandler {
  return (request, response, next) => {
    const ids = { requestId: requestIdOf(response) };
    if (!request.path.startsWith('/v1/')) {
      runInScope({ ids }, next);
      return;
    }
    const span = tracing.startSpan({
      name: request.method,
      kind: 'server',
      parent: parseTraceparent(request.get(traceHeader)),
      attributes: { 'http.request.method': request.method, 'ado.request.id': ids.requestId },
    });
    response.once('close', () => {
      const { path } = (request.route ?? {}) as { readonly path?: string };
      const { statusCode } = response;
      span.end({
        name: path === undefined ? request.method : `${request.method} ${path}`,
        attributes: { 'http.route': path, 'http.response.status_code': statusCode },
        ...(statusCode < 500 ? {} : { errorType: String(statusCode) }),
      });
    });
    runInScope({ ids, span: span.context }, next);
  };
}
