// What the vendors' own clients make of the emulator's answers:
//   - text, reasoning, tool calls and usage arrive as the script says them, whole and as a stream
//   - an answer that is sent back is taken for what it was; reasoning that was tampered with is not
//   - the usage in an answer is the usage in the log
import fc from 'fast-check';
import type {
  LanguageModelV4Content,
  LanguageModelV4Message,
  LanguageModelV4Usage,
} from '@ai-sdk/provider';
import {
  ask,
  eachWire,
  failureOf,
  readStream,
  textsOf,
  wires,
} from '../../tests/support/emulator-clients.ts';
import type { Wire } from '../../tests/support/emulator-clients.ts';
import { startEmulator } from './emulator.ts';
import type { Emulator } from './emulator.ts';
import { emptyScript, parseScript } from './script.ts';
import { cacheWriteTokens } from './usage.ts';
import type { Usage } from './usage.ts';

const said = {
  reasoning: 'The user wants the file, so I look at it first.',
  text: 'I read the file before I change anything in it.',
  tool: 'read_file',
  input: { path: 'src/ä.ts', lines: [1, 200] },
};
const usage: Usage = {
  inputTokens: 1_000,
  cacheReadTokens: 600,
  cacheWrite5mTokens: 30,
  cacheWrite1hTokens: 7,
  outputTokens: 90,
  reasoningTokens: 25,
};
const script = parseScript(
  'script',
  JSON.stringify({
    answers: [
      {
        when: { turn: 1 },
        reasoning: said.reasoning,
        text: said.text,
        toolCalls: [{ tool: said.tool, input: said.input }],
        usage,
      },
      { when: { turn: 2, contains: 'its content' }, text: 'Done.' },
    ],
  }),
);

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ port: 0, script });
});
afterEach(() => emulator.close());

/** What a client has to make of a usage. */
function expectedUsage({ tellsCacheWrites }: Wire, of: Usage): object {
  const cacheWrite = tellsCacheWrites ? cacheWriteTokens(of) : 0;
  const uncached = of.inputTokens + cacheWriteTokens(of) - cacheWrite;
  return {
    inputTokens: { noCache: uncached, cacheRead: of.cacheReadTokens },
    outputTokens: { total: of.outputTokens, reasoning: of.reasoningTokens },
    cacheWrite,
  };
}

function shown({ inputTokens, outputTokens }: LanguageModelV4Usage): object {
  return {
    inputTokens: { noCache: inputTokens.noCache, cacheRead: inputTokens.cacheRead },
    outputTokens: { total: outputTokens.total, reasoning: outputTokens.reasoning },
    cacheWrite: inputTokens.cacheWrite ?? 0,
  };
}

function partsOf(content: readonly LanguageModelV4Content[]): unknown[] {
  return content.map((part) => {
    if (part.type === 'text' || part.type === 'reasoning') return [part.type, part.text];
    return part.type === 'tool-call' ? [part.toolName, JSON.parse(part.input)] : part;
  });
}

it.each(eachWire)('%s brings a whole answer to its client, token by token', async (_, wire) => {
  const answer = await wire.model(emulator.url).doGenerate(ask('Change the file.'));

  expect(partsOf(answer.content)).toEqual([
    ...(wire.tellsReasoning ? [['reasoning', said.reasoning]] : []),
    ['text', said.text],
    [said.tool, said.input],
  ]);
  expect(answer.finishReason.unified).toBe('tool-calls');
  expect(shown(answer.usage)).toEqual(expectedUsage(wire, usage));
  const [line] = await emulator.lines();
  expect(line).toMatchObject({ id: answer.response?.id, outcome: 'delivered', stream: false });
});

it('anthropic takes instructions between the messages, and answers the last of the user', async () => {
  const call = async (...roles: readonly string[]): Promise<Response> =>
    fetch(`${emulator.url}/v1/messages`, {
      method: 'POST',
      headers: { 'x-api-key': 'key' },
      body: JSON.stringify({
        model: 'claude-sonnet-4-5',
        max_tokens: 100,
        messages: roles.map((role) => ({ role, content: `words of ${role}` })),
      }),
    });

  emulator.useScript(
    parseScript('script', '{ answers: [{ when: { turn: 1, contains: of user }, text: Done. }] }'),
  );

  expect((await call('user', 'system')).status).toBe(200);
  expect((await call('system', 'user')).status).toBe(400);
});

it.each(eachWire)('%s brings a streamed answer to its client, token by token', async (_, wire) => {
  const end = await readStream(wire.model(emulator.url), ask('Change the file.'));

  expect(end.error).toBeUndefined();
  expect(textsOf(end)).toEqual({
    text: said.text,
    reasoning: wire.tellsReasoning ? said.reasoning : '',
  });
  const call = end.parts.find((part) => part.type === 'tool-call');
  expect([call?.toolName, JSON.parse(call?.input ?? '')]).toEqual([said.tool, said.input]);
  const finish = end.parts.find((part) => part.type === 'finish');
  expect(finish?.finishReason.unified).toBe('tool-calls');
  expect(finish && shown(finish.usage)).toEqual(expectedUsage(wire, usage));
  const metadata = end.parts.find((part) => part.type === 'response-metadata');
  const [line] = await emulator.lines();
  expect(line).toMatchObject({ id: metadata?.id, outcome: 'delivered', stream: true });
});

it('Anthropic tells what was written to the cache for 5 minutes and for an hour', async () => {
  const model = wires['anthropic']?.model(emulator.url);
  const answer = await model?.doGenerate(ask('Change the file.'));

  expect(answer?.usage.raw).toMatchObject({
    cache_creation: { ephemeral_5m_input_tokens: 30, ephemeral_1h_input_tokens: 7 },
  });
});

