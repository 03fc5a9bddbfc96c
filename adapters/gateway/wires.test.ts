// What the gateway makes of requests, and reads of answers, for each wire.
//   - the task's model is asked, for no longer an answer than there is money for
//   - what would be billed at another rate, or run at the provider, is left out
//   - usage, id and end of an answer are read, whole or as a stream, in whatever pieces it comes
//   - a stream that was cut has no end; one that tells of an error says so
import { createUsageMeter, tokensOf } from '../models/usage-meter.ts';
import type { ModelWire } from '../ports.ts';
import { anthropicWire } from './anthropic-wire.ts';
import { createEventStream } from './event-stream.ts';
import { googleWire } from './google-wire.ts';
import { openaiWire } from './openai-wire.ts';
import type { AnswerState, Wire, WireBody } from './wire.ts';

const wires: Readonly<Record<ModelWire, Wire>> = {
  anthropic: anthropicWire,
  openai: openaiWire,
  google: googleWire,
};

/** A request as it leaves. */
function outgoing(wire: ModelWire, path: string, body: WireBody, maxOutputTokens = 100) {
  const endpoint = wires[wire].findEndpoint(path);
  if (endpoint === undefined) throw new Error(`${path} is not known`);
  return wires[wire].toRequest(endpoint, body, { modelId: 'the-task-model', maxOutputTokens });
}

/** What is known of an answer whose stream came in pieces of so many bytes. */
function read(wire: ModelWire, frames: readonly object[], pieceBytes = 7) {
  const bytes = Buffer.from(frames.map((one) => `data: ${JSON.stringify(one)}\r\n\r\n`).join(''));
  const state: AnswerState = {
    responseId: undefined,
    servedModel: undefined,
    isWhole: false,
    error: undefined,
  };
  const meter = createUsageMeter(wire);
  const events = createEventStream();
  for (let at = 0; at < bytes.length; at += pieceBytes) {
    for (const event of events.read(bytes.subarray(at, at + pieceBytes))) {
      meter.read(event);
      wires[wire].read(event, state);
    }
  }
  const usage = meter.soFar();
  return { ...state, tokens: usage && tokensOf(usage) };
}

const streams: Readonly<Record<ModelWire, readonly object[]>> = {
  anthropic: [
    {
      type: 'message_start',
      message: { id: 'answer-1', model: 'served', usage: { input_tokens: 7, output_tokens: 1 } },
    },
    { type: 'content_block_delta', delta: { type: 'text_delta', text: 'Grüße' } },
    { type: 'message_delta', delta: {}, usage: { output_tokens: 5 } },
    { type: 'message_stop' },
  ],
  openai: [
    { type: 'response.created', response: { id: 'answer-1', model: 'served' } },
    { type: 'response.output_text.delta', delta: 'Grüße' },
    {
      type: 'response.completed',
      response: {
        id: 'answer-1',
        model: 'served',
        usage: { input_tokens: 7, output_tokens: 5, total_tokens: 12 },
      },
    },
  ],
  google: [
    { responseId: 'answer-1', candidates: [{ content: { parts: [{ text: 'Grüße' }] } }] },
    {
      responseId: 'answer-1',
      candidates: [{ finishReason: 'STOP' }],
      usageMetadata: { promptTokenCount: 7, candidatesTokenCount: 5, totalTokenCount: 12 },
    },
  ],
};
const names = ['anthropic', 'openai', 'google'] as const;

test.each(names)('%s: a whole stream tells its usage, id and end, in whatever pieces', (wire) => {
  for (const pieceBytes of [1, 7, 4_096]) {
    expect(read(wire, streams[wire], pieceBytes)).toMatchObject({
      responseId: 'answer-1',
      isWhole: true,
      error: undefined,
      tokens: { inputTokens: 7, outputTokens: 5 },
    });
  }
});

test.each(names)('%s: a stream that was cut before its end is not whole', (wire) => {
  expect(read(wire, streams[wire].slice(0, -1)).isWhole).toBe(false);
});

test.each([
  ['anthropic', { type: 'error', error: { type: 'overloaded_error' } }],
  ['openai', { type: 'response.failed', response: { error: { code: 'server_error' } } }],
  ['google', { error: { code: 503, status: 'UNAVAILABLE' } }],
] as const)('%s: an error inside a good answer is seen', (wire, event) => {
  expect(read(wire, [...streams[wire].slice(0, 1), event])).toMatchObject({
    isWhole: false,
    error: event,
  });
});

test.each([
  ['anthropic', '/v1/messages', { model: 'dear', max_tokens: 9_000, messages: [] }],
  ['openai', '/v1/responses', { model: 'dear', max_output_tokens: 9_000, input: [] }],
  ['google', '/v1beta/models/dear:streamGenerateContent', { contents: [] }],
] as const)('%s: the task decides on the model, and on the length', (wire, path, body) => {
  const sent = JSON.stringify(outgoing(wire, path, body));

  expect(sent).toContain('the-task-model');
  expect(sent).not.toContain('dear');
  expect(sent).toMatch(/(max_tokens|max_output_tokens|maxOutputTokens)":100\b/);
});

test.each([
  [
    'anthropic',
    '/v1/messages',
    { service_tier: 'priority', tools: [{ name: 'a' }, { type: 'web_search_20250305' }] },
  ],
  [
    'openai',
    '/responses',
    { background: true, tools: [{ type: 'function', name: 'a' }, { type: 'web_search' }] },
  ],
  [
    'google',
    '/v1beta/models/m:generateContent',
    { tools: [{ functionDeclarations: [{ name: 'a' }] }, { googleSearch: { web_search: 1 } }] },
  ],
] as const)('%s: nothing runs at the provider, nor at another rate', (wire, path, body) => {
  const sent = JSON.stringify(outgoing(wire, path, body));

  expect(sent).toContain('"name":"a"');
  expect(sent).not.toMatch(/web_search|service_tier|background/);
});

test('a budget for thinking stays below the length of the answer', () => {
  const thinking = { type: 'enabled', budget_tokens: 8_000 };
  const body = { max_tokens: 9_000, thinking };

  expect(outgoing('anthropic', '/v1/messages', body, 4_000).body['thinking']).toEqual({
    type: 'enabled',
    budget_tokens: 3_999,
  });
  expect(outgoing('anthropic', '/v1/messages', body, 900).body['thinking']).toEqual({
    type: 'disabled',
  });
});

test('paths that buy something else are not known', () => {
  for (const wire of Object.values(wires))
    for (const path of ['/', '/v1/files', '/v1/messages/batches', '/v1beta/models/m:embedContent'])
      expect(wire.findEndpoint(path)).toBeUndefined();
});
