/** Google's Gemini API. Sources: ai.google.dev (generateContent, rate limits, troubleshooting) and its clients' types. */
import { z } from 'zod';
import type { Dimension } from '../account-limits.ts';
import { cacheWriteTokens, totalInputTokens } from '../usage.ts';
import type { Usage } from '../usage.ts';
import type { Reply, WireError, WireEvent, WireFormat } from '../wire-format.ts';
import { dataFrame, EventList, toPieces } from './events.ts';
import { findHeader, lengthOf, readBody, signatureOf, textOf } from './request-parts.ts';

const requestSchema = z.object({
  contents: z
    .array(z.looseObject({ role: z.string().optional(), parts: z.array(z.unknown()) }))
    .min(1),
  systemInstruction: z.unknown().optional(),
  tools: z.unknown().optional(),
  generationConfig: z.looseObject({ maxOutputTokens: z.int().positive().nullish() }).nullish(),
});

/** Statuses of google.rpc by HTTP status. */
const rpcStatuses: Readonly<Record<number, string>> = {
  400: 'INVALID_ARGUMENT',
  401: 'UNAUTHENTICATED',
  402: 'FAILED_PRECONDITION',
  403: 'PERMISSION_DENIED',
  404: 'NOT_FOUND',
  409: 'ABORTED',
  413: 'INVALID_ARGUMENT',
  422: 'INVALID_ARGUMENT',
  429: 'RESOURCE_EXHAUSTED',
  503: 'UNAVAILABLE',
  504: 'DEADLINE_EXCEEDED',
  529: 'UNAVAILABLE',
};
const errorMessages: Readonly<Record<number, string>> = {
  401: 'API key not valid. Please pass a valid API key.',
  402: 'Billing must be enabled for this project.',
  403: 'The caller does not have permission.',
  413: 'Request payload size exceeds the limit.',
  429: 'You exceeded your current quota, please check your plan and billing details.',
  503: 'The model is overloaded. Please try again later.',
  529: 'The model is overloaded. Please try again later.',
};

/** Quotas by dimension: metric and id, as the vendor names them. */
const quotas: Readonly<Record<Dimension, readonly [string, string]>> = {
  requests: ['generate_requests_per_model', 'GenerateRequestsPerMinutePerProjectPerModel'],
  inputTokens: [
    'generate_content_paid_tier_input_token_count',
    'GenerateContentPaidTierInputTokensPerModelPerMinute',
  ],
  outputTokens: [
    'generate_content_output_token_count',
    'GenerateContentOutputTokensPerModelPerMinute',
  ],
  tokens: ['generate_content_token_count', 'GenerateContentTokensPerModelPerMinute'],
  concurrency: ['generate_concurrent_requests', 'GenerateConcurrentRequestsPerProject'],
};

/** Gemini on the wire. It has no headers about limits: a 429 says it in its body. */
export const gemini: WireFormat = {
  name: 'gemini',
  keyNeeded: true,
  requestIdHeader: 'x-request-id',
  findEndpoint(path) {
    const [, model, method] =
      /^\/v1beta\/models\/([^/:]+):(generateContent|streamGenerateContent)$/.exec(path) ?? [];
    if (model === undefined) return undefined;
    return {
      kind: 'answer',
      model: decodeURIComponent(model),
      stream: method === 'streamGenerateContent',
    };
  },
  findKey: (headers, query) =>
    findHeader(headers, 'x-goog-api-key') ?? query.get('key') ?? undefined,
  read(body, { model = '', stream = false }) {
    const { contents, systemInstruction, tools, generationConfig } = readBody(requestSchema, body);
    return {
      model,
      stream,
      speakers: contents.map(({ role }) => (role === 'model' ? 'model' : 'user')),
      lastText: textOf(contents.at(-1)),
      characters: lengthOf(systemInstruction, contents, tools),
      maxOutputTokens: generationConfig?.maxOutputTokens ?? undefined,
      usageWanted: true,
    };
  },
  // Writing to its cache costs what input costs, and is not told apart.
  toBilled: (usage) => ({
    ...usage,
    inputTokens: usage.inputTokens + cacheWriteTokens(usage),
    cacheWrite5mTokens: 0,
    cacheWrite1hTokens: 0,
  }),
  limitedInputTokens: totalInputTokens,
  newId: (seeded) => seeded.slice(0, 22),
  toBody: (reply) => toChunk(reply, { parts: toParts(reply), usage: reply.usage, last: true }),
  toEvents,
  toTokenCount: (tokens) => ({ totalTokens: tokens }),
  toErrorBody,
  toErrorFrame: (error) => dataFrame(toErrorBody(error)),
  errorHeaders: () => ({}),
  limitHeaders: () => ({}),
};

