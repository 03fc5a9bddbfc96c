// `ado providers` and `ado limits`, against a server:
//   - accounts come as a table with what is wrong, and in every form asked for; without any it is said where they belong
//   - a test ends with 0 or 1, an unknown account with 5, and no failure comes without what to do
//   - limits are shown once in a pipe; a Redis that is away is said
import type { OutputOf } from '../../../cli/api-client.ts';
import { FakeApi, fakeKey } from '../../support/fake-api.ts';
import { makePlace, runAdo } from '../../support/run-ado.ts';
import type { Place } from '../../support/run-ado.ts';

const providers: OutputOf<'get /v1/providers'> = {
  file: '/srv/ado/providers.yaml',
  nextCursor: null,
  items: [
    {
      name: 'work',
      provider: 'anthropic',
      access: 'api',
      priority: 1,
      models: ['sonnet', 'opus'],
      credential: { state: 'missing', detail: 'the variable WORK_KEY is not there or empty' },
      health: [
        { model: 'sonnet', breaker: 'closed', pausedForMs: 0, speed: 1 },
        { model: 'opus', breaker: 'open', pausedForMs: 4_000, speed: 0.7 },
      ],
      today: { calls: 7, costMicroUsd: 1_250_000 },
    },
    {
      name: 'local',
      provider: 'openai-compatible',
      access: 'api',
      priority: 2,
      credential: { state: 'not_needed' },
      health: [],
      today: { calls: 0, costMicroUsd: 0 },
    },
  ],
};

let api: FakeApi;
let place: Place;

beforeEach(async () => {
  api = new FakeApi();
  await api.start();
  place = makePlace({ ADO_URL: api.url, ADO_API_KEY: fakeKey });
  api.answers.listProviders = () => providers;
});

afterEach(() => api.stop());

test('accounts are a table, and what is wrong with them stands below', async () => {
  const { code, stdout } = await runAdo(place, ['providers']);

  expect(code).toBe(0);
  expect(stdout).toBe(
    [
      'ACCOUNT  PROVIDER           ACCESS  PRIORITY  CREDENTIAL  TODAY           MODELS',
      'work     anthropic          api     1         missing     7 calls, $1.25  sonnet, opus',
      'local    openai-compatible  api     2         not needed  0 calls, $0.00  all',
      '',
      'work: missing, the variable WORK_KEY is not there or empty',
      'work:opus: breaker open, its last calls failed; paused for 4.0s; slowed down to 70 %',
      '',
    ].join('\n'),
  );
});

test('accounts come as JSON too', async () => {
  const { stdout } = await runAdo(place, ['providers', '-o', 'json']);

  const { file, items } = providers;
  expect(JSON.parse(stdout)).toEqual({ file, items });
});

test('without accounts it is said where they belong, with an example', async () => {
  api.answers.listProviders = () => ({ ...providers, items: [] });

  const { code, stdout, stderr } = await runAdo(place, ['providers']);

  expect([code, stdout]).toEqual([0, '']);
  expect(stderr).toContain('/srv/ado/providers.yaml');
  expect(stderr).toContain('credential: { env: ANTHROPIC_API_KEY }');
});

test('a test that went well ends with 0, and names models that the provider does not list', async () => {
  const found = { ok: true, status: 200, latencyMs: 41.4, models: 12 } as const;
  api.answers.testProvider = () => ({ ...found, missingModels: ['sonet'] });

  const text = await runAdo(place, ['providers', 'test', 'work']);
  const json = await runAdo(place, ['providers', 'test', 'work', '-o', 'json']);

  expect([text.code, json.code]).toEqual([0, 0]);
  expect(text.stdout).toContain('✓ work answers: it lists 12 models, in 41 ms.');
  expect(text.stdout).toContain('sonet: not in its list');
  expect(JSON.parse(json.stdout)).toEqual({
    account: 'work',
    ...found,
    missingModels: ['sonet'],
  });
});

test('a test that failed ends with 1, with code and remedy', async () => {
  const error = 'account "work" (anthropic): it does not accept the credential';
  api.answers.testProvider = () => ({
    ok: false,
    status: 401,
    errorCode: 'CREDENTIAL_REFUSED',
    error,
  });

  const text = await runAdo(place, ['providers', 'test', 'work']);
  const json = await runAdo(place, ['providers', 'test', 'work', '-o', 'json']);

  expect([text.code, json.code]).toEqual([1, 1]);
  expect(text.stdout).toBe('');
  expect(text.stderr).toContain(`error: ${error} [CREDENTIAL_REFUSED]`);
  expect(text.stderr).toContain('→ Replace the credential');
  expect(JSON.parse(json.stdout)).toMatchObject({ ok: false, errorCode: 'CREDENTIAL_REFUSED' });
});

test('an unknown account ends with 5', async () => {
  api.trouble('testProvider', { code: 'ACCOUNT_NOT_FOUND' });

  const { code, stderr } = await runAdo(place, ['providers', 'test', 'gone']);

  expect(code).toBe(5);
  expect(stderr).toContain('[ACCOUNT_NOT_FOUND]');
});

test('limits are shown once in a pipe, and in JSON as the server tells them', async () => {
  const shown: OutputOf<'get /v1/limits'> = {
    at: '2026-01-01T00:00:00Z',
    accounts: [
      {
        name: 'work',
        provider: 'anthropic',
        concurrent: 3,
        maxConcurrent: 20,
        limits: [
          {
            scope: 'account',
            name: 'requests a minute',
            charge: 'requests',
            limit: 1_000,
            capacity: 900,
            used: 450,
            freeInMs: 0,
          },
        ],
        models: [],
      },
    ],
    waiting: [{ reason: 'limit', detail: 'work: requests a minute', tasks: 3 }],
  };

  api.answers.listLimits = () => shown;

  const text = await runAdo(place, ['limits']);
  const json = await runAdo(place, ['limits', '-o', 'json']);

  expect([text.code, json.code]).toEqual([0, 0]);
  expect(text.stdout).toContain('1,000 requests a minute  ██████░░░░░░  450 of 900  now');
  expect(text.stdout).toContain('3 tasks wait for work: requests a minute');
  expect(JSON.parse(json.stdout)).toEqual(shown);
});

test('a Redis that is away is told with its code', async () => {
  api.trouble('listLimits', { code: 'LIMITER_UNAVAILABLE' });

  const { code, stderr } = await runAdo(place, ['limits']);

  expect(code).toBe(69);
  expect(stderr).toContain('[LIMITER_UNAVAILABLE]');
});
