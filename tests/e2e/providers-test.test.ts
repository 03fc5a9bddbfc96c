// Accounts as people look at them, through all of the platform, against the emulator's wires.
//   - a test asks from the worker, on each vendor's wire, and is no call of a model
//   - a key that is missing or refused is told, and shows nowhere
//   - credentials are as the worker sees them, and limits are there before they are used
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../cli/emulator/emulator.ts';
import type { Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';

const script = `
answers: [{ text: Done. }]
faults:
  - when: { key: sk-revoked-4712 }
    error: { status: 401, message: 'wrong key sk-revoked-4712' }
`;

let ado: Ado;
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, script: parseScript('script.yaml', script) });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-accounts-')), 'providers.yaml');
  const key = 'credential: { env: TEST_KEY }';
  const lines = [
    `name: anthropic, provider: anthropic, baseUrl: "${emulator.url}/v1", ${key}, models: [claude-sonnet-4-5, claude-sonet]`,
    `name: openai, provider: openai, baseUrl: "${emulator.url}/v1", ${key}`,
    `name: google, provider: google, baseUrl: "${emulator.url}/v1beta", ${key}`,
    `name: local, provider: openai-compatible, baseUrl: "${emulator.url}/v1"`,
    `name: revoked, provider: openai, baseUrl: "${emulator.url}/v1", credential: { env: REVOKED_KEY }`,
    `name: keyless, provider: anthropic, baseUrl: "${emulator.url}/v1", credential: { env: NO_KEY }`,
  ];
  const limits = 'limits: [{ charge: requests, limit: 60, per: minute }], maxConcurrent: 4';
  writeFileSync(
    file,
    `accounts:\n${lines.map((line) => `  - { access: api, ${line}, ${limits} }\n`).join('')}`,
  );
  ado = await startSharedAdo({
    env: {
      ADO_PROVIDERS_FILE: file,
      TEST_KEY: 'sk-test-4711',
      REVOKED_KEY: 'sk-revoked-4712',
    },
  });
});
afterAll(async () => {
  await ado.stop();
  await emulator.close();
});

const testOf = (account: string) =>
  ado.client.call('post /v1/providers/:account/test', { params: { account } });

test.each(['anthropic', 'openai', 'google', 'local'])(
  'the test of %s gets a list of models, and is no call',
  async (account) => {
    const found = await testOf(account);

    expect(found).toMatchObject({ ok: true, status: 200 });
    expect(found.ok && found.models).toBeGreaterThan(1);
    expect(found.ok && found.missingModels).toEqual(
      account === 'anthropic' ? ['claude-sonet'] : [],
    );
    expect(await emulator.counts()).toMatchObject({ calls: 0 });
  },
);

test('a key that is refused or missing is told, and shows nowhere', async () => {
  const refused = await testOf('revoked');
  const missing = await testOf('keyless');

  expect(refused).toMatchObject({ ok: false, status: 401, errorCode: 'CREDENTIAL_REFUSED' });
  expect(missing).toMatchObject({ ok: false, errorCode: 'CREDENTIAL_MISSING' });
  expect(JSON.stringify(missing)).toContain('NO_KEY');
  const logs = [ado.worker, ado.api].map((process) => process.log()).join('');
  expect(logs + JSON.stringify([refused, missing])).not.toMatch(/471[12]/);
});

test('credentials are told by the worker, and limits are there before they are used', async () => {
  const { items } = await ado.client.call('get /v1/providers', {});
  const { accounts } = await ado.client.call('get /v1/limits', {});

  expect(items.map(({ name, credential }) => [name, credential.state])).toEqual([
    ['anthropic', 'present'],
    ['openai', 'present'],
    ['google', 'present'],
    ['local', 'not_needed'],
    ['revoked', 'present'],
    ['keyless', 'missing'],
  ]);
  expect(items[0]?.health.map(({ model, breaker }) => [model, breaker])).toEqual([
    ['claude-sonnet-4-5', 'closed'],
    ['claude-sonet', 'closed'],
  ]);
  expect(accounts[1]).toMatchObject({
    name: 'openai',
    maxConcurrent: 4,
    concurrent: 0,
    limits: [{ scope: 'account', name: 'requests a minute', limit: 60, capacity: 54 }],
  });
});
