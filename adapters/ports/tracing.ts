/** Spans of what the platform does: ids, names, counts, times and codes. Never a text that a person or a model wrote. */
import type { EndedRun, TraceContext } from '../../contracts/trace.ts';

/** What a span says beside its name. */
export type SpanAttributes = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span to be. */
export interface SpanStart {
  readonly name: string;
  /** OpenTelemetry's kind. Default `internal`. */
  readonly kind?: 'server' | 'client' | 'producer' | 'consumer' | 'internal';
  /** What it is part of. Default: what runs now; without that it begins a trace. */
  readonly parent?: TraceContext | undefined;
  readonly attributes?: SpanAttributes;
}

/** How a span ended. */
export interface SpanEnd {
  readonly attributes?: SpanAttributes;
  /** A word, such as an error code: then the span is one of a failure. */
  readonly errorType?: string | undefined;
  /** A better name, known only now. */
  readonly name?: string;
}

/** A span under way. */
export interface OpenSpan {
  /** Undefined when nothing is traced. */
  readonly context: TraceContext | undefined;
  end(end?: SpanEnd): void;
}

/** Where spans go. Nothing here fails or waits. */
export interface Tracing {
  startSpan(start: SpanStart): OpenSpan;
  /** Runs work in a span of its own. What it throws is told by its code. */
  inSpan<T>(start: SpanStart, work: () => Promise<T>): Promise<T>;
  /** Tells of something that has just ended. */
  ended(span: SpanStart & SpanEnd & { readonly durationMs: number }): void;
  runEnded(run: EndedRun): void;
  /** Sends what is left. */
  close(): Promise<void>;
}
