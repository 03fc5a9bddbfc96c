// Tasks whose model is a provider's, over the vendors' own wires.
//   - each wire carries a task to its end, and what is booked is what the provider's log says, to the micro-dollar
//   - a limit and an overload are waited out: the task ends well, and nothing is bought twice
//   - a key that is missing is named, and does not show anywhere
import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startEmulator } from '../../cli/emulator/emulator.ts';
import type { Emulator } from '../../cli/emulator/emulator.ts';
import { parseScript } from '../../cli/emulator/script.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { deliveredBranches, git, makeRepository } from '../support/repositories.ts';

/** US dollars for a million tokens of input and output, as their vendors list them. */
const models = {
  anthropic: { model: 'claude-sonnet-4-5', input: 3, output: 15 },
  openai: { model: 'gpt-5', input: 1.25, output: 10 },
  google: { model: 'gemini-2.5-flash', input: 0.3, output: 2.5 },
} as const;

/** Reads, edits, and says so: three turns. */
const answers = `
answers:
  - when: { turn: 1 }
    toolCalls: [{ tool: read_file, input: { path: README.md } }]
    usage: { inputTokens: 1001, outputTokens: 33 }
  - when: { turn: 2 }
    toolCalls: [{ tool: write_file, input: { path: README.md, content: Hello } }]
    usage: { inputTokens: 1207, outputTokens: 51 }
  - text: It greets now.
    usage: { inputTokens: 1311, outputTokens: 7 }
`;

let ado: Ado;
let emulator: Emulator;
beforeAll(async () => {
  emulator = await startEmulator({ port: 0, script: parseScript('answers.yaml', answers) });
  const file = join(mkdtempSync(join(tmpdir(), 'ado-test-providers-')), 'providers.yaml');
  const account = (name: string, more: string): string =>
    `  - { name: ${name}, access: api, provider: ${more} }\n`;
  writeFileSync(
    file,
    `accounts:\n${[
      account(
        'anthropic',
        `anthropic, baseUrl: "${emulator.url}/v1", credential: { env: TEST_KEY }`,
      ),
      account('openai', `openai, baseUrl: "${emulator.url}/v1", credential: { env: TEST_KEY }`),
      account('google', `google, baseUrl: "${emulator.url}/v1beta", credential: { env: TEST_KEY }`),
      account('keyless', `anthropic, baseUrl: "${emulator.url}/v1", credential: { env: NO_KEY }`),
    ].join('')}`,
  );
  ado = await startSharedAdo({ env: { ADO_PROVIDERS_FILE: file, TEST_KEY: 'sk-test-4711' } });
});
afterAll(async () => {
  await ado.stop();
  await emulator.close();
});

async function greetWith(model: string) {
  const repository = makeRepository();
  const { id } = await ado.submitTask({ prompt: 'Greet', repository, agent: 'builtin', model });
  await ado.ended(id);
  return { task: await ado.getTask(id), repository };
}

test.each(Object.keys(models) as (keyof typeof models)[])(
  'a task runs on %s, and its cost is what the log of the provider says',
  async (provider) => {
    const { model, input, output } = models[provider];
    const before = (await emulator.lines()).length;

    const { task, repository } = await greetWith(`${provider}:${model}`);

    expect(task).toMatchObject({ status: 'succeeded', summary: 'It greets now.' });
    const [branch = ''] = deliveredBranches(repository);
    expect(git(repository, 'show', `${branch}:README.md`)).toBe('Hello');
    const lines = (await emulator.lines()).slice(before);
    expect(lines.map(({ outcome }) => outcome)).toEqual(Array(3).fill('delivered'));
    const costs = lines.map(({ billed }) =>
      Math.ceil((billed.inputTokens * input * 100 + billed.outputTokens * output * 100) / 100),
    );
    expect(task.costMicroUsd).toBe(costs.reduce((sum, cost) => sum + cost, 0));
  },
);

test('a limit and an overload are waited out, and no answer is bought twice', async () => {
  const faults = `
faults:
  - when: { calls: [1] }
    error: { status: 429, retryAfterMs: 1500 }
  - when: { calls: [3] }
    error: { status: 529 }
`;
  emulator.useScript(parseScript('faults.yaml', `${answers}${faults}`));
  const before = (await emulator.lines()).length;

  const { task } = await greetWith('anthropic:claude-sonnet-4-5');

  expect(task.status).toBe('succeeded');
  const lines = (await emulator.lines()).slice(before);
  expect(lines.filter(({ outcome }) => outcome === 'delivered')).toHaveLength(3);
  expect(lines.map(({ status }) => status).filter((status) => status !== 200)).toEqual([429, 529]);
});

test('a key that is missing is named, and no key shows in the log', async () => {
  const { task } = await greetWith('keyless:claude-sonnet-4-5');

  expect(task).toMatchObject({ status: 'failed' });
  expect(task.error).toContain('NO_KEY');
  expect([ado.worker, ado.api].map((process) => process.log()).join('')).not.toContain('4711');
});
