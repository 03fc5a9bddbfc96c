// What goes wrong on request, as the vendors' own clients meet it:
//   - every error class arrives with its status, headers and the vendor's words, and costs nothing
//   - a stream cut at any event has brought the events before it, and is billed for what they brought
//   - an error inside a 200, a slow, a late and a repeated answer are what they say they are
import { setTimeout as sleep } from 'node:timers/promises';
import { APICallError } from '@ai-sdk/provider';
import type { LanguageModelV4 } from '@ai-sdk/provider';
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
import { parseScript } from './script.ts';
import { noUsage } from './usage.ts';

const text = 'A text that is long enough to come in some pieces, one after another.';
const usage = { inputTokens: 500, cacheReadTokens: 40, outputTokens: 70, reasoningTokens: 20 };
const answer = {
  reasoning: 'Some thought that comes first, in pieces too.',
  text,
  toolCalls: [
    { tool: 'write_file', input: { path: 'a.txt', content: 'twenty-four characters and more' } },
  ],
  usage,
};

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterEach(() => emulator.close());

function play(faults: readonly object[]): void {
  emulator.useScript(parseScript('script', JSON.stringify({ answers: [answer], faults })));
}

function modelOf(name: string): LanguageModelV4 {
  const wire = wires[name];
  if (wire === undefined) throw new Error(`There is no wire ${name}.`);
  return wire.model(emulator.url);
}

/** A stream as it came over the wire: its frames, and whether it came to its end. */
interface RawStream {
  readonly frames: readonly string[];
  readonly whole: boolean;
}

/** Sends a client's own request, and reads what comes without the client. */
async function readFrames({ model }: Wire, prompt: string): Promise<RawStream> {
  const read = Promise.withResolvers<RawStream>();
  const spy: typeof fetch = async (url, init) => {
    read.resolve(readRaw(await fetch(url, init)));
    throw new Error('The client is not needed.');
  };
  await readStream(model(emulator.url, { fetch: spy }), ask(prompt));
  return read.promise;
}

async function readRaw({ body }: Response): Promise<RawStream> {
  const decoder = new TextDecoder();
  let text = '';
  const toFrames = (): string[] => text.split('\n\n').filter((frame) => frame !== '');
  try {
    for await (const chunk of body ?? [])
      text += decoder.decode(chunk as Uint8Array, { stream: true });
  } catch {
    return { frames: toFrames(), whole: false };
  }
  return { frames: toFrames(), whole: true };
}

/** Waits until the emulator's counts are as wanted. */
async function waitForInFlight(count: number): Promise<void> {
  const giveUpMs = performance.now() + 10_000;
  while ((await emulator.counts()).inFlight !== count) {
    if (performance.now() > giveUpMs) throw new Error(`There were never ${count} calls in flight.`);
    await sleep(2);
  }
}

const statuses = [400, 401, 402, 403, 404, 413, 429, 500, 503, 529];

it.each(eachWire)(
  '%s brings every error class with status, headers and words, for nothing',
  async (_, wire) => {
    play(
      statuses.map((status) => ({
        when: { contains: `status ${status}` },
        error: { status, retryAfterMs: 1_500 },
      })),
    );
    const model = wire.model(emulator.url);

    for (const status of statuses) {
      const error = await failureOf(model.doGenerate(ask(`status ${status}`)));
      const streamed = (await readStream(model, ask(`status ${status}`))).error;

      for (const failure of [error, streamed]) {
        if (!APICallError.isInstance(failure)) throw failure;
        expect(failure.statusCode).toBe(status);
        expect(failure.isRetryable).toBe(status === 429 || status >= 500);
        // The client found the vendor's message in the body: else it says the status in words.
        expect(failure.responseBody).toContain(JSON.stringify(failure.message));
        if (wire.format === 'gemini') expect(failure.responseBody).toContain('"retryDelay":"1.5s"');
        else expect(failure.responseHeaders?.['retry-after']).toBe('2');
      }
    }
    const lines = await emulator.lines();
    expect(lines.map(({ status }) => status)).toEqual(
      statuses.flatMap((status) => [status, status]),
    );
    expect((await emulator.counts()).billed).toEqual(noUsage);
  },
);

