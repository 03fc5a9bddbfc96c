/**
 * OpenAI's Responses API, without what its server keeps: background runs and `previous_response_id`. Source: OpenAI's API
 * reference, its streaming events, and its clients' types.
 */
import { z } from 'zod';
import { cacheWriteTokens, totalInputTokens } from '../usage.ts';
import type { Usage } from '../usage.ts';
import { BadRequest } from '../wire-format.ts';
import type { Reply, WireEvent, WireFormat } from '../wire-format.ts';
import { EventList, namedFrame } from './events.ts';
import { openAiErrorHeaders, openAiLimitHeaders, toOpenAiError } from './openai-errors.ts';
import { findBearer, lengthOf, readBody, signatureOf, textOf } from './request-parts.ts';

const itemSchema = z.looseObject({ type: z.string().optional(), role: z.string().optional() });
const requestSchema = z.object({
  model: z.string().min(1),
  input: z.union([z.string(), z.array(itemSchema).min(1)]),
  instructions: z.unknown().optional(),
  tools: z.unknown().optional(),
  stream: z.boolean().nullish(),
  max_output_tokens: z.int().positive().nullish(),
});
type Item = z.infer<typeof itemSchema>;

/** OpenAI's responses on the wire. */
export const openAiResponses: WireFormat = {
  name: 'openai-responses',
  keyNeeded: true,
  requestIdHeader: 'x-request-id',
  findEndpoint: (path) => (path === '/v1/responses' ? { kind: 'answer' } : undefined),
  findKey: findBearer,
  read(body) {
    const { model, input, instructions, tools, ...request } = readBody(requestSchema, body);
    const items = typeof input === 'string' ? [{ role: 'user', content: input }] : input;
    assertToolCallsAnswered(items);
    return {
      model,
      stream: request.stream === true,
      speakers: items.map((item) => (isOfModel(item) ? 'model' : 'user')),
      lastText: textOf(items.at(-1)),
      characters: lengthOf(instructions, items, tools),
      maxOutputTokens: request.max_output_tokens ?? undefined,
      usageWanted: true,
    };
  },
  toBilled: (usage) => usage,
  limitedInputTokens: totalInputTokens,
  newId: (seeded) => `resp_${seeded.slice(0, 40)}`,
  toBody: (reply) => toResponse(reply, 'completed', toItems(reply)),
  toEvents,
  toTokenCount: (tokens) => ({ input_tokens: tokens }),
  toErrorBody: (error) => ({ error: toOpenAiError(error) }),
  toErrorFrame: (error, eventsBefore) =>
    namedFrame('error', {
      type: 'error',
      sequence_number: eventsBefore,
      ...toFlatError(toOpenAiError(error)),
    }),
  errorHeaders: openAiErrorHeaders,
  limitHeaders: openAiLimitHeaders,
};

/** In a stream the error's own fields stand beside `type: 'error'`. */
function toFlatError(error: object): object {
  return Object.fromEntries(Object.entries(error).filter(([name]) => name !== 'type'));
}

/** Items that the vendor keeps are sent back as references; only what the model said is. */
const typesOfModel = ['function_call', 'reasoning', 'item_reference'];

function isOfModel({ role, type = '' }: Item): boolean {
  return role === 'assistant' || typesOfModel.includes(type);
}

type Status = 'in_progress' | 'completed';

function toResponse(reply: Reply, status: Status, output: readonly object[]): object {
  return {
    id: reply.id,
    object: 'response',
    created_at: Math.floor(reply.createdAtMs / 1_000),
    status,
    background: false,
    error: null,
    incomplete_details: null,
    model: reply.model,
    output,
    parallel_tool_calls: true,
    service_tier: 'default',
    usage: status === 'completed' ? toWireUsage(reply.usage) : null,
  };
}

function toWireUsage(usage: Usage): object {
  const input = totalInputTokens(usage);
  return {
    input_tokens: input,
    input_tokens_details: {
      cached_tokens: usage.cacheReadTokens,
      ...(cacheWriteTokens(usage) === 0 ? {} : { cache_write_tokens: cacheWriteTokens(usage) }),
    },
    output_tokens: usage.outputTokens,
    output_tokens_details: { reasoning_tokens: usage.reasoningTokens },
    total_tokens: input + usage.outputTokens,
  };
}

