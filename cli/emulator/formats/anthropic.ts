/** Anthropic's Messages API. Sources: docs.anthropic.com (messages, streaming, errors, rate limits) and its clients' types. */
import { z } from 'zod';
import type { Gauge } from '../account-limits.ts';
import { cacheWriteTokens } from '../usage.ts';
import type { Usage } from '../usage.ts';
import { BadRequest } from '../wire-format.ts';
import type { Headers, Reply, WireError, WireEvent, WireFormat } from '../wire-format.ts';
import { EventList, namedFrame } from './events.ts';
import {
  findBearer,
  findHeader,
  lengthOf,
  readBody,
  signatureOf,
  textOf,
} from './request-parts.ts';

const blockSchema = z.looseObject({ type: z.string() });
const messageSchema = z.object({
  /** `system` between the others tells of what changed meanwhile: Claude Code speaks so to models of 2026. */
  role: z.enum(['user', 'assistant', 'system']),
  content: z.union([z.string(), z.array(blockSchema)]),
});
const requestSchema = z.object({
  model: z.string().min(1),
  messages: z.array(messageSchema).min(1),
  system: z.unknown().optional(),
  tools: z.unknown().optional(),
  stream: z.boolean().optional(),
  max_tokens: z.int().positive().optional(),
});
type Message = z.infer<typeof messageSchema>;

/** Error words by status; a status that the vendor has no word for is a fault of its own. */
const errorTypes: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  422: 'invalid_request_error',
  429: 'rate_limit_error',
  504: 'timeout_error',
  529: 'overloaded_error',
};
const errorMessages: Readonly<Record<number, string>> = {
  401: 'invalid x-api-key',
  402: 'Your credit balance is too low to access the Anthropic API.',
  403: 'Your API key does not have permission to use the specified resource.',
  413: 'Request exceeds the maximum size',
  429: "This request would exceed your account's rate limit. Please try again later.",
  529: 'Overloaded',
};

/** Names of the dimensions in the headers. */
const headerNames = {
  requests: 'requests',
  inputTokens: 'input-tokens',
  outputTokens: 'output-tokens',
  tokens: 'tokens',
} as const;

/** Anthropic on the wire. */
export const anthropic: WireFormat = {
  name: 'anthropic',
  keyNeeded: true,
  requestIdHeader: 'request-id',
  findEndpoint(path) {
    if (path === '/v1/messages') return { kind: 'answer' };
    return path === '/v1/messages/count_tokens' ? { kind: 'count-tokens' } : undefined;
  },
  findKey: (headers) => findHeader(headers, 'x-api-key') ?? findBearer(headers),
  read(body, { kind }) {
    const request = readBody(requestSchema, body);
    const { model, system, tools, stream = false } = request;
    const messages = request.messages.filter(({ role }) => role !== 'system');
    if (request.messages[0]?.role === 'system')
      throw new BadRequest('messages.0.role: a conversation begins with the user');
    // Counting tokens needs none.
    if (kind === 'answer' && request.max_tokens === undefined) {
      throw new BadRequest('max_tokens: Field required');
    }
    assertConversation(messages);
    return {
      model,
      stream,
      speakers: messages.map(({ role }) => (role === 'assistant' ? 'model' : 'user')),
      lastText: textOf(messages.at(-1)),
      characters: lengthOf(system, request.messages, tools),
      maxOutputTokens: request.max_tokens,
      usageWanted: true,
    };
  },
  toBilled: (usage) => usage,
  // Cache reads do not count to the limit of most models, cache writes do.
  limitedInputTokens: (usage) => usage.inputTokens + cacheWriteTokens(usage),
  newId: (seeded) => `msg_01${seeded.slice(0, 22)}`,
  toBody: (reply) => ({
    ...toHead(reply, reply.usage),
    content: [
      ...(reply.answer.reasoning === undefined ? [] : [toThinking(reply.answer.reasoning)]),
      ...(reply.answer.text === undefined ? [] : [{ type: 'text', text: reply.answer.text }]),
      ...reply.answer.toolCalls.map(({ tool, input }, index) => ({
        ...toToolUse(reply, tool, index),
        input,
      })),
    ],
    stop_reason: toStopReason(reply),
  }),
  toEvents,
  toTokenCount: (tokens) => ({ input_tokens: tokens }),
  toErrorBody,
  toErrorFrame: (error) => namedFrame('error', toErrorBody(error)),
  errorHeaders: ({ retryAfterMs }): Headers =>
    retryAfterMs === undefined ? {} : { 'retry-after': String(Math.ceil(retryAfterMs / 1_000)) },
  limitHeaders: (gauges, nowMs) => ({
    'anthropic-organization-id': '00000000-0000-4000-8000-000000000000',
    ...Object.fromEntries(
      Object.entries(headerNames).flatMap(([dimension, name]) => {
        const gauge = gauges[dimension as keyof typeof headerNames];
        return gauge === undefined ? [] : headersOf(name, gauge, nowMs);
      }),
    ),
  }),
};

function headersOf(name: string, gauge: Gauge, nowMs: number): [string, string][] {
  const reset = new Date(Math.ceil((nowMs + gauge.untilFullMs) / 1_000) * 1_000);
  return [
    [`anthropic-ratelimit-${name}-limit`, String(gauge.limit)],
    [`anthropic-ratelimit-${name}-remaining`, String(gauge.remaining)],
    [`anthropic-ratelimit-${name}-reset`, reset.toISOString().replace('.000Z', 'Z')],
  ];
}

