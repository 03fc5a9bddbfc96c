// Agents that are programs of others, where none of the vendors' is installed.
//   - what is missing ends the task, and it says what to do: the program, the pool of the models, the account's key
//   - any program that speaks the Agent Client Protocol works through the gateway: one branch, and its books are exact
//   - counting tokens keeps to the limits of requests, and costs nothing
//   - a program that dies is begun anew from the last commit, twice; what each try has cost is in the books
//   - a fixer whose worker was killed runs again on what was committed, not on what it left
//   - the copy of the repository's instructions is in no commit, whatever a fixer did to it, also one that broke off
import { existsSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { parseScript } from '../../cli/emulator/script.ts';
import { agentPackages, installableAgents } from '../../config/agent-programs.ts';
import { openProvider, vendors, type EmulatedProvider } from '../faults/emulated-provider.ts';
import { compareBooks, exactBooks, faultsOf } from '../faults/provider-books.ts';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import { testService } from '../support/environment.ts';
import { pathsBelow } from '../support/paths-below.ts';
import {
  commitAll,
  countCommits,
  deliveredBranches,
  git,
  makeRepository,
} from '../support/repositories.ts';

/** Asks its model what to write, writes it, and asks for its last words. */
const agentSource = `
import { createInterface } from 'node:readline';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
const send = (message) => process.stdout.write(JSON.stringify({ jsonrpc: '2.0', ...message }) + '\\n');
const messages = [];
const post = (path, body) => fetch(process.env.ANTHROPIC_BASE_URL + path, {
  method: 'POST',
  headers: { 'content-type': 'application/json', 'x-api-key': process.env.ANTHROPIC_API_KEY, 'anthropic-version': '2023-06-01' },
  body: JSON.stringify({ model: process.env.ANTHROPIC_MODEL, messages, ...body }),
});
const count = async () => (await post('/v1/messages/count_tokens', {})).status;
const ask = async (content) => {
  messages.push({ role: 'user', content });
  const response = await post('/v1/messages', { max_tokens: 100, stream: true });
  const body = await response.text();
  if (!response.ok) throw { code: -32000, message: 'The model answered ' + response.status + ': ' + body };
  const events = body.split('\\n').filter((line) => line.startsWith('data:')).map((line) => JSON.parse(line.slice(5)));
  const text = events.map(({ delta }) => delta?.text ?? '').join('');
  messages.push({ role: 'assistant', content: text });
  return text;
};
const methods = {
  initialize: () => ({ protocolVersion: 1, agentCapabilities: {} }),
  'session/new': () => ({ sessionId: 's-1' }),
  'session/prompt': async ({ sessionId, prompt: [{ text }] }) => {
    if (existsSync('CLAUDE.md')) readFileSync('AGENTS.md');
    const answer = await ask(text);
    if (answer === 'DIE') { writeFileSync('left.txt', 'left'); process.kill(process.pid, 'SIGKILL'); }
    writeFileSync('greeting.txt', answer + '\\n');
    const said = { sessionUpdate: 'agent_message_chunk', content: { type: 'text', text: await ask('It is written.') } };
    send({ method: 'session/update', params: { sessionId, update: said } });
    if (text === 'Greet and count') {
      const statuses = await Promise.all(Array.from({ length: 10 }, count));
      writeFileSync('greeting.txt', statuses.sort().join(' ') + '\\n');
    }
    return { stopReason: 'end_turn' };
  },
};
createInterface({ input: process.stdin }).on('line', async (line) => {
  const { id, method, params } = JSON.parse(line);
  try { send({ id, result: await methods[method](params) }); } catch (error) { send({ id, error }); }
});
`;

/** Finds blanks at ends of lines. Its fixer formats what instructions there are, too; what is given says how it does that. */
const checkOf = (formatInstructions: string): string => `
const { readFileSync, writeFileSync } = require('node:fs');
const format = (file) => writeFileSync(file, readFileSync(file, 'utf8').replace(/ +$/gm, ''));
if (process.argv[2] === '--fix') { format('greeting.txt'); ${formatInstructions} }
const lines = readFileSync('greeting.txt', 'utf8').split('\\n');
const bad = lines.flatMap((line, place) => (line.endsWith(' ') ? [place + 1] : []));
for (const line of bad) console.log('greeting.txt:' + line + ':1: error: blank space');
process.exitCode = bad.length === 0 ? 0 : 1;
`;

const model = `anthropic:${vendors.anthropic.model}`;
const dying = { text: 'DIE', usage: { inputTokens: 503, outputTokens: 7 } };
const answers = [
  { when: { contains: 'Greet once', calls: [1] }, ...dying },
  { when: { contains: 'Greet never' }, ...dying },
  { when: { turn: 1 }, text: 'Hello you  ', usage: { inputTokens: 1_001, outputTokens: 33 } },
  { text: 'It greets now.', usage: { inputTokens: 1_207, outputTokens: 51 } },
];

let provider: EmulatedProvider;
let env: Readonly<Record<string, string>>;
let ado: Ado;
beforeAll(async () => {
  provider = await openProvider(parseScript('script', JSON.stringify({ answers })), [
    { name: 'anthropic' },
    { name: 'openai', provider: 'openai' },
    { name: 'google', provider: 'google' },
    { name: 'keyless' },
    { name: 'narrow', limits: [{ charge: 'requests', limit: 6, per: 'day' }] },
  ]);
  const commands = installableAgents.map((agent) => agentPackages[agent].command);
  const folders = (process.env['PATH'] ?? '').split(delimiter);
  env = {
    ...provider.env,
    TEST_KEY_KEYLESS: '',
    ADO_AGENTS_DIR: mkdtempSync(join(tmpdir(), 'ado-test-no-agents-')),
    PATH: folders
      .filter((folder) => !commands.some((command) => existsSync(join(folder, command))))
      .join(delimiter),
  };
  ado = await startSharedAdo({ env });
});
afterAll(async () => {
  await ado.stop();
  await provider.emulator.close();
});

function makeAgentRepository(files: Readonly<Record<string, string>> = {}): string {
  const repository = makeRepository();
  for (const [name, text] of Object.entries({ 'agent.mjs': agentSource, ...files }))
    writeFileSync(join(repository, name), text);
  commitAll(repository, 'an agent');
  return repository;
}

/** Size of the greeting on a branch: blanks at its end show in nothing else that git prints. */
function greetingBytes(repository: string, branch: string): string {
  return git(repository, 'cat-file', '-s', `${branch}:greeting.txt`);
}

/** Runs a task of the repository's own agent to its end. */
async function run(
  work: Partial<Parameters<Ado['submitTask']>[0]> = {},
  { on = ado, repository = makeAgentRepository() } = {},
) {
  const own = { agent: 'acp', exec: 'node agent.mjs', model } as const;
  const { id } = await on.submitTask({ prompt: 'Greet', ...own, repository, ...work });
  await on.ended(id);
  return { task: await on.getTask(id), repository };
}

test.each(installableAgents)(
  '%s that is not installed ends the task with the line that installs it',
  async (agent) => {
    const { provider: vendor } = agentPackages[agent];
    const asked = `${vendor}:${vendors[vendor].model}`;

    const { task, repository } = await run({ agent, exec: undefined, model: asked });

    expect(task).toMatchObject({ status: 'failed', errorCode: 'AGENT_NOT_INSTALLED' });
    expect(task.error).toContain(`ado agents install ${agent}`);
    expect(deliveredBranches(repository)).toEqual([]);
  },
);

test("an account's key that is missing ends the task, and is named", async () => {
  const before = (await provider.lines()).length;

  const { task } = await run({ model: `keyless:${vendors.anthropic.model}` });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'CREDENTIAL_MISSING' });
  expect(task.error).toContain('"keyless"');
  expect(task.error).toContain('TEST_KEY_KEYLESS');
  expect(await provider.lines()).toHaveLength(before);
});

