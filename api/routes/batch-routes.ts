/** Routes of batches and plans. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { cancelBatch, changeBatch, retryBatch } from '../use-cases/change-work.ts';
import { followEvents } from '../use-cases/follow-events.ts';
import { planBatch } from '../use-cases/plan-batch.ts';
import { submitBatch } from '../use-cases/submit-batch.ts';
import { bind, bindStream, type ApiRouter } from './bind.ts';
import { readLastEventId } from './last-event-id.ts';
import { sendEvents } from './send-stream.ts';

/** Binds all routes under /v1/batches, and /v1/plans. */
export function bindBatchRoutes(router: ApiRouter, deps: ApiDeps): void {
  const { store } = deps;
  bind(router, routes.planBatch, (call) => planBatch(deps, call));
  bind(router, routes.submitBatch, (call) => submitBatch(deps, call));
  bind(router, routes.listBatches, ({ actor, query }) => store.listBatches(actor, query));
  bind(router, routes.getBatch, ({ actor, params }) => store.getBatch(actor, params.batchId));
  bind(router, routes.listItems, async ({ actor, params: { batchId }, query }) => {
    // A filter by a batch that is not there is an empty list; the items of one are not found.
    await store.getBatch(actor, batchId);
    return store.listTasks(actor, { ...query, batchId });
  });
  bind(router, routes.changeBatch, ({ actor, params, body }) =>
    changeBatch(deps, { actor, batchId: params.batchId, change: body }),
  );
  bind(router, routes.cancelBatch, ({ actor, params, body }) =>
    cancelBatch(deps, { actor, batchId: params.batchId, reason: body.reason }),
  );
  bind(router, routes.retryBatch, ({ actor, params, body }) =>
    retryBatch(deps, { actor, batchId: params.batchId, retry: body }),
  );
  bindStream(router, routes.followBatch, ({ actor, params, query }, request, response) =>
    sendEvents(deps, response, (signal) =>
      followEvents(deps, {
        actor,
        stream: { kind: 'batch', id: params.batchId },
        afterSeq: readLastEventId(request) ?? query.after,
        follow: query.follow === 'true',
        signal,
      }),
    ),
  );
}