interface Chunk {
  readonly parts: readonly object[];
  readonly usage: Usage;
  readonly last: boolean;
}

function toChunk(reply: Reply, { parts, usage, last }: Chunk): object {
  return {
    candidates: [
      { content: { parts, role: 'model' }, ...(last ? { finishReason: 'STOP' } : {}), index: 0 },
    ],
    usageMetadata: toWireUsage(usage),
    modelVersion: reply.model,
    responseId: reply.id,
  };
}

function toWireUsage(usage: Usage): object {
  const input = totalInputTokens(usage);
  return {
    promptTokenCount: input,
    candidatesTokenCount: usage.outputTokens - usage.reasoningTokens,
    totalTokenCount: input + usage.outputTokens,
    promptTokensDetails: [{ modality: 'TEXT', tokenCount: input }],
    ...(usage.cacheReadTokens === 0 ? {} : { cachedContentTokenCount: usage.cacheReadTokens }),
    ...(usage.reasoningTokens === 0 ? {} : { thoughtsTokenCount: usage.reasoningTokens }),
  };
}

function toParts(reply: Reply): object[] {
  const { reasoning, text } = reply.answer;
  return [
    ...(reasoning === undefined ? [] : [{ text: reasoning, thought: true }]),
    ...(text === undefined ? [] : [{ text }]),
    ...toCalls(reply),
  ];
}

function toCalls({ answer }: Reply): object[] {
  return answer.toolCalls.map(({ tool, input }, index) => ({
    functionCall: { name: tool, args: input },
    // The first call of an answer carries the signature of its thoughts.
    ...(index === 0 && answer.reasoning !== undefined
      ? { thoughtSignature: signatureOf(answer.reasoning) }
      : {}),
  }));
}

function toEvents(reply: Reply): WireEvent[] {
  const { reasoning, text, toolCalls } = reply.answer;
  const list = new EventList(reply);
  const pieces: { part: object; carried: { reasoning?: number; output?: number } }[] = [];
  const addText = (kind: 'reasoning' | 'output', whole: string): void => {
    for (const piece of toPieces(whole)) {
      const part = kind === 'reasoning' ? { text: piece, thought: true } : { text: piece };
      pieces.push({ part, carried: { [kind]: piece.length } });
    }
  };
  if (reasoning !== undefined) addText('reasoning', reasoning);
  if (text !== undefined) addText('output', text);
  toCalls(reply).forEach((part, index) => {
    const length = JSON.stringify(toolCalls[index]?.input ?? {}).length;
    pieces.push({ part, carried: { output: length } });
  });
  pieces.forEach(({ part, carried }, index) => {
    const last = index === pieces.length - 1;
    list.add((usage) => dataFrame(toChunk(reply, { parts: [part], usage, last })), {
      ...carried,
      tells: 'produced',
    });
  });
  return list.events;
}

function toErrorBody({ status, message, type, refusal, retryAfterMs, model }: WireError): object {
  const details = [
    ...(refusal === undefined ? [] : [toQuotaFailure(refusal, model)]),
    ...(retryAfterMs === undefined
      ? []
      : [
          {
            '@type': 'type.googleapis.com/google.rpc.RetryInfo',
            retryDelay: `${Math.ceil(retryAfterMs) / 1_000}s`,
          },
        ]),
  ];
  return {
    error: {
      code: status,
      message: message ?? errorMessages[status] ?? 'An internal error has occurred.',
      status: type ?? rpcStatuses[status] ?? 'INTERNAL',
      ...(details.length === 0 ? {} : { details }),
    },
  };
}

function toQuotaFailure(
  { dimension, limit }: NonNullable<WireError['refusal']>,
  model: string,
): object {
  const [metric, id] = quotas[dimension];
  return {
    '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
    violations: [
      {
        quotaMetric: `generativelanguage.googleapis.com/${metric}`,
        quotaId: id,
        quotaDimensions: { location: 'global', model },
        quotaValue: String(limit),
      },
    ],
  };
}