function toHead(reply: Reply, usage: Usage): object {
  return {
    id: reply.id,
    type: 'message',
    role: 'assistant',
    model: reply.model,
    content: [],
    stop_reason: null,
    stop_sequence: null,
    usage: toWireUsage(usage),
  };
}

function toWireUsage(usage: Usage): object {
  return {
    input_tokens: usage.inputTokens,
    cache_creation_input_tokens: cacheWriteTokens(usage),
    cache_read_input_tokens: usage.cacheReadTokens,
    cache_creation: {
      ephemeral_5m_input_tokens: usage.cacheWrite5mTokens,
      ephemeral_1h_input_tokens: usage.cacheWrite1hTokens,
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { thinking_tokens: usage.reasoningTokens },
    service_tier: 'standard',
  };
}

function toThinking(reasoning: string): object {
  return { type: 'thinking', thinking: reasoning, signature: signatureOf(reasoning) };
}

function toToolUse(reply: Reply, name: string, index: number): object {
  return { type: 'tool_use', id: `toolu_${reply.id.slice(4)}${index}`, name };
}

function toStopReason({ answer }: Reply): string {
  return answer.toolCalls.length > 0 ? 'tool_use' : 'end_turn';
}

function toEvents(reply: Reply): WireEvent[] {
  const { reasoning, text, toolCalls } = reply.answer;
  const list = new EventList(reply);
  // The vendor counts a few tokens of output before the first is out; here none.
  const atStart: Usage = { ...reply.usage, outputTokens: 0, reasoningTokens: 0 };
  const head = { type: 'message_start', message: toHead(reply, atStart) };
  list.add(namedFrame('message_start', head), { tells: atStart });
  let index = 0;
  const addBlock = (start: object, addDeltas: (addTo: (delta: object) => string) => void): void => {
    const at = index;
    index += 1;
    const block = { type: 'content_block_start', index: at, content_block: start };
    list.add(namedFrame('content_block_start', block));
    if (at === 0) list.add(namedFrame('ping', { type: 'ping' }));
    addDeltas((delta) =>
      namedFrame('content_block_delta', { type: 'content_block_delta', index: at, delta }),
    );
    list.add(namedFrame('content_block_stop', { type: 'content_block_stop', index: at }));
  };
  if (reasoning !== undefined) {
    addBlock({ type: 'thinking', thinking: '', signature: '' }, (frame) => {
      list.addPieces('reasoning', reasoning, (piece) =>
        frame({ type: 'thinking_delta', thinking: piece }),
      );
      list.add(frame({ type: 'signature_delta', signature: signatureOf(reasoning) }));
    });
  }
  if (text !== undefined) {
    addBlock({ type: 'text', text: '' }, (frame) =>
      list.addPieces('output', text, (piece) => frame({ type: 'text_delta', text: piece })),
    );
  }
  toolCalls.forEach(({ tool, input }, toolIndex) =>
    addBlock({ ...toToolUse(reply, tool, toolIndex), input: {} }, (frame) => {
      list.add(frame({ type: 'input_json_delta', partial_json: '' }));
      list.addPieces('output', JSON.stringify(input), (piece) =>
        frame({ type: 'input_json_delta', partial_json: piece }),
      );
    }),
  );
  const delta = { stop_reason: toStopReason(reply), stop_sequence: null };
  list.add(
    (produced) =>
      namedFrame('message_delta', { type: 'message_delta', delta, usage: toWireUsage(produced) }),
    {
      tells: 'produced',
    },
  );
  list.add(namedFrame('message_stop', { type: 'message_stop' }));
  return list.events;
}

function toErrorBody({ status, message, type }: WireError): object {
  const word = type ?? errorTypes[status] ?? 'api_error';
  return {
    type: 'error',
    error: { type: word, message: message ?? errorMessages[status] ?? 'Internal server error' },
  };
}

/** Refuses what the vendor refuses: reasoning that is not its own, tool calls without results. @throws BadRequest */
function assertConversation(messages: readonly Message[]): void {
  messages.forEach((message, at) => {
    const blocks = typeof message.content === 'string' ? [] : message.content;
    blocks.forEach((block, index) => {
      if (block.type !== 'thinking') return;
      if (block['signature'] !== signatureOf(String(block['thinking']))) {
        throw new BadRequest(
          `messages.${at}.content.${index}: Invalid \`signature\` in \`thinking\` block`,
        );
      }
    });
    const next = messages[at + 1]?.content;
    const results = typeof next === 'object' ? next.map((block) => block['tool_use_id']) : [];
    const missing = blocks.filter(
      (block) => block.type === 'tool_use' && !results.includes(block['id']),
    );
    if (missing.length > 0) {
      const ids = missing.map((block) => String(block['id'])).join(', ');
      throw new BadRequest(
        `messages.${at}: \`tool_use\` ids were found without \`tool_result\` blocks immediately after: ${ids}. Each \`tool_use\` block must have a corresponding \`tool_result\` block in the next message.`,
      );
    }
  });
}