it.each([
  ['anthropic', 529, '"type":"overloaded_error"'],
  ['anthropic', 402, '"type":"billing_error"'],
  ['openai responses', 401, '"code":"invalid_api_key"'],
  ['openai chat', 429, '"code":"rate_limit_exceeded"'],
  ['gemini', 503, '"status":"UNAVAILABLE"'],
])("%s calls a %i by the vendor's name: %s", async (name, status, word) => {
  play([{ error: { status } }]);

  const error = await failureOf(modelOf(name).doGenerate(ask('Go.')));

  expect(error).toMatchObject({ responseBody: expect.stringContaining(word) });
});

it('a script may choose the words of an error', async () => {
  play([{ error: { status: 429, type: 'insufficient_quota', message: 'No money left.' } }]);

  const error = await failureOf(modelOf('openai chat').doGenerate(ask('Go.')));

  expect(error).toMatchObject({
    message: 'No money left.',
    responseBody: expect.stringContaining('"code":"insufficient_quota"'),
  });
});

it('a script may add headers, to answers and to errors', async () => {
  const headers = {
    'anthropic-ratelimit-unified-5h-utilization': '0.97',
    'x-should-retry': 'false',
  };
  play([
    { when: { calls: [1] }, headers },
    { error: { status: 500 }, headers },
  ]);
  const model = modelOf('anthropic');

  const answered = await model.doGenerate(ask('Go.'));
  const error = await failureOf(model.doGenerate(ask('Go.')));

  expect(answered.response?.headers).toMatchObject(headers);
  expect(error).toMatchObject({ statusCode: 500, responseHeaders: headers });
});

it('a fault with calls happens to the calls of those numbers among the ones it is for', async () => {
  play([{ when: { format: 'gemini', calls: [2] }, error: { status: 500 } }]);

  const ends: (number | undefined)[] = [];
  for (const name of ['gemini', 'anthropic', 'gemini', 'gemini']) {
    const { error } = await readStream(modelOf(name), ask('Go.'));
    ends.push(APICallError.isInstance(error) ? error.statusCode : undefined);
  }

  expect(ends).toEqual([undefined, undefined, 500, undefined]);
});

it.each(eachWire)(
  '%s cut at every event brings the events before, billed for what they brought',
  async (_, wire) => {
    play([]);
    const { frames } = await readFrames(wire, 'All of it.');
    const indexes = Array.from({ length: frames.length + 1 }, (_unused, event) => event);
    play(indexes.map((event) => ({ when: { contains: `at ${event}.` }, cutAtEvent: event })));
    const model = wire.model(emulator.url);

    const ends = await Promise.all(
      indexes.map(async (event) => ({
        raw: await readFrames(wire, `Cut at ${event}.`),
        client: await readStream(model, ask(`Cut at ${event}.`)),
      })),
    );

    const lines = (await emulator.lines()).slice(1);
    let billedBefore = 0;
    for (const [event, { raw, client }] of ends.entries()) {
      expect(raw.frames).toHaveLength(event);
      expect(raw.whole).toBe(false);
      expect(text.startsWith(textsOf(client).text)).toBe(true);
      const ofEvent = lines.filter((line) => line.event === event);
      expect(ofEvent.map(({ outcome }) => outcome)).toEqual(['cut', 'cut']);
      const { billed, told } = ofEvent[0] ?? { billed: noUsage, told: null };
      expect(ofEvent[1]).toMatchObject({ billed, told });
      expect(billed).toMatchObject({ inputTokens: 500, cacheReadTokens: 40 });
      expect(billed.outputTokens).toBeGreaterThanOrEqual(billedBefore);
      expect(billed.reasoningTokens).toBeLessThanOrEqual(billed.outputTokens);
      // Nobody is told of more than is billed.
      expect(told?.outputTokens ?? 0).toBeLessThanOrEqual(billed.outputTokens);
      billedBefore = billed.outputTokens;
    }
    expect(billedBefore).toBe(usage.outputTokens);
    process.stdout.write(`cut at every event: ${indexes.length} places on ${wire.format}\n`);
  },
);

it('what Gemini told before a cut is what it bills, at every event', async () => {
  const cuts = [1, 2, 3, 4, 5];
  play(cuts.map((event) => ({ when: { contains: `at ${event}.` }, cutAtEvent: event })));

  await Promise.all(cuts.map((event) => readStream(modelOf('gemini'), ask(`Cut at ${event}.`))));

  const lines = await emulator.lines();
  expect(lines.map(({ told }) => told)).toEqual(lines.map(({ billed }) => billed));
});

