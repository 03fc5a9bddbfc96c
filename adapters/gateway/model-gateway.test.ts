// A turn's gateway, asked over its socket as a program asks; the provider is the emulator.
//   - model and credential are the account's, whatever the program sent, and the answer passes unchanged
//   - a program that hangs up loses nothing but the answer: it is read to its end, and its usage is known
//   - neither does one that stops reading; and what its requests hold at once is bounded
//   - a provider that refuses is nobody's answer yet; a refusal comes in the vendor's own form
//   - counting tokens is a call that buys nothing; other paths are none
//   - whether a gateway is at work is seen from outside; a socket that a killed process left is taken away
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { request, type IncomingMessage } from 'node:http';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { accountOf } from '../../cli/emulator/incoming-call.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { codeOf } from '../../contracts/errors.ts';
import type { AnswerFacts, CallRoute, GatewayCall, GatewayRefusal, OpenGateway } from '../ports.ts';
import { createProviderModel } from '../models/provider-client.ts';
import { createModelGateway } from './model-gateway.ts';

let dataDir: string;
let emulator: Emulator;
let route: CallRoute;
const open: OpenGateway[] = [];

beforeEach(async () => {
  dataDir = mkdtempSync(join(tmpdir(), 'ado-test-gw-'));
  writeFileSync(join(dataDir, 'key'), 'sk-real');
  emulator = await startEmulator({ port: 0 });
  const account: ProviderAccount = {
    name: 'work',
    provider: 'anthropic',
    access: 'api',
    priority: 1,
    api: 'responses',
    baseUrl: `http://127.0.0.1:${emulator.port}/v1`,
    credential: { file: join(dataDir, 'key') },
    limits: [],
  };
  const modelId = 'claude-sonnet-4-5';
  const model = createProviderModel(account, modelId, Date);
  route = { name: 'work:m', account, modelId, model, isFree: false, contextTokens: undefined };
});
afterEach(async () => {
  for (const gateway of open.splice(0)) await gateway.close();
  await emulator.close();
  rmSync(dataDir, { recursive: true });
});

function use(script: object): void {
  emulator.useScript(parseScript('script', JSON.stringify(script)));
}

const question = {
  maxOutputTokens: 500,
  signal: new AbortController().signal,
  onHeaders: () => undefined,
  onBegin: () => undefined,
};

async function openGateway(
  onCall: (call: GatewayCall) => Promise<GatewayRefusal | undefined>,
): Promise<OpenGateway> {
  const gateway = await createModelGateway({ dataDir, clock: Date, stallMs: 100 }).open({
    key: 'task-1.1',
    number: 3,
    wire: 'anthropic',
    onCall,
  });
  open.push(gateway);
  return gateway;
}

/** A gateway that answers at once, and the facts of its answers. */
async function openAnswering() {
  const answered: Promise<AnswerFacts>[] = [];
  const gateway = await openGateway(async (call) => {
    const answer = call.ask(route, question);
    answered.push(answer);
    await answer;
    return undefined;
  });
  return { gateway, answered };
}

interface Got {
  readonly status: number | undefined;
  readonly retryAfter: string | undefined;
  readonly text: string;
}

const message = {
  model: 'claude-opus-4-1',
  max_tokens: 9_000,
  messages: [{ role: 'user', content: 'Hello' }],
};

/** Asks as a program does; `hangUp` leaves with the first piece of the answer. */
function ask(
  { socketPath }: OpenGateway,
  body: object,
  { path = '/v1/messages?beta=true', hangUp = false } = {},
): Promise<Got> {
  return new Promise((resolve, reject) => {
    const headers = { 'x-api-key': 'placeholder', 'anthropic-version': '2023-06-01' };
    const sent = request({ socketPath, path, method: 'POST', headers }, (answer) => {
      const { statusCode: status, headers: got } = answer;
      let text = '';
      answer.on('data', (piece: Buffer) => {
        text += piece.toString();
        if (hangUp) sent.destroy();
      });
      answer.on('close', () => resolve({ status, retryAfter: got['retry-after'], text }));
      answer.on('error', () => undefined);
    });
    sent.on('error', reject);
    sent.end(JSON.stringify(body));
  });
}

test('the account asks its own model with its own key, and the answer passes unchanged', async () => {
  use({ answers: [{ text: 'Grüße', usage: { inputTokens: 7, outputTokens: 5 } }] });
  const { gateway, answered } = await openAnswering();

  const got = await ask(gateway, { ...message, stream: true });
  const facts = await answered[0];
  const [line] = await emulator.lines();

  expect(got.status).toBe(200);
  expect(got.text).toContain('Grüße');
  expect(got.text).toContain('message_stop');
  expect(line).toMatchObject({ model: 'claude-sonnet-4-5', account: accountOf('sk-real') });
  expect(facts).toMatchObject({
    responseId: line?.id,
    usage: { inputTokens: 7, outputTokens: 5 },
  });
});

test('an answer without a stream is passed on and read, too', async () => {
  use({ answers: [{ text: 'Hello', usage: { inputTokens: 7, outputTokens: 5 } }] });
  const { gateway, answered } = await openAnswering();

  const got = await ask(gateway, message);

  expect(JSON.parse(got.text)).toMatchObject({ content: [{ type: 'text', text: 'Hello' }] });
  expect(await answered[0]).toMatchObject({ usage: { inputTokens: 7, outputTokens: 5 } });
});

