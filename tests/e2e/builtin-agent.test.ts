// The builtin agent with a scripted model, from the prompt to the branch.
//   - it edits, a gate sends it back with what failed, it repairs, and the work is delivered; the ledger adds up
//   - an answer that was cut off is not taken for the end
//   - the same failure three times asks for another approach, three more end it; so does a conversation that leaves its script
//   - a script that cannot be read is refused when the task is submitted
import type { Task } from '../../contracts/task.schema.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import { countCommits, deliveredBranches, git, makeRepository } from '../support/repositories.ts';
import { scriptedModel } from '../support/scripted-model.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

async function run(work: {
  model: string;
  gate?: string;
}): Promise<{ task: Task; repository: string }> {
  const repository = makeRepository();
  const gates = work.gate === undefined ? [] : [{ name: 'greets', command: work.gate }];
  const { id } = await ado.submitTask({
    prompt: 'Greet',
    agent: 'builtin',
    model: work.model,
    gates,
    repository,
  });
  await ado.ended(id);
  return { task: await ado.getTask(id), repository };
}

test('an answer that is cut at its longest length is not the end: the model is told to go on', async () => {
  const model = scriptedModel(`
    answers:
      - { text: I was going to say, cut: true }
      - { expect: { contains: cut off }, text: Nothing is to be done. }
  `);

  const { task } = await run({ model });

  expect(task).toMatchObject({ status: 'succeeded', summary: 'Nothing is to be done.' });
});

test('it edits, is sent back by a gate, repairs, and delivers', async () => {
  const model = scriptedModel(`
    price: { inputMicroUsd: 3000000, outputMicroUsd: 15000000 }
    answers:
      - text: I look first.
        toolCalls: [{ tool: read_file, input: { path: README.md } }]
        usage: { inputTokens: 1000, outputTokens: 100 }
      - expect: { toolResult: read_file, contains: Repository }
        toolCalls: [{ tool: write_file, input: { path: README.md, content: "Bye\\n" } }]
        usage: { inputTokens: 1000, outputTokens: 100 }
      - expect: { toolResult: write_file }
        text: Done.
        usage: { inputTokens: 1000, outputTokens: 100 }
      - expect: { contains: no greeting }
        toolCalls: [{ tool: write_file, input: { path: README.md, content: "Hello\\n" } }]
        usage: { inputTokens: 1000, outputTokens: 100 }
      - text: Now it greets.
        usage: { inputTokens: 1000, outputTokens: 100 }
  `);

  const { task, repository } = await run({
    model,
    gate: 'grep Hello README.md || { echo no greeting; exit 1; }',
  });

  const [branch = ''] = deliveredBranches(repository);
  expect(task).toMatchObject({ outcome: 'succeeded', branch, summary: 'Now it greets.' });
  expect(git(repository, 'show', `${branch}:README.md`)).toBe('Hello');
  expect(countCommits(repository, branch)).toBe(2);
  expect(task).toMatchObject({ costMicroUsd: 5 * 4_500, inputTokens: 5_000, outputTokens: 500 });
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: task.id },
    query: { limit: 100 },
  });
  const gates = items.filter((step) => step.kind === 'gate').map((step) => step.status);
  expect(gates).toEqual(['failed', 'succeeded']);
});

test('who is stuck is told to try another approach; stuck again, the task says what is missing', async () => {
  const model = scriptedModel(`
    answers:
      - text: Done.
      - text: Really.
      - text: Really done.
      - { expect: { contains: You are stuck }, text: Done in another way. }
      - text: Done.
      - text: I give up.
  `);

  const { task, repository } = await run({ model, gate: 'echo no greeting; exit 1' });

  expect(task).toMatchObject({
    outcome: 'failed',
    errorCode: 'AGENT_STUCK',
    failureClass: 'agent',
    summary: expect.stringMatching(/gate greets still fails.* 6 rounds; another approach/),
  });
  expect(deliveredBranches(repository)).toEqual([]);
});

test('what a fixer mends by itself is committed, and the model is not bothered', async () => {
  const model = scriptedModel(`
    answers:
      - toolCalls: [{ tool: write_file, input: { path: README.md, content: "hello  \\n" } }]
      - text: Done.
  `);
  const repository = makeRepository();
  const command = "! grep -n ' $' README.md";
  const gates = [{ name: 'format', command, fix: "sed -i 's/ *$//' README.md" }];

  const { id } = await ado.submitTask({
    ...{ prompt: 'Greet', agent: 'builtin', model, repository, gates },
  });
  await ado.ended(id);

  const [branch = ''] = deliveredBranches(repository);
  expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded', summary: 'Done.' });
  expect(git(repository, 'show', `${branch}:README.md`)).toBe('hello');
  expect(countCommits(repository, branch)).toBe(2);
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: id },
    query: { limit: 100 },
  });
  expect(items.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    'model succeeded',
    'tools succeeded',
    'model succeeded',
    'gate failed',
    'fix succeeded',
    'gate succeeded',
    'deliver succeeded',
  ]);
});

test('answers that nobody asked for fail the task', async () => {
  const { task } = await run({
    model: scriptedModel('answers: [{ text: Done. }, { text: And more. }]'),
  });

  expect(task).toMatchObject({ outcome: 'failed', errorCode: 'SCRIPT_MISMATCH' });
});

test('a question that the script has no answer for fails the task', async () => {
  const model = scriptedModel('answers: [{ toolCalls: [{ tool: list_files }] }]');

  const { task } = await run({ model });

  expect(task).toMatchObject({ outcome: 'failed', errorCode: 'SCRIPT_MISMATCH' });
});

test('a script that cannot be read is refused, and the place is named', async () => {
  const model = scriptedModel('answers:\n  - txet: Done.\n');
  const work = { prompt: 'Greet', agent: 'builtin', model, repository: makeRepository() } as const;

  await expect(ado.submitTask(work)).rejects.toMatchObject({
    code: 'SCRIPT_INVALID',
    message: expect.stringMatching(/script\.yaml:2.*txet/s),
  });
});
