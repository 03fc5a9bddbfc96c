// Streams of every provider, through its real client, from recorded bodies.
//   - a whole answer has its text, its calls and its exact usage
//   - one that breaks off, at any event and in any way, is a failure that knows the usage reported until then
//   - an unfinished tool call is never given out
//   - a cancel ends the call within a second
import type { LanguageModelV4, LanguageModelV4StreamPart } from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';
import {
  anthropicAnswer,
  chatAnswer,
  event,
  googleAnswer,
  responsesAnswer,
} from '../../tests/support/wire-answers.ts';
import { startWireServer, type WireServer } from '../../tests/support/wire-server.ts';
import { collectStream } from './collect-stream.ts';
import type { ModelCallError } from './model-call-error.ts';
import { createProviderModel } from './provider-client.ts';
import { createUsageMeter } from './usage-meter.ts';

const vendors = [
  ['anthropic', 'anthropic', undefined, anthropicAnswer],
  ['openai responses', 'openai', undefined, responsesAnswer],
  ['openai chat', 'openai', 'chat', chatAnswer],
  ['google', 'google', undefined, googleAnswer],
  ['openai-compatible', 'openai-compatible', undefined, chatAnswer],
] as const;

/** Events after which the provider has said all, though more may come: `[DONE]`, usage where it was told before. */
const lastNeeded: Readonly<Record<string, number>> = {
  anthropic: anthropicAnswer.events.length,
  'openai responses': responsesAnswer.events.length,
  'openai chat': 9,
  google: googleAnswer.events.length,
  'openai-compatible': 9,
};

let wire: WireServer;
beforeAll(async () => {
  process.env['ADO_TEST_WIRE_KEY'] = 'sk-test-secret-0123456789';
  wire = await startWireServer();
});
afterAll(async () => {
  delete process.env['ADO_TEST_WIRE_KEY'];
  await wire.close();
});

function modelOf(
  provider: ProviderAccount['provider'],
  api: ProviderAccount['api'],
): LanguageModelV4 {
  const account: ProviderAccount = {
    name: 'test',
    provider,
    access: 'api',
    priority: 1,
    credential: { env: 'ADO_TEST_WIRE_KEY' },
    baseUrl: wire.url,
    api,
    limits: [],
  };
  return createProviderModel(account, 'test-model', Date);
}

const question = [{ role: 'user' as const, content: [{ type: 'text' as const, text: 'Look.' }] }];
const tools = ['read_file', 'list_files'].map((name) => ({
  type: 'function' as const,
  name,
  inputSchema: { type: 'object' as const },
}));

async function ask(model: LanguageModelV4, abortSignal?: AbortSignal) {
  const parts: LanguageModelV4StreamPart[] = [];
  const { stream } = await model.doStream({ prompt: question, tools, abortSignal });
  const [kept, collected] = stream.tee();
  const read = (async () => {
    for await (const part of kept) parts.push(part);
  })();
  const answer = collectStream(collected);
  const [outcome] = await Promise.allSettled([answer, read]);
  return { outcome, parts };
}

/** The failure of a call, wherever it came, and the calls that were given out before. */
async function failure(model: LanguageModelV4) {
  try {
    const { outcome, parts } = await ask(model);
    const calls = parts.filter(({ type }) => type === 'tool-call').length;
    return outcome.status === 'rejected'
      ? { error: outcome.reason as ModelCallError, calls }
      : { error: undefined, calls };
  } catch (error) {
    return { error: error as ModelCallError, calls: 0 };
  }
}

