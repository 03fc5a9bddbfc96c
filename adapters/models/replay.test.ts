// What a model said, collected, written down and read again, is what the next request carries: byte for byte what the
// provider sent, signatures and all, through the providers' real clients.
import type { LanguageModelV4, LanguageModelV4Message } from '@ai-sdk/provider';
import fc from 'fast-check';
import type { ProviderAccount } from '../../config/providers-config.ts';
import {
  anthropicAnswer,
  chatAnswer,
  event,
  googleAnswer,
  responsesAnswer,
  thinkingSignature,
  type RecordedAnswer,
} from '../../tests/support/wire-answers.ts';
import { startWireServer, type WireServer } from '../../tests/support/wire-server.ts';
import { collectStream } from './collect-stream.ts';
import { createProviderModel } from './provider-client.ts';

let wire: WireServer;
beforeAll(async () => {
  process.env['ADO_TEST_REPLAY_KEY'] = 'sk-test-replay';
  wire = await startWireServer();
});
afterAll(async () => {
  delete process.env['ADO_TEST_REPLAY_KEY'];
  await wire.close();
});

function modelOf(
  provider: ProviderAccount['provider'],
  api?: 'chat',
  id = 'test',
): LanguageModelV4 {
  const account: ProviderAccount = {
    name: 'test',
    provider,
    access: 'api',
    priority: 1,
    credential: { env: 'ADO_TEST_REPLAY_KEY' },
    baseUrl: wire.url,
    api,
    limits: [],
  };
  return createProviderModel(account, id, Date);
}

const system = { role: 'system' as const, content: 'Be brief.' };
const question = { role: 'user' as const, content: [{ type: 'text' as const, text: 'Look.' }] };
const tools = ['read_file', 'list_files'].map((name) => ({
  type: 'function' as const,
  name,
  inputSchema: { type: 'object' as const },
}));

/** Asks, and gives back what was collected together with the request that was sent. */
async function turn(model: LanguageModelV4, prompt: LanguageModelV4Message[]) {
  const { stream } = await model.doStream({ prompt, tools });
  const { message } = await collectStream(stream);
  return { message, sent: wire.requests.at(-1)?.body ?? '' };
}

/** The results of both calls. */
function results(
  message: Extract<LanguageModelV4Message, { role: 'assistant' }>,
): LanguageModelV4Message {
  return {
    role: 'tool',
    content: message.content.flatMap((part) =>
      part.type === 'tool-call'
        ? [
            {
              type: 'tool-result' as const,
              toolCallId: part.toolCallId,
              toolName: part.toolName,
              output: { type: 'text' as const, value: 'done' },
            },
          ]
        : [],
    ),
  };
}

/** As the transcript keeps it. */
function writtenDown<T>(message: T): T {
  return JSON.parse(JSON.stringify(message)) as T;
}

async function nextRequest(model: LanguageModelV4, { events }: Pick<RecordedAnswer, 'events'>) {
  wire.answerWith({ events });
  const { message } = await turn(model, [system, question]);
  const first = [system, question, message, results(message)];
  const { sent } = await turn(model, first);
  const again = await turn(model, writtenDown(first));
  expect(again.sent).toBe(sent);
  return { sent, body: JSON.parse(sent) as Record<string, unknown> };
}

test('Anthropic gets its thinking, signatures, texts and calls back as it sent them', async () => {
  const { body } = await nextRequest(modelOf('anthropic'), anthropicAnswer);

  const [, assistant] = body['messages'] as { content: unknown }[];
  expect(JSON.stringify(assistant?.content)).toBe(
    JSON.stringify([
      { type: 'thinking', thinking: 'I should look – “both” files.', signature: thinkingSignature },
      { type: 'redacted_thinking', data: 'cmVkYWN0ZWQ=' },
      { type: 'text', text: 'I look at both.' },
      {
        type: 'tool_use',
        id: 'toolu_1',
        name: 'read_file',
        input: { path: 'a.ts', deep: { n: 1.5 } },
      },
      { type: 'tool_use', id: 'toolu_2', name: 'list_files', input: {} },
    ]),
  );
});