type AssistantPart = Extract<LanguageModelV4Message, { role: 'assistant' }>['content'][number];

/** A part of an answer as a client sends it back. */
function toPromptParts(part: LanguageModelV4Content): AssistantPart[] {
  const providerOptions = 'providerMetadata' in part ? part.providerMetadata : undefined;
  if (part.type === 'text' || part.type === 'reasoning') {
    return [{ type: part.type, text: part.text, ...(providerOptions && { providerOptions }) }];
  }
  if (part.type !== 'tool-call') return [];
  const { type, toolCallId, toolName } = part;
  const input = JSON.parse(part.input) as unknown;
  return [{ type, toolCallId, toolName, input, ...(providerOptions && { providerOptions }) }];
}

it.each(eachWire)('%s takes its own answer back, with the result of the tool', async (_, wire) => {
  const model = wire.model(emulator.url);
  const first = await model.doGenerate(ask('Change the file.'));
  const content = first.content.flatMap(toPromptParts);
  const toolCallId = first.content.find((part) => part.type === 'tool-call')?.toolCallId ?? '';
  const output = { type: 'text', value: 'This is its content.' } as const;

  const second = await model.doGenerate(
    ask(
      'Change the file.',
      { role: 'assistant', content },
      { role: 'tool', content: [{ type: 'tool-result', toolCallId, toolName: said.tool, output }] },
    ),
  );

  expect(partsOf(second.content)).toEqual([['text', 'Done.']]);
});

it('Anthropic refuses reasoning whose signature is not its own', async () => {
  const model = wires['anthropic']?.model(emulator.url);
  const call = model?.doGenerate(
    ask(
      'Change the file.',
      {
        role: 'assistant',
        content: [
          {
            type: 'reasoning',
            text: 'I never thought this.',
            providerOptions: { anthropic: { signature: 'bm9uZQ==' } },
          },
          { type: 'text', text: 'Hm.' },
        ],
      },
      { role: 'user', content: [{ type: 'text', text: 'Go on.' }] },
    ),
  );

  expect(call && (await failureOf(call))).toMatchObject({
    statusCode: 400,
    message: 'messages.1.content.0: Invalid `signature` in `thinking` block',
  });
});

it('a call that no scripted answer fits is refused, and says which turn it was', async () => {
  emulator.useScript(parseScript('script', '{answers: [{when: {turn: 2}, text: Two.}]}'));

  const call = wires['openai chat']?.model(emulator.url).doGenerate(ask('One?'));

  expect(call && (await failureOf(call))).toMatchObject({
    statusCode: 400,
    message: 'The script has no answer for this call, turn 1.',
  });
});

it('without scripted answers the same request gets the same words, and another seed other ones', async () => {
  const askOnce = async (seed: number, text: string): Promise<string> => {
    emulator.useScript({ ...emptyScript, seed });
    const end = await readStream(wires['gemini']?.model(emulator.url) as never, ask(text));
    return textsOf(end).text;
  };

  const one = await askOnce(1, 'Hello');

  expect(one).toMatch(/^[a-z ]{20,}\.$/);
  expect(await askOnce(1, 'Hello')).toBe(one);
  expect(await askOnce(2, 'Hello')).not.toBe(one);
  expect(await askOnce(1, 'Good bye')).not.toBe(one);
});

it('counts the tokens of a request as it would bill them', async () => {
  emulator.useScript(emptyScript);
  const body = { model: 'claude', messages: [{ role: 'user', content: 'x'.repeat(400) }] };
  const post = async (path: string, more: object): Promise<Record<string, unknown>> => {
    const response = await fetch(`${emulator.url}${path}`, {
      method: 'POST',
      headers: { 'x-api-key': 'key' },
      body: JSON.stringify({ ...body, ...more }),
    });
    return (await response.json()) as Record<string, unknown>;
  };

  const counted = await post('/v1/messages/count_tokens', {});
  const answered = await post('/v1/messages', { max_tokens: 9 });

  expect(answered['usage']).toMatchObject({ input_tokens: counted['input_tokens'] });
  expect(await emulator.counts()).toMatchObject({ calls: 1, tokenCounts: 1 });
});

const count = fc.nat({ max: 100_000 });
const anyUsage = fc
  .record({
    inputTokens: count,
    cacheReadTokens: count,
    cacheWrite5mTokens: count,
    cacheWrite1hTokens: count,
    outputTokens: fc.nat({ max: 50_000 }),
    reasoningTokens: fc.nat({ max: 50_000 }),
  })
  .map((some) => ({ ...some, outputTokens: some.outputTokens + some.reasoningTokens }));

it('what the log bills is what the answers told, whatever was used, on every wire', async () => {
  const runs = 60;
  let compared = 0;
  await fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...Object.values(wires)),
      anyUsage,
      fc.string({ minLength: 1, maxLength: 300 }),
      fc.boolean(),
      async (wire, used, text, stream) => {
        emulator.useScript({
          ...emptyScript,
          answers: [{ when: {}, text, toolCalls: [], usage: used }],
        });
        const model = wire.model(emulator.url);

        const told = stream
          ? (await readStream(model, ask('Go.'))).parts.find((part) => part.type === 'finish')
              ?.usage
          : (await model.doGenerate(ask('Go.'))).usage;

        const line = (await emulator.lines()).at(-1);
        expect(line?.outcome).toBe('delivered');
        expect(line?.told).toEqual(line?.billed);
        expect(told && shown(told)).toEqual(expectedUsage(wire, line?.billed ?? used));
        compared += 1;
      },
    ),
    { numRuns: runs, seed: 4 },
  );
  process.stdout.write(`usage told and billed: ${compared} of ${runs} calls agree\n`);
});
