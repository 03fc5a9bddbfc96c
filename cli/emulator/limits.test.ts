// Limits as clients meet them on the wire:
//   - of many calls at once exactly as many come in as the limit allows; every other is a violation in the counts
//   - a refusal says in the vendor's way which limit it was and when to come again
//   - every answer says what is left
//   - limits and scripts change while calls run
import { APICallError } from '@ai-sdk/provider';
import {
  ask,
  eachWire,
  failureOf,
  readStream,
  wires,
} from '../../tests/support/emulator-clients.ts';
import type { Wire } from '../../tests/support/emulator-clients.ts';
import { startEmulator } from './emulator.ts';
import type { Emulator } from './emulator.ts';
import { parseScript } from './script.ts';

let emulator: Emulator;
beforeEach(async () => {
  emulator = await startEmulator({ port: 0 });
});
afterEach(() => emulator.close());

function play(script: object): void {
  emulator.useScript(parseScript('script', JSON.stringify(script)));
}

/** Nothing flows back while a test runs. */
const never = 1e-6;

/** Makes calls at once; answers the statuses they ended with. */
async function callAtOnce({ model }: Wire, count: number, apiKey = 'key'): Promise<number[]> {
  const client = model(emulator.url, { apiKey });
  const ends = Array.from({ length: count }, () => readStream(client, ask('Go.')));
  return (await Promise.all(ends)).map(({ error }) =>
    APICallError.isInstance(error) ? (error.statusCode ?? 0) : 200,
  );
}

it.each(eachWire)(
  '%s: of 20 calls at once against a limit of 5 exactly 5 come in',
  async (_, wire) => {
    play({ limits: { requests: { perMinute: never, burst: 5 } } });

    const statuses = await callAtOnce(wire, 20);

    expect(statuses.filter((status) => status === 200)).toHaveLength(5);
    expect(statuses.filter((status) => status === 429)).toHaveLength(15);
    expect(await emulator.counts()).toMatchObject({
      calls: 20,
      outcomes: { delivered: 5, refused: 15 },
      violations: 15,
      violationsByDimension: { requests: 15 },
    });
  },
);

it('never more calls run at once than the concurrency allows, and a place is free again at once', async () => {
  // Long enough for all of them to come while the first ones run.
  const slow = { when: { calls: [1, 2, 3, 4, 5] }, firstTokenMs: 1_500 };
  play({ limits: { concurrency: 5 }, faults: [slow] });
  const wire = wires['anthropic'] as Wire;

  const first = await callAtOnce(wire, 20);
  const second = await callAtOnce(wire, 5);

  expect(first.filter((status) => status === 200)).toHaveLength(5);
  expect(second).toEqual([200, 200, 200, 200, 200]);
  expect(await emulator.counts()).toMatchObject({
    highestInFlight: 5,
    inFlight: 0,
    violationsByDimension: { concurrency: 15 },
  });
});

it('a quota halved in the midst of a run lets in half of what it would have', async () => {
  play({ limits: { requests: { perMinute: never, burst: 40 } } });
  const wire = wires['gemini'] as Wire;
  await callAtOnce(wire, 20);

  const response = await fetch(`${emulator.url}/_emulator/limits`, {
    method: 'POST',
    body: JSON.stringify({ requests: { perMinute: never / 2, burst: 20 } }),
  });
  const statuses = await callAtOnce(wire, 20);

  expect(response.status).toBe(200);
  expect(statuses.filter((status) => status === 200)).toHaveLength(10);
  expect((await emulator.counts()).violations).toBe(10);
});

it('accounts do not take from each other, and the log tells them apart without their keys', async () => {
  play({
    limits: { requests: { perMinute: never, burst: 1 } },
    accounts: { 'sk-rich': { requests: { perMinute: never, burst: 3 } } },
  });
  const wire = wires['openai responses'] as Wire;

  const poor = await callAtOnce(wire, 3, 'sk-poor');
  const rich = await callAtOnce(wire, 3, 'sk-rich');

  expect(poor.toSorted()).toEqual([200, 429, 429]);
  expect(rich).toEqual([200, 200, 200]);
  const lines = await emulator.lines();
  expect(new Set(lines.map(({ account }) => account)).size).toBe(2);
  expect(JSON.stringify(lines)).not.toMatch(/sk-(poor|rich)/);
});

it('Anthropic says on every answer what is left, and with a 429 when to come again', async () => {
  play({
    limits: {
      requests: { perMinute: 60, burst: 1 },
      inputTokens: { perMinute: 30_000 },
      outputTokens: { perMinute: 8_000 },
    },
    answers: [
      { text: 'Yes.', usage: { inputTokens: 90, cacheReadTokens: 900, cacheWrite5mTokens: 10 } },
    ],
  });
  const model = (wires['anthropic'] as Wire).model(emulator.url);

  const { headers } = (await model.doGenerate(ask('Go.'))).response ?? {};
  const error = await failureOf(model.doGenerate(ask('Go.')));

  expect(headers).toMatchObject({
    'anthropic-ratelimit-requests-limit': '60',
    'anthropic-ratelimit-requests-remaining': '0',
    'anthropic-ratelimit-input-tokens-limit': '30000',
    // Cache writes count, cache reads do not.
    'anthropic-ratelimit-input-tokens-remaining': '29900',
    'anthropic-ratelimit-output-tokens-remaining': '8000',
    'anthropic-ratelimit-requests-reset': expect.stringMatching(
      /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/,
    ),
  });
  const [, refused] = await emulator.lines();
  expect(refused?.earlyMs).toBeGreaterThan(0);
  expect(refused?.earlyMs).toBeLessThanOrEqual(1_000);
  expect(error).toMatchObject({
    statusCode: 429,
    responseHeaders: { 'retry-after': '1', 'anthropic-ratelimit-requests-remaining': '0' },
    data: { error: { type: 'rate_limit_error' } },
  });
});