function toItems(reply: Reply): object[] {
  const { reasoning, text, toolCalls } = reply.answer;
  return [
    ...(reasoning === undefined ? [] : [toReasoningItem(reply, reasoning)]),
    ...(text === undefined ? [] : [toMessageItem(reply, text)]),
    ...toolCalls.map(({ tool, input }, index) =>
      toCallItem(reply, { tool, index }, JSON.stringify(input)),
    ),
  ];
}

function toReasoningItem(reply: Reply, text: string): object {
  return {
    id: `rs_${reply.id.slice(5)}`,
    type: 'reasoning',
    encrypted_content: signatureOf(text),
    summary: text === '' ? [] : [{ type: 'summary_text', text }],
  };
}

function toMessageItem(reply: Reply, text: string): object {
  return {
    id: `msg_${reply.id.slice(5)}`,
    type: 'message',
    status: text === '' ? 'in_progress' : 'completed',
    role: 'assistant',
    content: text === '' ? [] : [toTextPart(text)],
  };
}

function toTextPart(text: string): object {
  return { type: 'output_text', annotations: [], logprobs: [], text };
}

function toCallItem(reply: Reply, call: { tool: string; index: number }, input: string): object {
  const id = `${reply.id.slice(5, 29)}${call.index}`;
  return {
    id: `fc_${id}`,
    type: 'function_call',
    status: input === '' ? 'in_progress' : 'completed',
    arguments: input,
    call_id: `call_${id}`,
    name: call.tool,
  };
}

function toEvents(reply: Reply): WireEvent[] {
  const { reasoning, text, toolCalls } = reply.answer;
  const list = new EventList(reply);
  const frame = (type: string, data: object): string =>
    namedFrame(type, { type, sequence_number: list.events.length, ...data });
  const add = (type: string, data: object): void => list.add(frame(type, data));
  add('response.created', { response: toResponse(reply, 'in_progress', []) });
  add('response.in_progress', { response: toResponse(reply, 'in_progress', []) });
  let index = 0;
  /** An item from its beginning to its end; `fill` is given what every event of it says. */
  const addItem = (start: object, end: object, fill: (place: object) => void): void => {
    const place = { output_index: index };
    index += 1;
    add('response.output_item.added', { ...place, item: start });
    fill({ ...place, item_id: (start as { id: string }).id });
    add('response.output_item.done', { ...place, item: end });
  };
  if (reasoning !== undefined) {
    addItem(toReasoningItem(reply, ''), toReasoningItem(reply, reasoning), (item) => {
      const place = { ...item, summary_index: 0 };
      const part = { type: 'summary_text', text: reasoning };
      add('response.reasoning_summary_part.added', { ...place, part: { ...part, text: '' } });
      list.addPieces('reasoning', reasoning, (delta) =>
        frame('response.reasoning_summary_text.delta', { ...place, delta }),
      );
      add('response.reasoning_summary_text.done', { ...place, text: reasoning });
      add('response.reasoning_summary_part.done', { ...place, part });
    });
  }
  if (text !== undefined) {
    addItem(toMessageItem(reply, ''), toMessageItem(reply, text), (item) => {
      const place = { ...item, content_index: 0 };
      add('response.content_part.added', { ...place, part: toTextPart('') });
      list.addPieces('output', text, (delta) =>
        frame('response.output_text.delta', { ...place, logprobs: [], delta }),
      );
      add('response.output_text.done', { ...place, logprobs: [], text });
      add('response.content_part.done', { ...place, part: toTextPart(text) });
    });
  }
  toolCalls.forEach(({ tool, input }, toolIndex) => {
    const call = { tool, index: toolIndex };
    const whole = JSON.stringify(input);
    addItem(toCallItem(reply, call, ''), toCallItem(reply, call, whole), (place) => {
      list.addPieces('output', whole, (delta) =>
        frame('response.function_call_arguments.delta', { ...place, delta }),
      );
      add('response.function_call_arguments.done', { ...place, arguments: whole });
    });
  });
  list.add(
    frame('response.completed', { response: toResponse(reply, 'completed', toItems(reply)) }),
    {
      tells: reply.usage,
    },
  );
  return list.events;
}

/** @throws BadRequest when a tool call has no result, in the vendor's words */
function assertToolCallsAnswered(items: readonly Item[]): void {
  const answered = new Set(
    items.filter(({ type }) => type === 'function_call_output').map((item) => item['call_id']),
  );
  const missing = items.find(
    ({ type, ...item }) => type === 'function_call' && !answered.has(item['call_id']),
  );
  if (missing === undefined) return;
  throw new BadRequest(`No tool output found for function call ${String(missing['call_id'])}.`);
}