test('a worker of the agents alone ends the task, and says which pool it lacks', async () => {
  const workers = [{ ADO_POOLS: 'workflows,models' }, { ADO_POOLS: 'agents' }];
  const split = await startSharedAdo({ env, workers });
  try {
    const { task } = await run({}, { on: split });

    expect(task).toMatchObject({ status: 'failed', errorCode: 'AGENT_LOGIN_MISSING' });
    expect(task.error).toContain('ADO_POOLS=agents,models');
  } finally {
    await split.stop();
  }
});

test('an agent of the protocol works through the gateway, and its books are exact', async () => {
  const before = (await provider.lines()).length;

  const { task, repository } = await run();

  const [branch = ''] = deliveredBranches(repository);
  expect(task).toMatchObject({ status: 'succeeded', branch, summary: 'It greets now.' });
  expect(deliveredBranches(repository)).toHaveLength(1);
  expect(countCommits(repository, branch)).toBe(1);
  expect(git(repository, 'diff', '--name-only', `main..${branch}`)).toBe('greeting.txt');
  expect(greetingBytes(repository, branch)).toBe('12');
  const books = await booksOf(task.id, before);
  expect(faultsOf(books)).toEqual(exactBooks);
  expect(books).toMatchObject({ billed: 2, records: 2, unheard: 0, unknown: 0 });
});

/** What the books of a task say, beside what the provider billed since. */
async function booksOf(id: string, before: number) {
  const database = { url: ado.databaseUrl, superuserUrl: testService('databaseUrl') };
  const lines = (await provider.lines()).slice(before);
  return compareBooks({ postgres: database }, lines, [id]);
}

test('counting tokens keeps to the limits of requests, and costs nothing', async () => {
  const before = (await provider.lines()).length;
  const asked = { prompt: 'Greet and count', model: `narrow:${vendors.anthropic.model}` };

  const { task, repository } = await run(asked);

  expect(task).toMatchObject({ status: 'succeeded' });
  // Six requests a day, two of them answers.
  const statuses = [...Array<string>(4).fill('200'), ...Array<string>(6).fill('429')];
  expect(git(repository, 'show', `${task.branch}:greeting.txt`)).toBe(statuses.join(' '));
  const books = await booksOf(task.id, before);
  expect(faultsOf(books)).toEqual(exactBooks);
  expect(books).toMatchObject({ billed: 2, records: 2, unheard: 0, unknown: 0 });
});

