// What may be spent, and what happens when it is spent.
//   - a task stops within one call of its limit, as a result that says what was spent; the command line exits with 7
//   - the budget of a batch holds for all its items together, and nobody starves because others only reserved
//   - a plan of a team goes before an account that is paid by use, and the call goes on there when it runs dry
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator, type Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { makeRepositories, makeRepository } from '../support/repositories.ts';

/** Claude Sonnet 4.5: $3 and $15 for a million tokens. A turn of this script costs 1,000 × 3 + 200 × 15 = 6,000. */
const model = 'claude-sonnet-4-5';
const turnMicroUsd = 6_000;

/** Reads a file for ever, or as often as is asked for. */
const script = (turns: number): string => `
answers:
  - when: { contains: last }
    text: Done.
    usage: { inputTokens: 1000, outputTokens: 200 }
${Array.from(
  { length: turns },
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
  emulator = await startEmulator({ port: 0, script: parseScript('turns.yaml', script(40)) });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-budgets-')), 'providers.yaml');
  const account = (name: string, key: string, more: string): string =>
    `  - { name: ${name}, provider: anthropic, baseUrl: "${emulator.url}/v1", credential: { env: ${key} }, ${more} }\n`;
  writeFileSync(
    file,
    `accounts:\n${account('paid', 'PAID_KEY', 'access: api, priority: 1')}${account(
      'plan',
      'PLAN_KEY',
      'access: subscription, priority: 5, limits: [{ charge: requests, limit: 3, per: 5h }]',
    )}`,
  );
  ado = await startSharedAdo({
    env: { ADO_PROVIDERS_FILE: file, PAID_KEY: 'sk-paid', PLAN_KEY: 'sk-plan' },
  });
});
afterAll(async () => {
  await ado.stop();
  await emulator.close();
});

function useTurns(turns: number): void {
  emulator.useScript(parseScript('turns.yaml', script(turns)));
}

test('a task stops within one call of its limit, and says what it has spent', async () => {
  useTurns(40);
  const { id } = await ado.submitTask({
    prompt: 'Read on',
    repository: makeRepository(),
    model: `paid:${model}`,
    maxCostMicroUsd: 50_000,
  });
  await ado.ended(id);
  const task = await ado.getTask(id);

  expect(task).toMatchObject({ status: 'failed', errorCode: 'BUDGET_EXCEEDED' });
  expect(task.error).toContain('$0.05');
  expect(task.costMicroUsd).toBeLessThanOrEqual(50_000);
  // What is left would not have paid another answer of a thousand tokens.
  expect(task.costMicroUsd).toBeGreaterThan(50_000 - 30_000);
  expect(task.costMicroUsd % turnMicroUsd).toBe(0);
});

test('items of a batch share its budget, and end well where it has room for all', async () => {
  useTurns(3);
  const repositories = makeRepositories(20);
  const { id } = await ado.submitBatch({
    prompt: 'Read',
    agent: 'builtin',
    model: `paid:${model}`,
    parallel: 20,
    // 20 items of 4 calls cost 480,000. Each call may hold up to 250,000 before it is known what it costs.
    maxCostMicroUsd: 1_000_000,
    items: repositories.map((repository) => ({ repository })),
  });
  await ado.ended(id, 100_000);

  const items = await ado.listItems(id);
  expect(items.map(({ status }) => status)).toEqual(Array(20).fill('succeeded'));
  expect((await ado.getBatch(id)).costMicroUsd).toBe(20 * 4 * turnMicroUsd);
});

test('the budget of a batch is never exceeded, whoever asks first', async () => {
  useTurns(40);
  const { id } = await ado.submitBatch({
    prompt: 'Read on',
    agent: 'builtin',
    model: `paid:${model}`,
    parallel: 10,
    maxCostMicroUsd: 300_000,
    items: makeRepositories(10).map((repository) => ({ repository })),
  });
  await ado.ended(id, 100_000);

  const items = await ado.listItems(id);
  const { costMicroUsd } = await ado.getBatch(id);
  expect(costMicroUsd).toBeLessThanOrEqual(300_000);
  expect(costMicroUsd).toBeGreaterThan(250_000);
  expect([...new Set(items.map(({ errorCode }) => errorCode))]).toEqual(['BUDGET_EXCEEDED']);
});

test('a plan goes before an account that is paid by use, and the call goes on there when the plan is used up', async () => {
  useTurns(5);
  const before = (await emulator.lines()).length;
  const { id } = await ado.submitTask({
    prompt: 'Read on',
    repository: makeRepository(),
    model: `anthropic:${model}`,
  });
  const events = await ado.ended(id);
  const task = await ado.getTask(id);

  expect(task.status).toBe('succeeded');
  const keys = (await emulator.lines()).slice(before).map(({ account }) => account);
  const [plan] = keys;
  expect(keys.map((key) => (key === plan ? 'plan' : 'paid'))).toEqual([
    ...Array<string>(3).fill('plan'),
    ...Array<string>(3).fill('paid'),
  ]);
  expect(task.costMicroUsd).toBe(3 * turnMicroUsd);
  expect(events.filter(({ type }) => type === 'route-changed')).toMatchObject([
    { data: { from: `plan:${model}`, to: `paid:${model}` } },
  ]);
});

test('a task whose accounts are all used up says so, and waits for the plan instead of spending', async () => {
  useTurns(5);
  const { id } = await ado.submitTask({
    prompt: 'Read on',
    repository: makeRepository(),
    model: `anthropic:${model}`,
    maxCostMicroUsd: 10_000,
  });
  const told = await ado.seen(id, ({ type }) => type === 'task-waiting');
  const waiting = await ado.getTask(id);

  expect(told).toMatchObject({ data: { reason: 'window' } });
  expect(waiting).toMatchObject({
    status: 'running',
    waitingFor: { reason: 'window' },
    costMicroUsd: 0,
  });
  const inMs = Date.parse(waiting.waitingFor?.until ?? '') - Date.now();
  expect(inMs).toBeGreaterThan(4.5 * 3_600_000);
  await ado.client.call('post /v1/tasks/:taskId/cancel', { params: { taskId: id }, body: {} });
  await ado.ended(id);
});
