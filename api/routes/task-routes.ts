/** Routes of tasks. */
import { routes } from '../../contracts/http.schema.ts';
import type { ApiDeps } from '../deps.ts';
import { cancelTask, retryTask } from '../use-cases/change-work.ts';
import { followEvents } from '../use-cases/follow-events.ts';
import { publishTask } from '../use-cases/publish-task.ts';
import { readLogs } from '../use-cases/read-logs.ts';
import { submitTask } from '../use-cases/submit-task.ts';
import { bind, bindStream, type ApiRouter } from './bind.ts';
import { readLastEventId } from './last-event-id.ts';
import { sendEvents, sendText } from './send-stream.ts';

/** Binds all routes under /v1/tasks. */
export function bindTaskRoutes(router: ApiRouter, deps: ApiDeps): void {
  const { store } = deps;
  bind(router, routes.submitTask, (call) => submitTask(deps, call));
  bind(router, routes.listTasks, ({ actor, query }) => store.listTasks(actor, query));
  bind(router, routes.getTask, ({ actor, params }) => store.getTask(actor, params.taskId));
  bind(router, routes.cancelTask, ({ actor, params, body }) =>
    cancelTask(deps, { actor, taskId: params.taskId, reason: body.reason }),
  );
  bind(router, routes.retryTask, ({ actor, params }) => retryTask(deps, actor, params.taskId));
  bind(router, routes.publishTask, ({ actor, params, body }) =>
    publishTask(deps, actor, { ...body, ...params }),
  );
  bind(router, routes.listSteps, ({ actor, params, query }) =>
    store.listSteps(actor, params.taskId, query),
  );
  bind(router, routes.listMessages, ({ actor, params, query }) =>
    store.listMessages(actor, params.taskId, query),
  );
  bindStream(router, routes.getDiff, async ({ actor, params }, _request, response) => {
    const patch = await store.getDiff(actor, params.taskId);
    response.type('text/plain; charset=utf-8').send(patch);
  });
  bindStream(router, routes.getLogs, ({ actor, params }, _request, response) =>
    sendText(deps, response, (signal) => readLogs(deps, { actor, taskId: params.taskId, signal })),
  );
  bindStream(router, routes.followTask, ({ actor, params, query }, request, response) =>
    sendEvents(deps, response, (signal) =>
      followEvents(deps, {
        actor,
        stream: { kind: 'task', id: params.taskId },
        afterSeq: readLastEventId(request) ?? query.after,
        follow: query.follow === 'true',
        signal,
      }),
    ),
  );
}
