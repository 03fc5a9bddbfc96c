// A task that would spend more than was confirmed waits for a person.
//   - after a yes it goes on where it was, and nothing is bought twice; the command line is told how to answer
//   - after a no it ends, with what it has spent
//   - where another pool asks the models, it has its slot back before its call is made
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { makeRepository } from '../support/repositories.ts';
import { callerOf } from './call-ado.ts';

const model = 'claude-sonnet-4-5';
/** 1,000 input tokens at $3 and 200 output tokens at $15 for a million. */
const turnMicroUsd = 6_000;
const turns = 8;
/** What nobody is asked about. */
const confirmedMicroUsd = 45_000;

const script = `
answers:
${Array.from(
  { length: turns - 1 },
  (_, turn) => `  - when: { turn: ${String(turn + 1)} }
    toolCalls: [{ tool: read_file, input: { path: README.md } }]
    usage: { inputTokens: 1000, outputTokens: 200 }
`,
).join('')}  - text: Done.
    usage: { inputTokens: 1000, outputTokens: 200 }
`;

let ado: Ado;
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, script: parseScript('turns.yaml', script) });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-approvals-')), 'providers.yaml');
  writeFileSync(
    file,
    `accounts:\n  - { name: paid, provider: anthropic, access: api, baseUrl: "${emulator.url}/v1", credential: { env: PAID_KEY } }\n`,
  );
  ado = await startSharedAdo({ env: { ADO_PROVIDERS_FILE: file, PAID_KEY: 'sk-paid' } });
});
afterAll(async () => {
  await ado.stop();
  await emulator.close();
});

async function askingTask(): Promise<string> {
  const { id } = await ado.submitTask({
    prompt: 'Read on',
    repository: makeRepository(),
    model: `paid:${model}`,
    confirmAboveCostMicroUsd: confirmedMicroUsd,
  });
  await ado.seen(id, ({ type }) => type === 'approval-requested');
  return id;
}

test('a task that may cost more waits, and goes on after a yes', async () => {
  const before = (await emulator.lines()).length;
  const id = await askingTask();

  const waiting = await ado.getTask(id);
  expect(waiting).toMatchObject({
    status: 'awaiting_approval',
    waitingFor: { reason: 'approval' },
  });
  expect(waiting.costMicroUsd).toBeGreaterThan(0);
  expect(waiting.costMicroUsd).toBeLessThanOrEqual(confirmedMicroUsd);
  const shown = await callerOf(ado).call('approvals');
  expect(shown.stdout).toContain('May this task spend up to $10.00?');

  const approved = await callerOf(ado).call('approve', id, '--reason', 'it is worth it');

  expect(approved.code).toBe(0);
  const events = await ado.ended(id);
  expect(await ado.getTask(id)).toMatchObject({
    status: 'succeeded',
    costMicroUsd: turns * turnMicroUsd,
  });
  expect((await emulator.lines()).slice(before)).toHaveLength(turns);
  expect(events.map(({ type }) => type).filter((type) => type.startsWith('approval'))).toEqual([
    'approval-requested',
    'approval-decided',
  ]);
});

test('a task ends with what it has spent after a no', async () => {
  const id = await askingTask();
  const { costMicroUsd } = await ado.getTask(id);

  expect((await callerOf(ado).call('reject', id)).code).toBe(0);

  await ado.ended(id);
  const task = await ado.getTask(id);
  expect(task).toMatchObject({ status: 'failed', errorCode: 'BUDGET_EXCEEDED', costMicroUsd });
  expect(task.error).toContain('nobody said that it may be more than $0.045');
});

test('where another pool asks the models, a call that outlasts heartbeats is made after a yes', async () => {
  const pools = ['workflows,agents', 'models'];
  const split = await startSharedAdo({ workers: pools.map((ADO_POOLS) => ({ ADO_POOLS })) });
  try {
    const file = join(mkdtempSync(join(tmpdir(), 'ado-test-script-')), 'script.yaml');
    // Longer than the 5 s after which the first heartbeat looks for the slot.
    const slow = 'answers: [{ text: Done., delayMs: 7000 }]';
    writeFileSync(file, `price: { inputMicroUsd: 3000000, outputMicroUsd: 15000000 }\n${slow}\n`);
    const { id } = await split.submitTask({
      ...{ prompt: 'Look', agent: 'builtin', model: `scripted:${file}` },
      ...{ repository: makeRepository(), gateProfile: 'none', confirmAboveCostMicroUsd: 0 },
    });
    await split.seen(id, ({ type }) => type === 'approval-requested');

    expect((await callerOf(split).call('approve', id)).code).toBe(0);
    await split.ended(id, 40_000);

    expect(await split.getTask(id)).toMatchObject({ status: 'succeeded', summary: 'Done.' });
  } finally {
    await split.stop();
  }
});
