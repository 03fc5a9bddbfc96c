/** Whole answers as the vendors stream them, in the forms of their documentation: reasoning, text and two tool calls each. */

/** A recorded answer and what it says of usage. */
export interface RecordedAnswer {
  readonly events: readonly string[];
  readonly usage: {
    readonly inputTokens: number;
    readonly outputTokens: number;
    readonly cacheReadTokens: number;
    readonly cacheWriteTokens: number;
    readonly cacheWriteHourTokens: number;
    readonly reasoningTokens: number;
  };
  /** The tier that it was served at. */
  readonly tier: string;
}

/** One server-sent event. */
export function event(data: object | string, name?: string): string {
  const text = typeof data === 'string' ? data : JSON.stringify(data);
  return `${name === undefined ? '' : `event: ${name}\n`}data: ${text}\n\n`;
}

function typed(data: { readonly type: string } & Record<string, unknown>): string {
  return event(data, data.type);
}

/** The signature of Anthropic's thinking block. */
export const thinkingSignature = 'EqQBCkYIBxgCKkBzaWduYXR1cmU=';

/** Anthropic Messages, with thinking, redacted thinking, text, two tools, and caches of both durations. */
export const anthropicAnswer: RecordedAnswer = {
  events: [
    typed({
      type: 'message_start',
      message: {
        id: 'msg_01',
        type: 'message',
        role: 'assistant',
        model: 'claude-test',
        content: [],
        stop_reason: null,
        stop_sequence: null,
        usage: {
          input_tokens: 21,
          cache_creation_input_tokens: 300,
          cache_read_input_tokens: 4000,
          cache_creation: { ephemeral_5m_input_tokens: 200, ephemeral_1h_input_tokens: 100 },
          output_tokens: 2,
          service_tier: 'standard',
        },
      },
    }),
    ...block(0, { type: 'thinking', thinking: '', signature: '' }, [
      { type: 'thinking_delta', thinking: 'I should ' },
      { type: 'thinking_delta', thinking: 'look – “both” files.' },
      { type: 'signature_delta', signature: thinkingSignature },
    ]),
    ...block(1, { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' }, []),
    typed({ type: 'ping' }),
    ...block(2, { type: 'text', text: '' }, [
      { type: 'text_delta', text: 'I look ' },
      { type: 'text_delta', text: 'at both.' },
    ]),
    ...block(3, { type: 'tool_use', id: 'toolu_1', name: 'read_file', input: {} }, [
      { type: 'input_json_delta', partial_json: '' },
      { type: 'input_json_delta', partial_json: '{"path": "a' },
      { type: 'input_json_delta', partial_json: '.ts", "deep": {"n": 1.50}}' },
    ]),
    ...block(4, { type: 'tool_use', id: 'toolu_2', name: 'list_files', input: {} }, [
      { type: 'input_json_delta', partial_json: '' },
    ]),
    typed({
      type: 'message_delta',
      delta: { stop_reason: 'tool_use', stop_sequence: null },
      usage: { output_tokens: 89, output_tokens_details: { thinking_tokens: 30 } },
    }),
    typed({ type: 'message_stop' }),
  ],
  usage: {
    inputTokens: 4321,
    outputTokens: 89,
    cacheReadTokens: 4000,
    cacheWriteTokens: 300,
    cacheWriteHourTokens: 100,
    reasoningTokens: 30,
  },
  tier: 'standard',
};

function block(index: number, start: object, deltas: readonly object[]): string[] {
  return [
    typed({ type: 'content_block_start', index, content_block: start }),
    ...deltas.map((delta) => typed({ type: 'content_block_delta', index, delta })),
    typed({ type: 'content_block_stop', index }),
  ];
}

const reasoningItem = {
  id: 'rs_1',
  type: 'reasoning',
  encrypted_content: 'ZW5jcnlwdGVk',
  summary: [],
};
const messageItem = { id: 'msg_1', type: 'message', role: 'assistant', status: 'completed' };
const callItem = {
  id: 'fc_1',
  type: 'function_call',
  call_id: 'call_1',
  name: 'read_file',
  status: 'completed',
};
const secondCallItem = { ...callItem, id: 'fc_2', call_id: 'call_2', name: 'list_files' };
const responsesArguments = '{"path":"a.ts","deep":{"n":1.5}}';
const responsesUsage = {
  input_tokens: 4321,
  input_tokens_details: { cached_tokens: 4000 },
  output_tokens: 89,
  output_tokens_details: { reasoning_tokens: 30 },
  total_tokens: 4410,
};
const response = { id: 'resp_1', object: 'response', created_at: 1_790_000_000, model: 'gpt-test' };

/** OpenAI Responses. */
export const responsesAnswer: RecordedAnswer = {
  events: [
    typed({
      type: 'response.created',
      response: { ...response, status: 'in_progress', usage: null },
    }),
    typed({ type: 'response.in_progress', response: { ...response, status: 'in_progress' } }),
    typed({
      type: 'response.output_item.added',
      output_index: 0,
      item: { ...reasoningItem, encrypted_content: '' },
    }),
    typed({ type: 'response.output_item.done', output_index: 0, item: reasoningItem }),
    typed({
      type: 'response.output_item.added',
      output_index: 1,
      item: { ...messageItem, status: 'in_progress', content: [] },
    }),
    typed({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      delta: 'I look ',
    }),
    typed({
      type: 'response.output_text.delta',
      item_id: 'msg_1',
      output_index: 1,
      content_index: 0,
      delta: 'at both.',
    }),
    typed({
      type: 'response.output_item.done',
      output_index: 1,
      item: {
        ...messageItem,
        content: [{ type: 'output_text', text: 'I look at both.', annotations: [] }],
      },
    }),
    ...responsesCall(2, callItem, responsesArguments),
    ...responsesCall(3, secondCallItem, '{}'),
    typed({
      type: 'response.completed',
      response: {
        ...response,
        status: 'completed',
        service_tier: 'priority',
        usage: responsesUsage,
      },
    }),
  ],
  usage: {
    inputTokens: 4321,
    outputTokens: 89,
    cacheReadTokens: 4000,
    cacheWriteTokens: 0,
    cacheWriteHourTokens: 0,
    reasoningTokens: 30,
  },
  tier: 'priority',
};

function responsesCall(index: number, item: typeof callItem, input: string): string[] {
  return [
    typed({
      type: 'response.output_item.added',
      output_index: index,
      item: { ...item, status: 'in_progress', arguments: '' },
    }),
    typed({
      type: 'response.function_call_arguments.delta',
      item_id: item.id,
      output_index: index,
      delta: input,
    }),
    typed({
      type: 'response.output_item.done',
      output_index: index,
      item: { ...item, arguments: input },
    }),
  ];
}

/** OpenAI chat completions, as OpenAI and the servers that copy it stream them. */
export const chatAnswer: RecordedAnswer = {
  events: [
    chunk({ role: 'assistant', content: '' }),
    chunk({ content: 'I look ' }),
    chunk({ content: 'at both.' }),
    chunk({ tool_calls: [call(0, { id: 'call_1', name: 'read_file', arguments: '' })] }),
    chunk({ tool_calls: [call(0, { arguments: '{"path":"a.ts",' })] }),
    chunk({ tool_calls: [call(0, { arguments: '"deep":{"n":1.5}}' })] }),
    chunk({ tool_calls: [call(1, { id: 'call_2', name: 'list_files', arguments: '' })] }),
    chunk({ tool_calls: [call(1, { arguments: '{}' })] }),
    chunk({}, 'tool_calls'),
    event({
      ...chatHead(),
      choices: [],
      usage: {
        prompt_tokens: 4321,
        completion_tokens: 89,
        total_tokens: 4410,
        prompt_tokens_details: { cached_tokens: 4000 },
        completion_tokens_details: { reasoning_tokens: 30 },
      },
    }),
    event('[DONE]'),
  ],
  usage: responsesAnswer.usage,
  tier: 'flex',
};

function chatHead() {
  return {
    id: 'chatcmpl-1',
    object: 'chat.completion.chunk',
    created: 1_790_000_000,
    model: 'gpt-test',
    service_tier: 'flex',
  };
}

function chunk(delta: object, finish: string | null = null): string {
  return event({ ...chatHead(), choices: [{ index: 0, delta, finish_reason: finish }] });
}

function call(
  index: number,
  { id, ...rest }: { readonly id?: string; readonly name?: string; readonly arguments: string },
): object {
  return id === undefined
    ? { index, function: rest }
    : { index, id, type: 'function', function: rest };
}

/** Gemini's streamGenerateContent. */
export const googleAnswer: RecordedAnswer = {
  events: [
    gemini([{ text: 'I should look.', thought: true }], { thoughtsTokenCount: 10 }),
    gemini([{ text: 'I look at both.' }], { thoughtsTokenCount: 30, candidatesTokenCount: 9 }),
    gemini(
      [
        {
          functionCall: { name: 'read_file', args: { path: 'a.ts', deep: { n: 1.5 } } },
          thoughtSignature: 'dGhvdWdodA==',
        },
      ],
      { thoughtsTokenCount: 30, candidatesTokenCount: 40 },
    ),
    gemini(
      [{ functionCall: { name: 'list_files', args: {} } }],
      { thoughtsTokenCount: 30, candidatesTokenCount: 59 },
      'STOP',
    ),
  ],
  usage: responsesAnswer.usage,
  tier: 'standard',
};

function gemini(parts: readonly object[], usage: object, finishReason?: string): string {
  return event({
    candidates: [{ content: { parts, role: 'model' }, index: 0, finishReason }],
    usageMetadata: {
      promptTokenCount: 4321,
      cachedContentTokenCount: 4000,
      serviceTier: 'standard',
      ...usage,
    },
    modelVersion: 'gemini-test',
    responseId: 'answer-1',
  });
}
