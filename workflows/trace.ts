/**
 * Traces of workflows: what a run was started by, it hands on to its activities, to itself when it continues as new, and to
 * its children as a link. Only headers are touched, which replay does not compare; without a header nothing happens.
 *
 * The span of a run has the end of its run id as its id, so that activities can name it as their parent long before it is
 * told, once, when the run ends.
 */
import { defaultPayloadConverter } from '@temporalio/common';
import {
  ContinueAsNew,
  proxySinks,
  workflowInfo,
  type Sinks,
  type WorkflowInboundCallsInterceptor,
  type WorkflowInterceptorsFactory,
  type WorkflowOutboundCallsInterceptor,
} from '@temporalio/workflow';
import { readTaskWorkflowId } from '../contracts/names.ts';
import {
  parseTraceparent,
  toTraceparent,
  traceHeader,
  traceLinkHeader,
  type EndedRun,
  type TraceContext,
} from '../contracts/trace.ts';

/** Where spans of runs go; the worker has it. */
interface TraceSinks extends Sinks {
  readonly trace: { runEnded(run: EndedRun): void };
}

type Inbound = Required<Pick<WorkflowInboundCallsInterceptor, 'execute'>>;
type Outbound = Required<
  Pick<
    WorkflowOutboundCallsInterceptor,
    'scheduleActivity' | 'startChildWorkflowExecution' | 'continueAsNew'
  >
>;
type Headers = Parameters<Inbound['execute']>[0]['headers'];

/** For Temporal, which calls it for each run. */
export const interceptors: WorkflowInterceptorsFactory = () => {
  const trace = createRunTrace();
  return { inbound: [trace], outbound: [trace] };
};

/** What a run comes from, and what it is. */
interface RunTrace {
  readonly span: TraceContext;
  readonly parent?: TraceContext;
  readonly link?: TraceContext;
}

function createRunTrace(): Inbound & Outbound {
  const { trace } = proxySinks<TraceSinks>();
  let run: RunTrace | undefined;
  return {
    async execute(input, next) {
      run = readRun(input.headers);
      if (run === undefined) return next(input);
      let end: EndedRun['end'] = 'failed';
      let status: string | undefined;
      try {
        const result = await next(input);
        end = 'completed';
        status = statusOf(result);
        return result;
      } catch (error) {
        if (error instanceof ContinueAsNew) end = 'continued';
        throw error;
      } finally {
        const { workflowType, workflowId, runId, runStartTime } = workflowInfo();
        trace.runEnded({
          ...run,
          workflowType,
          workflowId,
          runId,
          startedAtMs: runStartTime.getTime(),
          endedAtMs: Date.now(),
          end,
          ...(status === undefined ? {} : { status }),
        });
      }
    },
    scheduleActivity: (input, next) =>
      next({ ...input, headers: withHeader(input.headers, traceHeader, run?.span) }),
    startChildWorkflowExecution: (input, next) =>
      next({ ...input, headers: withHeader(input.headers, traceLinkHeader, run?.span) }),
    continueAsNew(input, next) {
      const headers = withHeader(input.headers, traceHeader, run?.parent);
      return next({ ...input, headers: withHeader(headers, traceLinkHeader, run?.link) });
    },
  };
}

function readRun(headers: Headers): RunTrace | undefined {
  const { runId, workflowId } = workflowInfo();
  const spanId = runId.replaceAll('-', '').slice(-16);
  const parent = readHeader(headers, traceHeader);
  if (parent !== undefined) return { parent, span: { ...parent, spanId } };
  const link = readHeader(headers, traceLinkHeader);
  if (link === undefined) return undefined;
  // Found by the task's id, and the same for all attempts of an item.
  const ownId = readTaskWorkflowId(workflowId)?.taskId.replace('task-', '').replaceAll('-', '');
  return { link, span: { ...link, traceId: ownId ?? link.traceId, spanId } };
}

function readHeader(headers: Headers, name: string): TraceContext | undefined {
  const payload = headers[name];
  return payload && parseTraceparent(defaultPayloadConverter.fromPayload(payload));
}

function withHeader(headers: Headers, name: string, context: TraceContext | undefined): Headers {
  if (context === undefined) return headers;
  return { ...headers, [name]: defaultPayloadConverter.toPayload(toTraceparent(context)) };
}

function statusOf(result: unknown): string | undefined {
  const status =
    typeof result === 'object' && result !== null && 'status' in result ? result.status : undefined;
  return typeof status === 'string' ? status : undefined;
}
