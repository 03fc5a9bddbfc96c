// A repository's own fixer mends what its own check finds, before anybody is told.
//   - what it changes is a commit of its own step, and the checks run again
//   - one that changes nothing, or not enough, leaves the verdict to the check
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Task } from '../../contracts/task.schema.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { commitAll, countCommits, git, makeRepository } from '../support/repositories.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

/** Finds blanks at the ends of lines, and tabs, of which `--fix` mends the blanks only. */
const check = `
const { readFileSync, writeFileSync } = require('node:fs');
const text = readFileSync('greeting.txt', 'utf8');
const fixed = process.argv[2] === '--fix' ? text.replace(/ +$/gm, '') : text;
if (fixed !== text) writeFileSync('greeting.txt', fixed);
const lines = fixed.split('\\n');
const bad = lines.flatMap((line, place) => (/ $|\\t/.test(line) ? [place + 1] : []));
for (const line of bad) console.log('greeting.txt:' + line + ':1: error: blank space');
process.exitCode = bad.length === 0 ? 0 : 1;
`;

async function run(exec: string): Promise<{ task: Task; repository: string; steps: string[] }> {
  const repository = makeRepository();
  writeFileSync(join(repository, 'check.cjs'), check);
  writeFileSync(join(repository, 'greeting.txt'), 'Hello\n');
  const scripts = { lint: 'node check.cjs', 'lint:fix': 'node check.cjs --fix' };
  writeFileSync(join(repository, 'package.json'), JSON.stringify({ name: 'greeting', scripts }));
  commitAll(repository, 'checked');
  const work = { prompt: 'Greet', agent: 'command', gateProfile: 'standard' } as const;
  const { id } = await ado.submitTask({ ...work, exec, repository });
  await ado.ended(id);
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: id },
    query: { limit: 100 },
  });
  const steps = items
    .filter(({ kind, summary }) => kind === 'fix' || /^lint(:|$)/.test(summary))
    .map(({ kind, status }) => `${kind} ${status}`);
  return { task: await ado.getTask(id), repository, steps };
}

test('what the fixer of a found check mends is committed and delivered', async () => {
  const { task, repository, steps } = await run('echo "Hello you  " > greeting.txt');

  expect(task).toMatchObject({ status: 'succeeded' });
  expect(steps).toEqual(['gate failed', 'fix succeeded', 'gate succeeded']);
  expect(countCommits(repository, task.branch)).toBe(2);
  expect(git(repository, 'show', `${task.branch}:greeting.txt`)).toBe('Hello you');
});

test('a fixer that mends too little is not asked twice', async () => {
  const { task, steps } = await run('printf "Hello \\nyou\\there\\n" > greeting.txt');

  expect(task).toMatchObject({ status: 'failed', errorCode: 'GATE_FAILED' });
  expect(steps).toEqual(['gate failed', 'fix succeeded', 'gate failed']);
});

test('a fixer that changes nothing is told as such', async () => {
  const { task, steps } = await run('printf "you\\there\\n" > greeting.txt');

  expect(task).toMatchObject({ status: 'failed', errorCode: 'GATE_FAILED' });
  expect(steps).toEqual(['gate failed', 'fix failed']);
});
