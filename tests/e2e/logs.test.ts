// Log lines of real processes, at their most talkative.
//   - no key and no password is in them: not the caller's, not the platform's, not a provider's, not one that a provider repeats
//   - no prompt and no answer is in them
//   - a line that is written for a task, or for a request, says for which, and in which trace
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import { startOtlpReceiver, type OtlpReceiver } from '../support/otlp-receiver.ts';
import { makeRepository } from '../support/repositories.ts';

const providerKey = 'sk-canary-9f3c71aa55';
const otherKey = 'canary0without0a0known0form';
const foreignKey = 'ado_live_canary00canary00_canary11canary11canary11';
const prompt = 'canary-prompt-c0ffee';
const answer = 'canary-answer-c0ffee';

const script = `
answers: [{ text: ${answer} }]
faults:
  - when: { key: ${providerKey} }
    error: { status: 401, message: 'Incorrect API key provided: ${providerKey}' }
`;

let ado: Ado;
let emulator: Emulator;
let collector: OtlpReceiver;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, script: parseScript('script.yaml', script) });
  collector = await startOtlpReceiver();
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-accounts-')), 'providers.yaml');
  const openai = `provider: openai, access: api, baseUrl: "${emulator.url}/v1"`;
  writeFileSync(
    file,
    `accounts:
  - { name: refused, ${openai}, credential: { env: CANARY_API_KEY } }
  - { name: good, provider: openai-compatible, access: free, baseUrl: "${emulator.url}/v1", credential: { env: OTHER_TOKEN } }
`,
  );
  ado = await startSharedAdo({
    env: {
      LOG_LEVEL: 'trace',
      ADO_PROVIDERS_FILE: file,
      CANARY_API_KEY: providerKey,
      OTHER_TOKEN: otherKey,
      OTEL_EXPORTER_OTLP_ENDPOINT: collector.url,
      ADO_CRASHPOINTS: 'tool.afterExit.beforeSnapshot=throw',
    },
  });
});
afterAll(async () => {
  await ado.stop();
  await collector.close();
  await emulator.close();
});

type Line = Readonly<Record<string, unknown>>;
const linesOf = (log: string): Line[] =>
  log
    .split('\n')
    .filter((line) => line.startsWith('{'))
    .map((line) => JSON.parse(line) as Line);

async function endedTask(body: Parameters<Ado['submitTask']>[0]) {
  const { id } = await ado.submitTask(body);
  await ado.ended(id, 80_000);
  return ado.getTask(id);
}

test('what goes wrong in a task and in a request is logged with its ids', async () => {
  const command = { agent: 'command', exec: 'true', prompt } as const;

  const task = await endedTask({ ...command, repository: makeRepository() });
  const refusal = await fetch(`${ado.url}/v1/tasks`, {
    headers: { authorization: `Bearer ${foreignKey}`, 'x-request-id': 'request-1' },
  });

  expect([task.status, refusal.status]).toEqual(['succeeded', 401]);
  const ofTask = () => linesOf(ado.worker.log()).filter(({ taskId }) => taskId === task.id);
  await until('the failed attempt is logged', () => ofTask().length > 0);
  const ids = { activity: 'performCommandTask', attempt: 1, traceId: expect.any(String) };
  expect(ofTask()).toContainEqual(expect.objectContaining({ level: 'warn', ...ids }));
  expect(linesOf(ado.api.log())).toContainEqual(
    expect.objectContaining({
      msg: 'request-refused',
      requestId: 'request-1',
      traceId: expect.any(String),
    }),
  );
});

test('no key, no password, no prompt and no answer is in any line', async () => {
  const builtin = { agent: 'builtin', prompt } as const;
  const models = ['refused:gpt-5-mini', 'good:some-model'];

  const tasks = await Promise.all(
    models.map((model) => endedTask({ ...builtin, model, repository: makeRepository() })),
  );

  expect(tasks.map(({ errorCode, status }) => errorCode ?? status)).toEqual([
    'CREDENTIAL_REFUSED',
    'succeeded',
  ]);
  const log = `${ado.api.log()}\n${ado.worker.log()}`;
  expect(linesOf(log).length).toBeGreaterThan(10);
  for (const canary of [providerKey, otherKey, foreignKey, ado.apiKey, prompt, answer])
    expect(log).not.toContain(canary);
});