test('any answer of Anthropic comes back byte for byte, wherever the stream was cut into pieces', async () => {
  const text = fc
    .string({ minLength: 1, unit: 'grapheme' })
    .filter((value) => value.trim() === value);
  const block = fc.oneof(
    fc.record({
      type: fc.constant('thinking'),
      thinking: text,
      signature: fc.base64String({ minLength: 4 }),
    }),
    fc.record({ type: fc.constant('redacted_thinking'), data: fc.base64String({ minLength: 4 }) }),
    fc.record({ type: fc.constant('text'), text }),
  );
  const model = modelOf('anthropic');
  let blocks = 0;
  const runs = 60;

  await fc.assert(
    fc.asyncProperty(
      fc.array(block, { maxLength: 5 }),
      fc.array(fc.dictionary(fc.string(), fc.jsonValue()), { maxLength: 3 }),
      fc.integer({ min: 1, max: 9 }),
      async (content, inputs, size) => {
        // Answers of Anthropic end with their calls; there is one at least, so that its result is the next message.
        const calls = [...inputs, {}].map((input, index) => ({
          type: 'tool_use',
          id: `toolu_${String(index)}`,
          name: 'read_file',
          input,
        }));
        const said = [...content, ...calls];
        blocks += said.length;

        const { body } = await nextRequest(model, { events: streamOf(said, size) });

        const [, assistant] = body['messages'] as { content: unknown }[];
        expect(JSON.stringify(assistant?.content)).toBe(
          JSON.stringify(JSON.parse(JSON.stringify(said))),
        );
      },
    ),
    { numRuns: runs },
  );
  process.stdout.write(
    `replayed ${String(runs)} answers of Anthropic with ${String(blocks)} blocks\n`,
  );
});

test('Anthropic is asked to cache the system prompt and the last two turns, and no more', async () => {
  const { body } = await nextRequest(modelOf('anthropic'), anthropicAnswer);

  const mark = { type: 'ephemeral' };
  expect(body['system']).toEqual([{ type: 'text', text: 'Be brief.', cache_control: mark }]);
  const messages = body['messages'] as { content: { cache_control?: unknown }[] }[];
  expect(messages.map(({ content }) => content.map((part) => part.cache_control))).toEqual([
    [mark],
    [undefined, undefined, undefined, undefined, undefined],
    [undefined, mark],
  ]);
});

test('OpenAI stores nothing, and gets encrypted reasoning, texts and calls back', async () => {
  const { body } = await nextRequest(modelOf('openai', undefined, 'gpt-5-test'), responsesAnswer);

  expect(body).toMatchObject({ store: false, include: ['reasoning.encrypted_content'] });
  expect((body['input'] as unknown[]).slice(2, 6)).toMatchObject([
    { type: 'reasoning', encrypted_content: 'ZW5jcnlwdGVk' },
    { role: 'assistant', content: 'I look at both.' },
    {
      type: 'function_call',
      call_id: 'call_1',
      name: 'read_file',
      arguments: '{"path":"a.ts","deep":{"n":1.5}}',
    },
    { type: 'function_call', call_id: 'call_2', name: 'list_files', arguments: '{}' },
  ]);
});

test.each(['openai', 'openai-compatible'] as const)(
  'chat completions of %s get text and calls back',
  async (provider) => {
    const { body } = await nextRequest(
      modelOf(provider, provider === 'openai' ? 'chat' : undefined),
      chatAnswer,
    );

    expect((body['messages'] as unknown[])[2]).toMatchObject({
      role: 'assistant',
      content: 'I look at both.',
      tool_calls: [
        {
          id: 'call_1',
          function: { name: 'read_file', arguments: '{"path":"a.ts","deep":{"n":1.5}}' },
        },
        { id: 'call_2', function: { name: 'list_files', arguments: '{}' } },
      ],
    });
  },
);

test('Google gets the signature of its thoughts back', async () => {
  const { body } = await nextRequest(modelOf('google'), googleAnswer);

  expect((body['contents'] as unknown[])[1]).toMatchObject({
    role: 'model',
    parts: [
      { text: 'I should look.', thought: true },
      { text: 'I look at both.' },
      {
        functionCall: { name: 'read_file', args: { path: 'a.ts' } },
        thoughtSignature: 'dGhvdWdodA==',
      },
      { functionCall: { name: 'list_files' } },
    ],
  });
});

