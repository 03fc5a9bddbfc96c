/** W3C Trace Context (https://www.w3.org/TR/trace-context/), as it travels between our processes. No SDK: workflows use it, too. */

/** A span as others see it. */
export interface TraceContext {
  /** 32 hexadecimal digits. */
  readonly traceId: string;
  /** 16 hexadecimal digits. */
  readonly spanId: string;
  /** Whether the trace is kept. */
  readonly sampled: boolean;
}

/** Name of the HTTP header, and of the Temporal header beside it, that says what something is a part of. */
export const traceHeader = 'traceparent';

/**
 * Temporal header of the items of a batch: the batch that they come from. Each has a trace of its own, as one of 10,000
 * tasks could be read by nobody.
 */
export const traceLinkHeader = 'ado-trace-link';

/** Reads a `traceparent`; undefined when it is none. */
export function parseTraceparent(text: unknown): TraceContext | undefined {
  if (typeof text !== 'string') return undefined;
  const parts = /^[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(?:-.*)?$/.exec(text);
  const [, traceId = '', spanId = '', flags = ''] = parts ?? [];
  if (parts === null || /^0+$/.test(traceId) || /^0+$/.test(spanId) || text.startsWith('ff'))
    return undefined;
  return { traceId, spanId, sampled: (Number.parseInt(flags, 16) & 1) === 1 };
}

/** Writes a `traceparent`. */
export function toTraceparent({ traceId, spanId, sampled }: TraceContext): string {
  return `00-${traceId}-${spanId}-${sampled ? '01' : '00'}`;
}

/** A workflow run that has ended, as its span tells of it. */
export interface EndedRun {
  readonly workflowType: string;
  readonly workflowId: string;
  readonly runId: string;
  /** The run's own span. */
  readonly span: TraceContext;
  /** Undefined: it is the first of its trace. */
  readonly parent?: TraceContext;
  /** What it comes from, in another trace. */
  readonly link?: TraceContext;
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  /** `completed`, `continued` (as new), or `failed`. */
  readonly end: 'completed' | 'continued' | 'failed';
  /** Status of the task, where the run is one's. */
  readonly status?: string;
}