it('OpenAI takes input and the output asked for together, and writes resets as spans', async () => {
  play({
    limits: { requests: { perMinute: 1, burst: 9 }, tokens: { perMinute: 1_000 } },
    answers: [{ text: 'Yes.', usage: { inputTokens: 100, outputTokens: 1 } }],
  });
  const model = (wires['openai chat'] as Wire).model(emulator.url);

  const { headers } =
    (await model.doGenerate({ ...ask('Go.'), maxOutputTokens: 500 })).response ?? {};
  const error = await failureOf(model.doGenerate({ ...ask('Go.'), maxOutputTokens: 500 }));

  expect(headers).toMatchObject({
    'x-ratelimit-limit-requests': '1',
    'x-ratelimit-remaining-requests': '8',
    'x-ratelimit-reset-requests': expect.stringMatching(/^(1m0s|59\.\d+s)$/),
    'x-ratelimit-limit-tokens': '1000',
    'x-ratelimit-remaining-tokens': '400',
    'x-ratelimit-reset-tokens': expect.stringMatching(/^3[56](\.\d+)?s$/),
  });
  expect(error).toMatchObject({
    statusCode: 429,
    message: expect.stringMatching(
      /^Rate limit reached for gpt-5 on tokens per min \(TPM\): Limit 1000\./,
    ),
    responseHeaders: {
      'retry-after': '12',
      'retry-after-ms': expect.stringMatching(/^1[12]\d{3}$/),
    },
  });
});

it('Gemini says in the body which quota it was and when to come again', async () => {
  play({ limits: { requests: { perMinute: 2 } } });
  const model = (wires['gemini'] as Wire).model(emulator.url);
  await model.doGenerate(ask('Go.'));
  await model.doGenerate(ask('Go.'));

  const error = await failureOf(model.doGenerate(ask('Go.')));

  expect(error).toMatchObject({
    statusCode: 429,
    data: {
      error: {
        code: 429,
        status: 'RESOURCE_EXHAUSTED',
        details: [
          {
            '@type': 'type.googleapis.com/google.rpc.QuotaFailure',
            violations: [expect.objectContaining({ quotaValue: '2' })],
          },
          {
            '@type': 'type.googleapis.com/google.rpc.RetryInfo',
            retryDelay: expect.stringMatching(/^(30|29\.\d+)s$/),
          },
        ],
      },
    },
  });
});

it('the control endpoint gives the log, the counts and the limits, and plays another script', async () => {
  const control = async (path: string, body?: string): Promise<string> => {
    const method = body === undefined ? 'GET' : 'POST';
    const response = await fetch(`${emulator.url}/_emulator/${path}`, {
      method,
      body: body ?? null,
    });
    return response.text();
  };
  const model = (wires['anthropic'] as Wire).model(emulator.url);

  await control(
    'script',
    'answers:\n  - text: From YAML.\nlimits:\n  requests: { perMinute: 9 }\n',
  );
  const answer = await model.doGenerate(ask('Go.'));

  expect(answer.content).toEqual([{ type: 'text', text: 'From YAML.' }]);
  const [line = '', rest] = (await control('log')).split('\n');
  expect(JSON.parse(line)).toEqual((await emulator.lines())[0]);
  expect(rest).toBe('');
  expect(JSON.parse(await control('counts'))).toEqual(await emulator.counts());
  expect(JSON.parse(await control('limits'))).toMatchObject([
    { gauges: { requests: { limit: 9 } } },
  ]);
});

it.each([
  [
    'script',
    'answers:\n  - txt: Oops.\n',
    'script:2',
    'unknown key "answers.0.txt"; did you mean "text"?',
  ],
  ['limits', '{"requests": {"perMinute": -1}}', 'limits:1', 'requests.perMinute: Too small'],
])(
  'a change of the %s that does not fit is refused with line and key',
  async (path, body, line, message) => {
    const response = await fetch(`${emulator.url}/_emulator/${path}`, { method: 'POST', body });

    expect(response.status).toBe(400);
    const { problems } = (await response.json()) as {
      problems: { path: string; message: string }[];
    };
    expect(problems[0]?.path).toBe(line);
    expect(problems.map((problem) => problem.message).join('\n')).toContain(message);
  },
);

it('a control endpoint that is not there says which there are', async () => {
  const response = await fetch(`${emulator.url}/_emulator/logs`);

  expect(response.status).toBe(404);
  expect(await response.text()).toContain('GET /_emulator/log');
});
