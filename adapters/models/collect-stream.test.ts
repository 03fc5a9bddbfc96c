// What a model streamed becomes the message that the next request carries, without losing a byte or a signature.
import type { LanguageModelV4StreamPart, SharedV4ProviderMetadata } from '@ai-sdk/provider';
import fc from 'fast-check';
import { collectStream, type AssistantMessage } from './collect-stream.ts';

type Part = AssistantMessage['content'][number];

/** Metadata in pieces: one for the start, one for a delta, one for the end of a block. */
type Said = readonly (SharedV4ProviderMetadata | undefined)[];

const metadata = fc.option(
  fc.dictionary(
    fc.constantFrom('anthropic', 'openai'),
    fc.dictionary(fc.constantFrom('signature', 'redactedData', 'id'), fc.string(), { minKeys: 1 }),
    { minKeys: 1 },
  ),
  { nil: undefined },
);
const said = fc.tuple(metadata, metadata, metadata);
const block = fc.oneof(
  fc.record({ type: fc.constant('text' as const), text: fc.string({ minLength: 1 }), said }),
  fc.record({ type: fc.constant('reasoning' as const), text: fc.string({ minLength: 1 }), said }),
  fc.record({
    type: fc.constant('tool-call' as const),
    input: fc.dictionary(fc.string(), fc.jsonValue()),
    said,
  }),
);
type Block = typeof block extends fc.Arbitrary<infer T> ? T : never;

describe('a collected stream', () => {
  test('is the recorded message again, wherever blocks are cut, interleaved, and metadata is said', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(block, { maxLength: 6 }),
        fc.integer({ min: 1, max: 5 }),
        fc.boolean(),
        async (blocks, size, interleave) => {
          const lanes = blocks.map((one, index) => partsOf(one, index, size));
          const recorded = blocks.map((one, index) => recordedPart(one, index));

          const { message } = await collectStream(
            streamOf([...(interleave ? interleaved(lanes) : lanes.flat()), finish()]),
          );

          expect(JSON.parse(JSON.stringify(message.content))).toEqual(
            JSON.parse(JSON.stringify(recorded)),
          );
        },
      ),
    );
  });

  test('keeps a signature that comes only with a delta', async () => {
    const signed = { anthropic: { signature: 'c2ln' } };

    const { message } = await collectStream(
      streamOf([
        { type: 'reasoning-start', id: '0' },
        { type: 'reasoning-delta', id: '0', delta: 'hm' },
        { type: 'reasoning-delta', id: '0', delta: '', providerMetadata: signed },
        { type: 'reasoning-end', id: '0' },
        finish(),
      ]),
    );

    expect(message.content).toEqual([{ type: 'reasoning', text: 'hm', providerOptions: signed }]);
  });

  test('never holds a tool call that was not finished', async () => {
    const { message } = await collectStream(
      streamOf([
        { type: 'tool-input-start', id: 'call-1', toolName: 'look' },
        { type: 'tool-input-delta', id: 'call-1', delta: '{"at"' },
        finish(),
      ]),
    );

    expect(message.content).toEqual([]);
  });

  test('keeps input that is not JSON as text', async () => {
    const { message } = await collectStream(
      streamOf([
        { type: 'tool-call', toolCallId: 'call-1', toolName: 'look', input: '{"at": ' },
        finish(),
      ]),
    );

    expect(message.content).toMatchObject([{ input: '{"at": ' }]);
  });

  test.each([
    ['breaks off before its end', [{ type: 'text-start', id: '0' }]],
    ['carries an error', [{ type: 'error', error: new Error('overloaded') }, finish()]],
  ] satisfies [string, LanguageModelV4StreamPart[]][])(
    'is refused when it %s',
    async (_, parts) => {
      await expect(collectStream(streamOf(parts))).rejects.toMatchObject({
        code: 'MODEL_UNAVAILABLE',
      });
    },
  );

  test('counts all input tokens when the provider gives only the parts', async () => {
    const { usage, responseId } = await collectStream(
      streamOf([
        { type: 'response-metadata', id: 'answer-1' },
        {
          type: 'finish',
          finishReason: { unified: 'stop', raw: 'stop' },
          usage: {
            inputTokens: { total: undefined, noCache: 1, cacheRead: 20, cacheWrite: 300 },
            outputTokens: { total: undefined, text: 4, reasoning: 50 },
          },
        },
      ]),
    );

    expect(responseId).toBe('answer-1');
    expect(usage).toEqual({
      inputTokens: 321,
      outputTokens: 54,
      cacheReadTokens: 20,
      cacheWriteTokens: 300,
      cacheWriteHourTokens: 0,
      reasoningTokens: 50,
    });
  });
});

function finish(): LanguageModelV4StreamPart {
  const unknown = {
    total: undefined,
    noCache: undefined,
    cacheRead: undefined,
    cacheWrite: undefined,
    text: undefined,
    reasoning: undefined,
  };
  return {
    type: 'finish',
    finishReason: { unified: 'stop', raw: undefined },
    usage: { inputTokens: unknown, outputTokens: unknown },
  };
}

function streamOf(
  parts: readonly LanguageModelV4StreamPart[],
): ReadableStream<LanguageModelV4StreamPart> {
  return ReadableStream.from(parts);
}

/** How a provider streams a block: cut into pieces of `size` characters. */
function partsOf(one: Block, index: number, size: number): LanguageModelV4StreamPart[] {
  const [atStart, inDelta, atEnd] = one.said.map((value) =>
    value === undefined ? {} : { providerMetadata: value },
  );
  const id = String(index);
  if (one.type === 'tool-call') {
    const call = {
      type: one.type,
      toolCallId: id,
      toolName: 'look',
      input: JSON.stringify(one.input),
    } as const;
    return [
      { type: 'tool-input-start', id, toolName: 'look', ...atStart },
      { type: 'tool-input-end', id, ...inDelta },
      { ...call, ...atEnd },
    ];
  }
  const pieces = one.text.match(new RegExp(`[\\s\\S]{1,${size}}`, 'g')) ?? [];
  const deltas = pieces.map((delta) => ({ type: `${one.type}-delta` as const, id, delta }));
  return [
    { type: `${one.type}-start`, id, ...atStart },
    ...deltas,
    { type: `${one.type}-delta`, id, delta: '', ...inDelta },
    { type: `${one.type}-end`, id, ...atEnd },
  ];
}

function recordedPart(one: Block, index: number): Part {
  const options = mergedOf(one.said);
  const carried = options === undefined ? {} : { providerOptions: options };
  if (one.type === 'tool-call') {
    return {
      type: 'tool-call',
      toolCallId: String(index),
      toolName: 'look',
      input: one.input,
      ...carried,
    };
  }
  return { type: one.type, text: one.text, ...carried };
}

function mergedOf(pieces: Said): SharedV4ProviderMetadata | undefined {
  const given = pieces.filter((piece) => piece !== undefined);
  if (given.length === 0) return undefined;
  const providers = new Set(given.flatMap((piece) => Object.keys(piece)));
  return Object.fromEntries(
    [...providers].map((name) => [
      name,
      Object.assign({}, ...given.map((piece) => piece[name])) as SharedV4ProviderMetadata[string],
    ]),
  );
}

/** One part of each lane in turn. Starts come first, so that the order of the blocks stays. */
function interleaved(lanes: readonly LanguageModelV4StreamPart[][]): LanguageModelV4StreamPart[] {
  const longest = Math.max(0, ...lanes.map((lane) => lane.length));
  return Array.from({ length: longest }, (_, turn) =>
    lanes.flatMap((lane) => lane.slice(turn, turn + 1)),
  ).flat();
}