test('the answer of a program that hung up is read to its end', async () => {
  use({
    answers: [{ text: 'word '.repeat(60), usage: { inputTokens: 7, outputTokens: 60 } }],
    faults: [{ tokensPerSecond: 200 }],
  });
  const { gateway, answered } = await openAnswering();

  await ask(gateway, { ...message, stream: true }, { hangUp: true });
  await gateway.close();

  expect(await answered[0]).toMatchObject({ usage: { inputTokens: 7, outputTokens: 60 } });
  expect(await emulator.lines()).toMatchObject([{ outcome: 'delivered' }]);
});

test('the answer of a program that stops reading is read to its end', async () => {
  use({
    answers: [{ text: 'word '.repeat(1_000_000), usage: { inputTokens: 7, outputTokens: 60 } }],
  });
  const { gateway, answered } = await openAnswering();
  const { socketPath } = gateway;
  const begun = await new Promise<IncomingMessage>((resolve, reject) => {
    const sent = request({ socketPath, path: '/v1/messages', method: 'POST' }, resolve);
    sent.on('error', reject);
    sent.end(JSON.stringify(message));
  });
  begun.on('error', () => undefined);

  const facts = await answered[0];

  expect(facts).toMatchObject({ usage: { outputTokens: 60 } });
  begun.destroy();
});

test('the fifth of the largest requests at once is refused, and one after them is not', async () => {
  let [atWork, letGo] = [0, (): void => undefined];
  const isDone = new Promise<void>((resolve) => {
    letGo = resolve;
  });
  const gateway = await openGateway(async () => {
    atWork += 1;
    if (atWork === 4) letGo();
    await isDone;
    return undefined;
  });
  const large = { ...message, metadata: 'x'.repeat(31 * 1_048_576) };
  const five = [1, 2, 3, 4, 5].map(() => ask(gateway, large));

  const statuses = (await Promise.all(five)).map(({ status }) => status);
  const after = await ask(gateway, large);

  expect(statuses.toSorted()).toEqual([200, 200, 200, 200, 413]);
  expect(after.status).toBe(200);
});

test('what the provider refuses may be answered by another account: nothing was passed on', async () => {
  use({ faults: [{ when: { calls: [1] }, error: { status: 529 } }], answers: [{ text: 'Hello' }] });
  const seen: unknown[] = [];
  const gateway = await openGateway(async (call) => {
    await call.ask(route, question).catch((error: unknown) => seen.push(codeOf(error)));
    seen.push(call.hasBegun());
    await call.ask(route, question);
    seen.push(call.hasBegun());
    return undefined;
  });

  const got = await ask(gateway, { ...message, stream: true });

  expect(got.status).toBe(200);
  expect(seen).toEqual(['MODEL_UNAVAILABLE', false, true]);
});

test("a refusal has the vendor's form and says when to come again", async () => {
  const gateway = await openGateway(async () => ({
    code: 'MODEL_RATE_LIMITED',
    message: 'work: limit of requests',
    retryAfterMs: 1_200,
  }));

  const got = await ask(gateway, message);

  expect(got).toMatchObject({ status: 429, retryAfter: '2' });
  expect(JSON.parse(got.text)).toEqual({
    type: 'error',
    error: { type: 'rate_limit_error', message: 'work: limit of requests' },
  });
});

test('counting tokens buys nothing; other paths, and what is no JSON object, are refused', async () => {
  const kinds: string[] = [];
  const gateway = await openGateway(async (call) => {
    kinds.push(call.kind);
    await call.ask(route, question);
    return undefined;
  });

  const counted = await ask(gateway, message, { path: '/v1/messages/count_tokens' });
  const unknown = await ask(gateway, message, { path: '/v1/files' });
  const list = await ask(gateway, []);

  expect(counted).toMatchObject({ status: 200 });
  expect(counted.text).toContain('input_tokens');
  expect([unknown.status, list.status]).toEqual([404, 400]);
  expect(kinds).toEqual(['count']);
  expect(await emulator.lines()).toEqual([]);
});

test('whether a gateway is at work is seen from outside, and what a killed one left is taken away', async () => {
  const { gateway } = await openAnswering();
  const other = createModelGateway({ dataDir, clock: Date });

  expect(await other.isServed('task-1.1')).toBe(true);
  expect(await other.isServed('task-1.2')).toBe(false);

  await gateway.close();
  expect(await other.isServed('task-1.1')).toBe(false);

  mkdirSync(dirname(gateway.socketPath), { recursive: true });
  writeFileSync(gateway.socketPath, '');
  expect(await other.isServed('task-1.1')).toBe(false);
  expect(existsSync(gateway.socketPath)).toBe(false);
});

test('a socket of somebody who does not speak HTTP counts as served', async () => {
  const { gateway } = await openAnswering();
  await gateway.close();
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(gateway.socketPath, resolve));

  expect(await createModelGateway({ dataDir, clock: Date }).isServed('task-1.1')).toBe(true);

  await new Promise((resolve) => server.close(resolve));
});
