/**
 * Spans of the work inside activities, told where metrics are: model calls with tokens and cost, and steps. Tools have a
 * wrapper of their own, as metrics do not know them by name. Names of attributes are OpenTelemetry's for generative AI.
 */
import { parseTraceparent } from '../../contracts/trace.ts';
import type { AgentTools, EndedCall, ModelCallMetrics, Tracing, WorkflowEngine } from '../ports.ts';

interface StepMetrics {
  stepFinished(kind: string, ok: boolean, durationMs: number): void;
}

/** OpenTelemetry's words for providers that have one. */
const providerNames: Readonly<Record<string, string>> = { google: 'gcp.gemini' };

/** Kinds of steps that have spans of another source. */
const toldElsewhere: readonly string[] = ['model', 'tools'];

/** Metrics that tell of model calls and steps in traces, too. */
export function traceMetrics<M extends Pick<ModelCallMetrics, 'callEnded'> & StepMetrics>(
  metrics: M,
  tracing: Tracing,
): M {
  return {
    ...metrics,
    callEnded(call) {
      metrics.callEnded(call);
      tracing.ended(spanOf(call));
    },
    stepFinished(kind, ok, durationMs) {
      metrics.stepFinished(kind, ok, durationMs);
      if (toldElsewhere.includes(kind)) return;
      tracing.ended({ name: kind, durationMs, ...(ok ? {} : { errorType: 'failed' }) });
    },
  };
}

function spanOf(call: EndedCall): Parameters<Tracing['ended']>[0] {
  const { provider, account, outcome, tokens, durationMs, ttftMs } = call;
  // The name of a script is a path.
  const model = provider === 'scripted' ? provider : call.model;
  return {
    name: `chat ${model}`,
    kind: 'client',
    durationMs,
    attributes: {
      'gen_ai.operation.name': 'chat',
      'gen_ai.provider.name': providerNames[provider] ?? provider,
      'gen_ai.request.model': model,
      'gen_ai.usage.input_tokens': tokens?.inputTokens,
      'gen_ai.usage.output_tokens': tokens?.outputTokens,
      'gen_ai.usage.cache_read.input_tokens': tokens?.cacheReadTokens,
      'gen_ai.usage.cache_creation.input_tokens': tokens?.cacheWriteTokens,
      'ado.account': provider === 'scripted' ? provider : account,
      'ado.cost_usd': call.costMicroUsd / 1_000_000,
      'ado.time_to_first_token_seconds': ttftMs === undefined ? undefined : ttftMs / 1_000,
    },
    ...(outcome === 'success' ? {} : { errorType: outcome }),
  };
}

/** Hand-overs to Temporal that are spans of the request they come from, or, without one, as they were. */
export function traceDeliveries(
  deliver: WorkflowEngine['deliver'],
  tracing: Tracing,
): WorkflowEngine['deliver'] {
  return (message) => {
    const parent = parseTraceparent(message.traceparent);
    if (parent === undefined) return deliver(message);
    const name = `deliver ${message.kind}`;
    return tracing.inSpan({ name, kind: 'producer', parent }, () => deliver(message));
  };
}

/** Tools whose runs are spans. */
export function traceTools(tools: AgentTools, tracing: Tracing): AgentTools {
  const known = tools.definitions.map(({ name }) => name);
  return {
    ...tools,
    async execute(call, world) {
      // Models make names up.
      const tool = known.includes(call.toolName) ? call.toolName : 'unknown';
      const span = tracing.startSpan({
        name: `execute_tool ${tool}`,
        attributes: { 'gen_ai.operation.name': 'execute_tool', 'gen_ai.tool.name': tool },
      });
      let errorType: string | undefined = 'INTERNAL';
      try {
        const answer = await tools.execute(call, world);
        errorType = answer.isError ? 'tool_error' : undefined;
        return answer;
      } finally {
        span.end({ errorType });
      }
    },
  };
}
