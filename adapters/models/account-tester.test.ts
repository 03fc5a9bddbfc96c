// The test of an account:
//   - each provider is asked for its list of models at its own address, with its own header, once
//   - a model that goes by a short name counts as listed
//   - whatever goes wrong is an answer with a code, and no key shows in it
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { providersConfigSchema } from '../../config/providers-config.ts';
import type { AccountTest } from '../../contracts/providers.schema.ts';
import { startWireServer, type WireServer } from '../../tests/support/wire-server.ts';
import { createAccountTester } from './account-tester.ts';

let wire: WireServer;
beforeAll(async () => {
  wire = await startWireServer();
});
afterAll(() => wire.close());

const keyFile = join(mkdtempSync(join(tmpdir(), 'ado-account-test-')), 'key');
writeFileSync(keyFile, 'sk-test-4711\n');
const ids = { data: [{ id: 'gpt-5-2025-08-07' }, { id: 'qwen3:latest' }, { id: 'gpt-5-mini' }] };

function testerOf(...accounts: readonly object[]) {
  const api = { access: 'api', credential: { file: keyFile }, baseUrl: wire.url };
  const named = accounts.map((account) => ({ name: 'work', ...api, ...account }));
  const nowMs = [1_000, 1_040];
  return createAccountTester({
    accounts: providersConfigSchema.parse({ accounts: named }).accounts,
    clock: { now: () => nowMs.shift() ?? 1_040 },
  });
}

async function failureOf(change: object): Promise<Extract<AccountTest, { ok: false }>> {
  const found = await testerOf({ provider: 'openai', ...change }).test('work');
  if (found.ok) throw new Error('the test was expected to fail');
  return found;
}

test.each([
  ['anthropic', '/models?limit=1000', 'x-api-key', 'sk-test-4711', ids],
  ['openai', '/models', 'authorization', 'Bearer sk-test-4711', ids],
  ['openai-compatible', '/models', 'authorization', 'Bearer sk-test-4711', ids],
  [
    'google',
    '/models?pageSize=1000',
    'x-goog-api-key',
    'sk-test-4711',
    { models: ids.data.map(({ id }) => ({ name: `models/${id}` })) },
  ],
] as const)('%s is asked for its list once', async (...[provider, path, header, key, body]) => {
  wire.answerWith({ body });
  const models = ['gpt-5', 'gpt-5-latest', 'qwen3', 'gpt-5-mini', 'gpt', 'gpt-5-nano'];

  const found = await testerOf({ provider, models }).test('work');

  expect(found).toEqual({
    ok: true,
    status: 200,
    latencyMs: 40,
    models: 3,
    missingModels: ['gpt', 'gpt-5-nano'],
  });
  expect(wire.requests).toMatchObject([{ path, headers: { [header]: key }, body: '' }]);
});

test('a refused key is told without the sentence that may quote it', async () => {
  wire.answerWith({
    status: 401,
    body: { error: { type: 'authentication_error', message: 'Incorrect key sk-test-****11' } },
  });

  expect(await failureOf({})).toEqual({
    ok: false,
    status: 401,
    latencyMs: 40,
    errorCode: 'CREDENTIAL_REFUSED',
    error: 'account "work" (openai): it does not accept the credential',
  });
});

test.each([
  [{ status: 503, body: { error: { message: 'Overloaded' } } }, 'MODEL_UNAVAILABLE'],
  [{ status: 429, body: { error: { message: 'Slow down' } } }, 'MODEL_RATE_LIMITED'],
  [{ status: 404, body: { error: { message: 'no /v1/models here' } } }, 'MODEL_REQUEST_INVALID'],
  [
    { status: 302, headers: { location: 'https://example.com' }, body: '' },
    'MODEL_REQUEST_INVALID',
  ],
  [{ status: 200, body: '<html>It works!</html>' }, 'MODEL_UNAVAILABLE'],
] as const)('the answer %j means %s', async (answer, errorCode) => {
  wire.answerWith(answer);

  const { status, ...failure } = await failureOf({});

  expect(status).toBe(answer.status);
  expect(failure.errorCode).toBe(errorCode);
  expect(failure.error).not.toContain('4711');
});

test('an address where nobody listens, and a credential that is missing, are told as such', async () => {
  const gone = await startWireServer();
  await gone.close();

  expect(await failureOf({ baseUrl: gone.url })).toMatchObject({
    errorCode: 'MODEL_UNAVAILABLE',
    error: expect.stringContaining('it cannot be reached'),
  });
  expect(await failureOf({ credential: { file: '/nowhere/key' } })).toEqual({
    ok: false,
    errorCode: 'CREDENTIAL_MISSING',
    error: 'account "work": the file /nowhere/key is not there or empty',
  });
});

test('a worker that has no such account says so', async () => {
  expect(await testerOf().test('gone')).toMatchObject({ errorCode: 'ACCOUNT_NOT_FOUND' });
});

test('credentials are told as present, missing or not needed, and never as what they hold', async () => {
  const states = await testerOf(
    { name: 'one', provider: 'openai' },
    { name: 'two', provider: 'openai', credential: { env: 'ADO_NO_SUCH_KEY' } },
    { name: 'three', provider: 'openai-compatible', credential: undefined },
  ).listCredentials();

  expect(states).toEqual([
    { account: 'one', state: 'present' },
    {
      account: 'two',
      state: 'missing',
      detail: 'the variable ADO_NO_SUCH_KEY is not there or empty',
    },
    { account: 'three', state: 'not_needed' },
  ]);
});
