/**
 * OpenAI's chat completions, which local servers and gateways speak too: no key is needed, and reasoning comes as
 * `reasoning_content`, as with vLLM and DeepSeek. Source: OpenAI's API reference and its clients' types.
 */
import { z } from 'zod';
import { cacheWriteTokens, totalInputTokens } from '../usage.ts';
import type { Usage } from '../usage.ts';
import { BadRequest } from '../wire-format.ts';
import type { Reply, WireEvent, WireFormat } from '../wire-format.ts';
import { dataFrame, EventList } from './events.ts';
import { openAiErrorHeaders, openAiLimitHeaders, toOpenAiError } from './openai-errors.ts';
import { findBearer, lengthOf, readBody, textOf } from './request-parts.ts';

const messageSchema = z.looseObject({
  role: z.enum(['system', 'developer', 'user', 'assistant', 'tool']),
  content: z.unknown().optional(),
  tool_calls: z.array(z.looseObject({ id: z.string() })).nullish(),
  tool_call_id: z.string().optional(),
});
const requestSchema = z.object({
  model: z.string().min(1),
  messages: z.array(messageSchema).min(1),
  tools: z.unknown().optional(),
  stream: z.boolean().nullish(),
  stream_options: z.object({ include_usage: z.boolean().optional() }).nullish(),
  max_tokens: z.int().positive().nullish(),
  max_completion_tokens: z.int().positive().nullish(),
});
type Message = z.infer<typeof messageSchema>;

/** OpenAI's chat completions on the wire. */
export const openAiChat: WireFormat = {
  name: 'openai-chat',
  keyNeeded: false,
  requestIdHeader: 'x-request-id',
  findEndpoint: (path) => (path === '/v1/chat/completions' ? { kind: 'answer' } : undefined),
  findKey: findBearer,
  read(body) {
    const request = readBody(requestSchema, body);
    const { messages } = request;
    assertToolCallsAnswered(messages);
    const stream = request.stream === true;
    return {
      model: request.model,
      stream,
      speakers: messages.map(({ role }) => (role === 'assistant' ? 'model' : 'user')),
      lastText: textOf(messages.at(-1)),
      characters: lengthOf(messages, request.tools),
      maxOutputTokens: request.max_completion_tokens ?? request.max_tokens ?? undefined,
      usageWanted: !stream || request.stream_options?.include_usage === true,
    };
  },
  toBilled: (usage) => usage,
  limitedInputTokens: totalInputTokens,
  newId: (seeded) => `chatcmpl-${seeded.slice(0, 29)}`,
  toBody: (reply) => ({
    ...toHead(reply, 'chat.completion'),
    choices: [
      {
        index: 0,
        message: {
          role: 'assistant',
          content: reply.answer.text ?? null,
          refusal: null,
          ...(reply.answer.reasoning === undefined
            ? {}
            : { reasoning_content: reply.answer.reasoning }),
          ...(reply.answer.toolCalls.length === 0 ? {} : { tool_calls: toToolCalls(reply) }),
        },
        logprobs: null,
        finish_reason: toFinishReason(reply),
      },
    ],
    usage: toWireUsage(reply.usage),
  }),
  toEvents,
  toTokenCount: (tokens) => ({ input_tokens: tokens }),
  toErrorBody: (error) => ({ error: toOpenAiError(error) }),
  toErrorFrame: (error) => dataFrame({ error: toOpenAiError(error) }),
  errorHeaders: openAiErrorHeaders,
  limitHeaders: openAiLimitHeaders,
};

function toHead(reply: Reply, object: string): object {
  return {
    id: reply.id,
    object,
    created: Math.floor(reply.createdAtMs / 1_000),
    model: reply.model,
    service_tier: 'default',
    system_fingerprint: 'fp_emulator',
  };
}

function toWireUsage(usage: Usage): object {
  const input = totalInputTokens(usage);
  return {
    prompt_tokens: input,
    completion_tokens: usage.outputTokens,
    total_tokens: input + usage.outputTokens,
    prompt_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      audio_tokens: 0,
      ...(cacheWriteTokens(usage) === 0 ? {} : { cache_write_tokens: cacheWriteTokens(usage) }),
    },
    completion_tokens_details: {
      reasoning_tokens: usage.reasoningTokens,
      audio_tokens: 0,
      accepted_prediction_tokens: 0,
      rejected_prediction_tokens: 0,
    },
  };
}

function toToolCalls(reply: Reply): object[] {
  return reply.answer.toolCalls.map(({ tool, input }, index) => ({
    id: toCallId(reply, index),
    type: 'function',
    function: { name: tool, arguments: JSON.stringify(input) },
  }));
}

function toCallId(reply: Reply, index: number): string {
  return `call_${reply.id.slice(9, 31)}${index}`;
}

function toFinishReason({ answer }: Reply): string {
  return answer.toolCalls.length > 0 ? 'tool_calls' : 'stop';
}

function toEvents(reply: Reply): WireEvent[] {
  const { reasoning, text, toolCalls } = reply.answer;
  const list = new EventList(reply);
  const withUsage = reply.usageWanted ? { usage: null } : {};
  const frame = (delta: object, finishReason: string | null = null): string =>
    dataFrame({
      ...toHead(reply, 'chat.completion.chunk'),
      choices: [{ index: 0, delta, logprobs: null, finish_reason: finishReason }],
      ...withUsage,
    });
  list.add(frame({ role: 'assistant', content: text === undefined ? null : '', refusal: null }));
  if (reasoning !== undefined) {
    list.addPieces('reasoning', reasoning, (piece) => frame({ reasoning_content: piece }));
  }
  if (text !== undefined) list.addPieces('output', text, (piece) => frame({ content: piece }));
  toolCalls.forEach(({ tool, input }, index) => {
    const start = {
      index,
      id: toCallId(reply, index),
      type: 'function',
      function: { name: tool, arguments: '' },
    };
    list.add(frame({ tool_calls: [start] }));
    list.addPieces('output', JSON.stringify(input), (piece) =>
      frame({ tool_calls: [{ index, function: { arguments: piece } }] }),
    );
  });
  list.add(frame({}, toFinishReason(reply)));
  if (reply.usageWanted) {
    const last = { ...toHead(reply, 'chat.completion.chunk'), choices: [] };
    list.add((produced) => dataFrame({ ...last, usage: toWireUsage(produced) }), {
      tells: 'produced',
    });
  }
  list.add('data: [DONE]\n\n');
  return list.events;
}

/** @throws BadRequest when a tool call has no result, in the vendor's words */
function assertToolCallsAnswered(messages: readonly Message[]): void {
  const answered = new Set(messages.map((message) => message.tool_call_id));
  const missing = messages
    .flatMap((message) => message.tool_calls ?? [])
    .filter(({ id }) => !answered.has(id));
  if (missing.length === 0) return;
  throw new BadRequest(
    `An assistant message with 'tool_calls' must be followed by tool messages responding to each 'tool_call_id'. The following tool_call_ids did not have response messages: ${missing.map(({ id }) => id).join(', ')}`,
  );
}