test('a program that dies is begun anew from the last commit, and its books are exact', async () => {
  const before = (await provider.lines()).length;

  const { task, repository } = await run({ prompt: 'Greet once' });

  expect(task).toMatchObject({ status: 'succeeded', summary: 'It greets now.' });
  const [branch = ''] = deliveredBranches(repository);
  expect(git(repository, 'diff', '--name-only', `main..${branch}`)).toBe('greeting.txt');
  const books = await booksOf(task.id, before);
  expect(faultsOf(books)).toEqual(exactBooks);
  expect(books).toMatchObject({ billed: 3, records: 3, unheard: 0, unknown: 0 });
});

test('a program that dies again and again ends the task after three tries, all in the books', async () => {
  const before = (await provider.lines()).length;

  const { task, repository } = await run({ prompt: 'Greet never' });

  expect(task).toMatchObject({ status: 'failed', errorCode: 'AGENT_FAILED' });
  expect(task.error).toContain('ended before its turn was over (exit code 137)');
  expect(deliveredBranches(repository)).toEqual([]);
  const books = await booksOf(task.id, before);
  expect(faultsOf(books)).toEqual(exactBooks);
  expect(books).toMatchObject({ billed: 3, records: 3, unheard: 0, unknown: 0 });
});

test('its work waits for a review without asking its model again', async () => {
  const before = (await provider.lines()).length;
  const repository = makeAgentRepository();
  const own = { agent: 'acp', exec: 'node agent.mjs', model, policy: 'review-edits' } as const;
  const { id } = await ado.submitTask({ prompt: 'Greet', ...own, repository });
  await ado.seen(id, ({ type }) => type === 'approval-requested');
  expect(deliveredBranches(repository)).toEqual([]);

  const { items } = await ado.client.call('get /v1/approvals', { query: { taskId: id, limit: 1 } });
  const params = { approvalId: items[0]?.id ?? '' };
  const body = { decision: 'approve' } as const;
  await ado.client.call('post /v1/approvals/:approvalId/decision', { params, body });
  await ado.ended(id);

  const task = await ado.getTask(id);
  expect(items).toMatchObject([{ kind: 'edits_review', facts: { summary: 'It greets now.' } }]);
  expect(task).toMatchObject({ status: 'succeeded', summary: 'It greets now.' });
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
  expect((await provider.lines()).slice(before)).toHaveLength(2);
});

/** A repository whose fixer formats the instructions in this way. */
function makeCheckedRepository(formatInstructions: string): string {
  const scripts = { lint: 'node check.cjs', 'lint:fix': 'node check.cjs --fix' };
  return makeAgentRepository({
    'CLAUDE.md': 'Be kind.  \n',
    'check.cjs': checkOf(formatInstructions),
    'greeting.txt': 'Hello\n',
    'package.json': JSON.stringify({ name: 'greeting', scripts }),
  });
}

test.each([
  ['formats original and copy', "format('CLAUDE.md'); format('AGENTS.md');"],
  ['formats the copy, and breaks off', "format('AGENTS.md'); throw new Error('broken');"],
  ['formats the original, and breaks off', "format('CLAUDE.md'); throw new Error('broken');"],
])('a fixer that %s: the copy is in no commit', async (_, formatInstructions) => {
  const repository = makeCheckedRepository(formatInstructions);

  const { task } = await run({ gateProfile: 'standard' }, { repository });

  expect(task).toMatchObject({ status: 'succeeded' });
  const branch = task.branch;
  expect(countCommits(repository, branch)).toBe(2);
  expect(greetingBytes(repository, branch)).toBe('10');
  const changed = git(repository, 'log', '--format=', '--name-only', `main..${branch}`);
  expect(changed.split('\n')).not.toContain('AGENTS.md');
});

test('what a fixer changed before its worker was killed is delivered, not only seen by the checks', async () => {
  const wait = 'Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5_000);';
  const repository = makeCheckedRepository(wait);
  const own = { agent: 'acp', exec: 'node agent.mjs', model, gateProfile: 'standard' } as const;
  const { id } = await ado.submitTask({ prompt: 'Greet', ...own, repository });
  await ado.seen(id, ({ type, data }) => type === 'step-started' && data.kind === 'fix');
  await until('the fixer has formatted', () =>
    pathsBelow(join(ado.home, 'worktrees'))
      .filter((path) => path.includes(id) && path.endsWith('greeting.txt'))
      .some((path) => readFileSync(path, 'utf8') === 'Hello you\n'),
  );

  await ado.worker.kill9();
  await ado.worker.restart();
  await ado.ended(id);

  const { status, branch } = await ado.getTask(id);
  expect(status).toBe('succeeded');
  expect(greetingBytes(repository, branch)).toBe('10');
  expect(countCommits(repository, branch)).toBe(2);
});