const vendors = {
  anthropic: { model: () => modelOf('anthropic'), answer: anthropicAnswer },
  'openai responses': {
    model: () => modelOf('openai', undefined, 'gpt-5-test'),
    answer: responsesAnswer,
  },
  'openai chat': { model: () => modelOf('openai', 'chat'), answer: chatAnswer },
  google: { model: () => modelOf('google', undefined, 'gemini-3-test'), answer: googleAnswer },
  'openai-compatible': { model: () => modelOf('openai-compatible'), answer: chatAnswer },
};
const names = Object.keys(vendors) as (keyof typeof vendors)[];
const ways = names.flatMap((from) =>
  names.filter((to) => to !== from).map((to) => [from, to] as const),
);

test.each(ways)(
  'a conversation begun with %s goes on with %s: texts and calls, no foreign reasoning',
  async (from, to) => {
    wire.answerWith({ events: vendors[from].answer.events });
    const { message } = await turn(vendors[from].model(), [system, question]);
    wire.answerWith({ events: vendors[to].answer.events });

    const { sent } = await turn(
      vendors[to].model(),
      writtenDown([system, question, message, results(message)]),
    );

    for (const said of ['Look.', 'I look at both.', 'read_file', 'a.ts', 'list_files', 'done'])
      expect(sent).toContain(said);
    for (const secret of [
      'I should',
      thinkingSignature,
      'cmVkYWN0ZWQ=',
      'ZW5jcnlwdGVk',
      'dGhvdWdodA==',
    ])
      expect(sent).not.toContain(secret);
  },
);

test.each([
  ['anthropic', '/messages', 'x-api-key', 'sk-test-replay'],
  ['openai', '/responses', 'authorization', 'Bearer sk-test-replay'],
  ['google', '/models/test:streamGenerateContent?alt=sse', 'x-goog-api-key', 'sk-test-replay'],
  ['openai-compatible', '/chat/completions', 'authorization', 'Bearer sk-test-replay'],
] as const)(
  '%s is asked at %s, with the credential where it looks for it',
  async (provider, path, header, value) => {
    wire.answerWith({ status: 500, body: {} });

    await expect(turn(modelOf(provider), [question])).rejects.toThrow();

    expect(wire.requests).toMatchObject([{ path, headers: { [header]: value } }]);
    expect(JSON.stringify(wire.requests)).not.toContain('read-at-call-time');
  },
);

/** An answer as Anthropic streams it, its texts and inputs cut into pieces of `size` characters. */
function streamOf(content: readonly object[], size: number): string[] {
  const send = (data: { readonly type: string } & Record<string, unknown>) =>
    event(data, data.type);
  const pieces = (text: string) =>
    text.match(new RegExp(`[\\s\\S]{1,${String(size)}}`, 'gu')) ?? [];
  const usage = { input_tokens: 1, output_tokens: 1 };
  const message = {
    id: 'm',
    type: 'message',
    role: 'assistant',
    model: 'test',
    content: [],
    usage,
  };
  return [
    send({
      type: 'message_start',
      message: { ...message, stop_reason: null, stop_sequence: null },
    }),
    ...content.flatMap((given, index) => {
      const one = given as {
        type: string;
        text?: string;
        thinking?: string;
        signature?: string;
        input?: object;
      };
      const deltas = [
        ...pieces(one.thinking ?? '').map((thinking) => ({ type: 'thinking_delta', thinking })),
        ...(one.signature === undefined
          ? []
          : [{ type: 'signature_delta', signature: one.signature }]),
        ...pieces(one.text ?? '').map((text) => ({ type: 'text_delta', text })),
        ...(one.input === undefined ? [] : pieces(JSON.stringify(one.input))).map((json) => ({
          type: 'input_json_delta',
          partial_json: json,
        })),
      ];
      const empty = {
        ...one,
        ...(one.type === 'text' && { text: '' }),
        ...(one.type === 'thinking' && { thinking: '', signature: '' }),
        ...(one.type === 'tool_use' && { input: {} }),
      };
      return [
        send({ type: 'content_block_start', index, content_block: empty }),
        ...deltas.map((delta) => send({ type: 'content_block_delta', index, delta })),
        send({ type: 'content_block_stop', index }),
      ];
    }),
    send({ type: 'message_delta', delta: { stop_reason: 'tool_use', stop_sequence: null }, usage }),
    send({ type: 'message_stop' }),
  ];
}