it('a cut at 0 without a stream brings no answer, a later one half of it, and both are billed', async () => {
  play([
    { when: { calls: [1] }, cutAtEvent: 0 },
    { when: { calls: [1, 2] }, cutAtEvent: 1 },
  ]);
  const model = modelOf('anthropic');

  const none = await failureOf(model.doGenerate(ask('Go.')));
  const half = await failureOf(model.doGenerate(ask('Go.')));

  expect(none).toMatchObject({ isRetryable: true });
  expect(half).toBeInstanceOf(Error);
  const lines = await emulator.lines();
  expect(lines.map(({ outcome, billed }) => [outcome, billed.outputTokens])).toEqual([
    ['cut', 70],
    ['cut', 70],
  ]);
});

it.each(eachWire)('%s tells an error inside a 200, after the events before it', async (_, wire) => {
  play([{ errorAtEvent: { event: 4, status: 503, message: 'Overloaded in the middle.' } }]);

  const { frames, whole } = await readFrames(wire, 'Go.');
  const { error } = await readStream(wire.model(emulator.url), ask('Go.'));

  expect(whole).toBe(true);
  expect(frames).toHaveLength(5);
  expect(JSON.stringify(error) + String(error)).toContain('Overloaded in the middle.');
  const [, line] = await emulator.lines();
  expect(line).toMatchObject({ outcome: 'error-event', event: 4, status: 200 });
});

it('a late answer is billed in full to a client that did not wait for it', async () => {
  play([{ lateMs: 60_000 }]);
  const abort = new AbortController();

  const call = failureOf(
    modelOf('anthropic').doGenerate({ ...ask('Go.'), abortSignal: abort.signal }),
  );
  await waitForInFlight(1);
  abort.abort();
  await call;

  await waitForInFlight(0);
  const [line] = await emulator.lines();
  expect(line).toMatchObject({ outcome: 'lost', told: null, billed: { outputTokens: 70 } });
});

it('a client that leaves a slow stream is billed for what was produced until then', async () => {
  play([{ firstTokenMs: 20, tokensPerSecond: 40 }]);
  const abort = new AbortController();

  const { stream } = await modelOf('anthropic').doStream({
    ...ask('Go.'),
    abortSignal: abort.signal,
  });
  const read = async (): Promise<void> => {
    for await (const part of stream) if (part.type === 'text-delta') abort.abort();
  };
  await read().catch(() => undefined);

  await waitForInFlight(0);
  const [line] = await emulator.lines();
  expect(line).toMatchObject({ outcome: 'lost', billed: { inputTokens: 500 } });
  expect(line?.billed.outputTokens).toBeGreaterThan(0);
  expect(line?.billed.outputTokens).toBeLessThan(70);
});

it('a slow stream takes the time that its tokens take', async () => {
  play([{ firstTokenMs: 50, tokensPerSecond: 400 }]);
  const startedMs = performance.now();

  const end = await readStream(modelOf('openai responses'), ask('Go.'));

  // 70 tokens at 400 a second after 50 ms; how much longer it takes is the machine's affair.
  expect(performance.now() - startedMs).toBeGreaterThanOrEqual(50 + 175 - 5);
  expect(textsOf(end).text).toBe(text);
});

it('a repeated answer has the id of the one before, and is billed once', async () => {
  play([{ when: { calls: [2] }, duplicate: true }]);
  const model = modelOf('anthropic');

  const ids: unknown[] = [];
  for (let call = 0; call < 3; call += 1) {
    ids.push((await model.doGenerate(ask('Go.'))).response?.id);
  }

  expect(ids[1]).toBe(ids[0]);
  expect(ids[2]).not.toBe(ids[0]);
  const [first, second] = await emulator.lines();
  expect(second).toMatchObject({ duplicateOf: first?.id, billed: noUsage });
});

it.each([
  ['no JSON', '/v1/chat/completions', '{', 400],
  ['no messages', '/v1/messages', '{"model":"claude","max_tokens":1,"messages":[]}', 400],
  [
    'no most tokens',
    '/v1/messages',
    '{"model":"claude","messages":[{"role":"user","content":"x"}]}',
    400,
  ],
  ['no such path', '/v1/nothing', '{}', 404],
])('a request with %s is refused', async (_, path, body, status) => {
  const headers = { 'x-api-key': 'key' };
  const response = await fetch(emulator.url + path, { method: 'POST', headers, body });

  expect(response.status).toBe(status);
});

it.each(['/v1/messages', '/v1/responses', '/v1beta/models/gemini:generateContent'])(
  'a call of %s without a key is refused',
  async (path) => {
    const response = await fetch(emulator.url + path, { method: 'POST', body: '{}' });

    expect(response.status).toBe(401);
  },
);
