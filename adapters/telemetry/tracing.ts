/** Traces by OpenTelemetry, sent as OTLP over HTTP; nothing at all without an address to send them to. */
import {
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  TraceFlags,
  type Context,
  type SpanContext,
} from '@opentelemetry/api';
import { OTLPTraceExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AlwaysOnSampler,
  BatchSpanProcessor,
  ParentBasedSampler,
  RandomIdGenerator,
  TracerProvider,
  TraceIdRatioBasedSampler,
  type IdGenerator,
} from '@opentelemetry/sdk-trace';
import { codeOf } from '../../contracts/errors.ts';
import type { TraceContext } from '../../contracts/trace.ts';
import type { SpanAttributes, SpanEnd, SpanStart, Tracing } from '../ports.ts';
import { findScope, runInScope } from './scope.ts';

/** Where traces go, and from whom. */
export interface TracingOptions {
  /** Base address of a collector, such as http://collector:4318. Undefined: no traces. */
  readonly endpoint: string | undefined;
  /** Part of the traces that begin here that is kept, 0 to 1. Those that others began are kept as they say. */
  readonly ratio: number;
  readonly process: 'api' | 'worker';
  readonly version: string;
  /** What tells this process from its like. */
  readonly instance: string;
}

/** Nothing is told; work is only done. */
export const noTracing: Tracing = {
  startSpan: () => ({ context: undefined, end: () => undefined }),
  inSpan: (_start, work) => work(),
  ended: () => undefined,
  runEnded: () => undefined,
  close: () => Promise.resolve(),
};

const kinds = {
  internal: SpanKind.INTERNAL,
  server: SpanKind.SERVER,
  client: SpanKind.CLIENT,
  producer: SpanKind.PRODUCER,
  consumer: SpanKind.CONSUMER,
} as const;

/** Time to send what is left when the process ends. */
const closeTimeoutMs = 2_000;

/** Makes the tracing of one process. */
export function createTracing(options: TracingOptions): Tracing {
  if (options.endpoint === undefined) return noTracing;
  const exporter = new OTLPTraceExporter({
    url: `${options.endpoint.replace(/\/+$/, '')}/v1/traces`,
  });
  const processor = new BatchSpanProcessor({ exporter });
  const common = {
    resource: resourceFromAttributes({
      'service.name': `ado-${options.process}`,
      'service.version': options.version,
      'service.instance.id': options.instance,
    }),
    spanProcessors: [processor],
  };
  const root = new TraceIdRatioBasedSampler(options.ratio);
  const tracer = new TracerProvider({
    ...common,
    sampler: new ParentBasedSampler({ root }),
  }).getTracer('ado');
  // Runs of workflows bring their ids, and were sampled by whoever began their trace.
  const ids = new GivenIds();
  const runTracer = new TracerProvider({
    ...common,
    sampler: new AlwaysOnSampler(),
    idGenerator: ids,
  }).getTracer('ado');

  const begin = ({ name, kind = 'internal', parent, attributes }: SpanStart, startTime?: Date) => {
    const under = parent ?? findScope()?.span;
    return tracer.startSpan(
      name,
      {
        kind: kinds[kind],
        attributes: defined(attributes),
        ...(startTime === undefined ? {} : { startTime }),
      },
      contextOf(under),
    );
  };
  const startSpan: Tracing['startSpan'] = (start) => {
    const span = begin(start);
    const { traceId, spanId, traceFlags } = span.spanContext();
    return {
      context: { traceId, spanId, sampled: (traceFlags & TraceFlags.SAMPLED) !== 0 },
      end: (end) => {
        finish(span, end);
      },
    };
  };
  return {
    startSpan,
    async inSpan(start, work) {
      const span = startSpan(start);
      try {
        const result = await runInScope({ span: span.context }, work);
        span.end();
        return result;
      } catch (error) {
        span.end({ errorType: errorTypeOf(error) });
        throw error;
      }
    },
    ended({ durationMs, ...told }) {
      finish(begin(told, new Date(Date.now() - durationMs)), told);
    },
    runEnded({ span, parent, link, startedAtMs, endedAtMs, end, status, ...run }) {
      if (!span.sampled) return;
      ids.give(span);
      const started = runTracer.startSpan(
        run.workflowType,
        {
          kind: SpanKind.CONSUMER,
          // As a date: of a number before the start of this process the SDK thinks that it counts from there.
          startTime: new Date(startedAtMs),
          links: link === undefined ? [] : [{ context: toSpanContext(link) }],
          attributes: {
            'temporal.workflow.type': run.workflowType,
            'temporal.workflow.id': run.workflowId,
            'temporal.run.id': run.runId,
            'ado.run.end': end,
            ...(status === undefined ? {} : { 'ado.task.status': status }),
          },
        },
        contextOf(parent),
      );
      if (end === 'failed' || status === 'failed')
        started.setStatus({ code: SpanStatusCode.ERROR });
      started.end(new Date(endedAtMs));
    },
    async close() {
      const late = new Promise((resolve) => setTimeout(resolve, closeTimeoutMs).unref());
      await Promise.race([processor.shutdown().catch(() => undefined), late]);
    },
  };
}

function finish(
  span: ReturnType<ReturnType<TracerProvider['getTracer']>['startSpan']>,
  { name, attributes, errorType }: SpanEnd = {},
): void {
  if (name !== undefined) span.updateName(name);
  span.setAttributes(defined(attributes));
  if (errorType !== undefined) {
    span.setAttribute('error.type', errorType);
    span.setStatus({ code: SpanStatusCode.ERROR });
  }
  span.end();
}

/** A code, or the type of a failure of Temporal's: never its message, which others have written. */
function errorTypeOf(error: unknown): string {
  const type = error instanceof Error && 'type' in error ? error.type : undefined;
  if (typeof type === 'string' && /^[A-Z_]+$/.test(type)) return type;
  return codeOf(error) ?? (error instanceof Error ? error.name : 'INTERNAL');
}

function defined(attributes: SpanAttributes = {}): Record<string, string | number | boolean> {
  return Object.fromEntries(
    Object.entries(attributes).flatMap(([name, value]) =>
      value === undefined ? [] : [[name, value]],
    ),
  );
}

function contextOf(parent: TraceContext | undefined): Context {
  return parent === undefined
    ? ROOT_CONTEXT
    : trace.setSpanContext(ROOT_CONTEXT, toSpanContext(parent));
}

function toSpanContext({ traceId, spanId, sampled }: TraceContext): SpanContext {
  const traceFlags = sampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return { traceId, spanId, traceFlags, isRemote: true };
}

/** Gives the next span the ids that are known already. The SDK takes them while the span is started. */
class GivenIds implements IdGenerator {
  readonly #random = new RandomIdGenerator();
  #next: TraceContext | undefined;

  give(context: TraceContext): void {
    this.#next = context;
  }

  generateTraceId(): string {
    return this.#next?.traceId ?? this.#random.generateTraceId();
  }

  generateSpanId(): string {
    return this.#next?.spanId ?? this.#random.generateSpanId();
  }
}
