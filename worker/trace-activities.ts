/** What surrounds every activity: the ids that its log lines carry, and its span. */
import type { ActivityInterceptorsFactory, InjectedSinks } from '@temporalio/worker';
import { defaultPayloadConverter } from '@temporalio/common';
import type { Tracing } from '../adapters/ports.ts';
import { runInScope } from '../adapters/telemetry/scope.ts';
import { readTaskWorkflowId } from '../contracts/names.ts';
import { parseTraceparent, traceHeader, type EndedRun } from '../contracts/trace.ts';

/** Interceptors for a worker's activities. */
export function createActivityInterceptors(tracing: Tracing): ActivityInterceptorsFactory {
  return ({ info }) => {
    const { activityType, attempt } = info;
    const workflowId = info.workflowExecution?.workflowId ?? '';
    const taskId = readTaskWorkflowId(workflowId)?.taskId;
    const batchId = workflowId.startsWith('batch-') ? workflowId : undefined;
    const ids = {
      activity: activityType,
      attempt,
      ...(taskId === undefined ? {} : { taskId }),
      ...(batchId === undefined ? {} : { batchId }),
    };
    // Known once the headers are read; the SDK writes lines after the span, too.
    let trace: { readonly traceId?: string } = {};
    return {
      inbound: {
        async execute(input, next) {
          const payload = input.headers[traceHeader];
          const parent = payload && parseTraceparent(defaultPayloadConverter.fromPayload(payload));
          // A trace without its beginning would be of no use.
          if (parent === undefined) return runInScope({ ids }, () => next(input));
          trace = { traceId: parent.traceId };
          const start = {
            name: activityType,
            kind: 'consumer',
            parent,
            attributes: {
              'temporal.activity.type': activityType,
              'temporal.activity.attempt': attempt,
              'temporal.workflow.id': workflowId,
              'temporal.task_queue': info.taskQueue,
              'ado.task.id': taskId,
              'ado.batch.id': batchId,
            },
          } as const;
          return runInScope({ ids }, () => tracing.inSpan(start, () => next(input)));
        },
      },
      outbound: {
        // The SDK's own lines go another way than ours.
        getLogAttributes: (input, next) => next({ ...input, ...ids, ...trace }),
      },
    };
  };
}

/** Where workflows tell of the ends of their runs; not again when they are replayed. */
export function createTraceSinks(tracing: Tracing): InjectedSinks<{
  trace: { runEnded(run: EndedRun): void };
}> {
  return {
    trace: {
      runEnded: {
        fn: (_info, run) => {
          tracing.runEnded(run);
        },
        callDuringReplay: false,
      },
    },
  };
}