describe.each(vendors)('a stream of %s', (name, provider, api, { events, usage, tier }) => {
  const model = () => modelOf(provider, api);

  test('is a whole answer with exact usage, and nothing raw in it', async () => {
    wire.answerWith({ events });

    const { outcome, parts } = await ask(model());

    expect(outcome).toMatchObject({
      status: 'fulfilled',
      value: {
        usage,
        finishReason: 'tool-calls',
        responseId: expect.any(String),
        serviceTier: tier,
        servedModel:
          provider === 'google' ? undefined : provider === 'anthropic' ? 'claude-test' : 'gpt-test',
      },
    });
    const { message } = (
      outcome as PromiseFulfilledResult<Awaited<ReturnType<typeof collectStream>>>
    ).value;
    const said = message.content.filter(({ type }) => type === 'text');
    const calls = message.content.filter(({ type }) => type === 'tool-call');
    expect(said).toMatchObject([{ text: 'I look at both.' }]);
    expect(calls).toMatchObject([
      { toolName: 'read_file', input: { path: 'a.ts', deep: { n: 1.5 } } },
      { toolName: 'list_files', input: {} },
    ]);
    expect(parts.some(({ type }) => type === 'raw')).toBe(false);
    expect(wire.requests).toHaveLength(1);
  });

  test('is measured from its raw events as its client measures it', async () => {
    const meter = createUsageMeter(provider);
    wire.answerWith({ events });
    const { parts } = await ask(model());

    for (const text of events) {
      const data = text.slice(text.indexOf('data: ') + 6);
      if (!data.startsWith('[DONE]')) meter.read(JSON.parse(data));
    }

    const finish = parts.find(({ type }) => type === 'finish');
    expect(finish).toMatchObject({ usage: JSON.parse(JSON.stringify(meter.soFar())) });
  });

  test.each(['end', 'reset'] as const)(
    'that is cut at any event by a %s fails with the usage until there, and gives out no call',
    async (then) => {
      for (let count = 0; count < (lastNeeded[name] ?? 0); count += 1) {
        const meter = createUsageMeter(provider);
        for (const text of events.slice(0, count))
          meter.read(JSON.parse(text.slice(text.indexOf('data: ') + 6)));
        wire.answerWith({ events: events.slice(0, count), then });

        const { error, calls } = await failure(model());

        expect({ count, code: error?.code, kind: error?.decision.kind, calls }).toEqual({
          count,
          code: 'MODEL_UNAVAILABLE',
          kind: 'overloaded',
          calls: 0,
        });
        expect(error?.decision.spent).toBe('unknown');
        expect({ count, input: error?.usageSoFar?.inputTokens }).toEqual({
          count,
          input: meter.soFar()?.inputTokens.total,
        });
      }
    },
  );

  test('that carries an error at any event fails by what the error says, and gives out no call', async () => {
    const overloaded =
      provider === 'anthropic'
        ? event(
            { type: 'error', error: { type: 'overloaded_error', message: 'Overloaded' } },
            'error',
          )
        : provider === 'google'
          ? event({ error: { code: 503, message: 'Overloaded', status: 'UNAVAILABLE' } })
          : api === undefined && provider === 'openai'
            ? event(
                {
                  type: 'error',
                  code: 'server_error',
                  message: 'Overloaded',
                  param: null,
                  sequence_number: 1,
                },
                'error',
              )
            : event({ error: { message: 'Overloaded', type: 'server_error', code: null } });
    for (let count = 0; count < (lastNeeded[name] ?? 0); count += 1) {
      wire.answerWith({ events: [...events.slice(0, count), overloaded] });

      const { error, calls } = await failure(model());

      expect({ count, code: error?.code, kind: error?.decision.kind, calls }).toEqual({
        count,
        code: 'MODEL_UNAVAILABLE',
        kind: 'overloaded',
        calls: 0,
      });
      expect(error?.message).toContain('Overloaded');
    }
  });

  test('that falls silent ends within a second of a cancel, with the reason of the cancel', async () => {
    for (const count of [0, 1, Math.floor(events.length / 2)]) {
      wire.answerWith({ events: events.slice(0, count), then: 'silence' });
      const reason = new Error('the task was cancelled');
      const controller = new AbortController();
      const asked = ask(model(), controller.signal).then(
        ({ outcome }) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined),
        (error: unknown) => error,
      );
      while (wire.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
      const cancelledAt = performance.now();
      controller.abort(reason);

      expect(await asked).toBe(reason);
      expect(performance.now() - cancelledAt).toBeLessThan(1000);
    }
  });

  test('that is silent for longer than the call may take is a failure of the provider', async () => {
    wire.answerWith({ events: events.slice(0, 1), then: 'silence' });

    const error = await ask(model(), AbortSignal.timeout(300)).then(
      ({ outcome }) => (outcome.status === 'rejected' ? (outcome.reason as unknown) : undefined),
      (thrown: unknown) => thrown,
    );

    expect(error).toMatchObject({
      code: 'MODEL_UNAVAILABLE',
      message: expect.stringContaining('did not answer in time'),
      decision: { kind: 'overloaded', spent: 'unknown' },
    });
  });
});

test('a call that was being written when the answer reached its length is not given out', async () => {
  const cut = anthropicAnswer.events.slice(0, -4).concat(
    event({
      type: 'message_delta',
      delta: { stop_reason: 'max_tokens', stop_sequence: null },
      usage: { output_tokens: 64 },
    }),
    event({ type: 'message_stop' }),
  );
  wire.answerWith({ events: cut });

  const { outcome, parts } = await ask(modelOf('anthropic', undefined));

  expect(outcome).toMatchObject({ value: { finishReason: 'length', usage: { outputTokens: 64 } } });
  expect(parts.filter(({ type }) => type === 'tool-call')).toMatchObject([
    { toolName: 'read_file' },
  ]);
});

test('an answer that the provider calls malformed can be tried elsewhere, and its usage is kept', async () => {
  const events = googleAnswer.events.with(
    -1,
    googleAnswer.events.at(-1)?.replace('STOP', 'MALFORMED_FUNCTION_CALL') ?? '',
  );
  wire.answerWith({ events });

  const { error, calls } = await failure(modelOf('google', undefined));

  expect(error).toMatchObject({
    code: 'MODEL_FAILED',
    decision: { kind: 'fallback', spent: 'unknown' },
    usageSoFar: googleAnswer.usage,
  });
  expect(calls).toBe(0);
});

test('writes to a cache that a compatible server reports are counted', async () => {
  const events = chatAnswer.events.map((text) =>
    text.replace('"cached_tokens":4000', '"cached_tokens":4000,"cache_write_tokens":200'),
  );
  wire.answerWith({ events });

  const { outcome } = await ask(modelOf('openai-compatible', undefined));

  expect(outcome).toMatchObject({
    value: { usage: { inputTokens: 4321, cacheReadTokens: 4000, cacheWriteTokens: 200 } },
  });
});
