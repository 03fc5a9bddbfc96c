// Under the policy `review-edits` people are asked about the work, not only about its money.
//   - before delivery: after a yes what they looked at is delivered, unchecked and unchanged; after a no it is kept, and published by hand
//   - an agent that is stuck goes on after a yes, with the advice that came with it; after a no the task ends and says what is missing
//   - a merge that conflicts is made anew after each yes, and ends after a no, with the branch pushed
//   - a worker that is killed while a task waits changes nothing
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import {
  commitAll,
  countCommits,
  deliveredBranches,
  git,
  makeRepository,
} from '../support/repositories.ts';
import { scriptedModel } from '../support/scripted-model.ts';
import { callerOf } from './call-ado.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

type Work = Omit<Parameters<Ado['submitTask']>[0], 'prompt' | 'policy'>;

/** Submits a task that people are asked about, and waits for its first question. */
async function asking(work: Work): Promise<string> {
  const { id } = await ado.submitTask({ prompt: 'Greet', policy: 'review-edits', ...work });
  await asked(id, 1);
  return id;
}

/** Waits for the n-th question of a task. */
async function asked(id: string, count: number): Promise<void> {
  let seen = 0;
  await ado.seen(id, ({ type }) => {
    if (type === 'approval-requested') seen += 1;
    return seen === count;
  });
}

async function answer(decision: 'approve' | 'reject', id: string, reason?: string): Promise<void> {
  const words = reason === undefined ? [] : ['--reason', reason];
  const { code, stderr } = await callerOf(ado).call(decision, id, ...words);
  if (code !== 0) throw new Error(stderr);
}

/** Kinds of the steps of a task, with how they ended. */
async function stepsOf(taskId: string): Promise<string[]> {
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId },
    query: { limit: 100 },
  });
  return items.map(({ kind, status }) => `${kind} ${status}`);
}

const greets = [
  { name: 'greets', command: 'grep Hello README.md || { echo no greeting; exit 1; }' },
];
const stuck = Array.from({ length: 6 }, (_, place) => `- { text: Done ${String(place)}. }`);

test('a command waits before its delivery, and delivers what was looked at after a yes', async () => {
  const repository = makeRepository();
  const id = await asking({
    ...{ repository, agent: 'command', exec: 'echo Hello > README.md', gates: greets },
  });

  const shown = await callerOf(ado).call('show', id);
  const { commit } = await ado.getTask(id);
  await ado.worker.kill9();
  await ado.worker.restart();
  expect(deliveredBranches(repository)).toEqual([]);
  await answer('approve', id);
  await ado.ended(id);

  expect(shown.stdout).toMatch(/question +May this work be delivered\? It changes 1 file\./);
  expect(shown.stdout).toMatch(/passed +greets\n/);
  expect(shown.stderr).toContain(`diff ${id.slice(-8)}`);
  expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded', commit });
  const [branch = ''] = deliveredBranches(repository);
  expect(git(repository, 'rev-parse', branch)).toBe(commit);
  expect(await stepsOf(id)).toEqual(['command succeeded', 'gate succeeded', 'deliver succeeded']);
});

test('what was rejected is kept with the reason, and can be published by hand', async () => {
  const repository = makeRepository();
  const id = await asking({ repository, agent: 'command', exec: 'echo Hello > README.md' });

  await answer('reject', id, 'not our tone');
  await ado.ended(id);
  const { code } = await callerOf(ado).call('publish', id);

  const task = await ado.getTask(id);
  expect(task).toMatchObject({ status: 'failed', errorCode: 'EDITS_REJECTED' });
  expect(task.error).toContain('A person rejected the work: not our tone');
  expect(code).toBe(0);
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
});

test('who changes nothing asks nobody', async () => {
  const work = { repository: makeRepository(), agent: 'command', exec: 'true' } as const;
  const { id } = await ado.submitTask({ prompt: 'Look', policy: 'review-edits', ...work });

  const events = await ado.ended(id);

  expect((await ado.getTask(id)).status).toBe('succeeded');
  expect(events.filter(({ type }) => type === 'approval-requested')).toEqual([]);
});

test('a stuck agent gets the advice of who lets it go on, and its repair is reviewed', async () => {
  const repository = makeRepository();
  const model = scriptedModel(`
    answers:
      ${stuck.join('\n      ')}
      - expect: { contains: "Their advice:\\nwrite Hello into the README" }
        toolCalls: [{ tool: write_file, input: { path: README.md, content: "Hello\\n" } }]
      - text: Now it greets.
  `);
  const id = await asking({ repository, agent: 'builtin', model, gates: greets });

  const { items } = await ado.client.call('get /v1/approvals', {
    query: { taskId: id, limit: 10 },
  });
  await ado.worker.kill9();
  await ado.worker.restart();
  await answer('approve', id, 'write Hello into the README');
  await asked(id, 2);
  await answer('approve', id);
  await ado.ended(id);

  expect(items).toMatchObject([
    { kind: 'quality_gate', facts: { gate: 'greets', rounds: 6 }, defaultDecision: 'reject' },
  ]);
  expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded', summary: 'Now it greets.' });
  const [branch = ''] = deliveredBranches(repository);
  expect(git(repository, 'show', `${branch}:README.md`)).toBe('Hello');
  expect(countCommits(repository, branch)).toBe(1);
  expect((await stepsOf(id)).filter((step) => step === 'gate succeeded')).toHaveLength(1);
});

test('a stuck agent that nobody lets go on ends, and says what is missing', async () => {
  const repository = makeRepository();
  const model = scriptedModel(`answers:\n${stuck.map((line) => `  ${line}`).join('\n')}\n`);
  const id = await asking({ repository, agent: 'builtin', model, gates: greets });

  await answer('reject', id);
  await ado.ended(id);

  expect(await ado.getTask(id)).toMatchObject({
    ...{ status: 'failed', errorCode: 'AGENT_STUCK' },
    summary: expect.stringMatching(/gate greets still fails.* did not let it go on/),
  });
  expect(deliveredBranches(repository)).toEqual([]);
});

/** A task whose work conflicts with what `main` has become, waiting for the word after its review. */
async function conflicting(repository: string): Promise<string> {
  git(repository, 'branch', 'base');
  writeFileSync(join(repository, 'package-lock.json'), '{"theirs": 1}\n');
  commitAll(repository, 'theirs');
  git(repository, 'switch', '--quiet', '--create', 'mine');
  const id = await asking({
    ...{ repository, agent: 'command', exec: 'echo "{}" > package-lock.json', baseRef: 'base' },
    delivery: { mode: 'merge', target: 'main' },
  });
  await answer('approve', id);
  await asked(id, 2);
  return id;
}

test('a conflict waits for a person, is merged anew after each yes, and ends well when they mended it', async () => {
  const repository = makeRepository();
  const id = await conflicting(repository);
  const { branch } = await ado.getTask(id);

  const shown = await callerOf(ado).call('show', id);
  // Nothing was mended: the same again is another question.
  await answer('approve', id);
  await asked(id, 3);
  git(repository, 'switch', '--quiet', 'main');
  writeFileSync(join(repository, 'package-lock.json'), '{}\n');
  commitAll(repository, 'mended');
  git(repository, 'switch', '--quiet', 'mine');
  await answer('approve', id);
  await ado.ended(id);

  expect(shown.stdout).toMatch(/files +critical: package-lock\.json/);
  expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded' });
  expect(git(repository, 'merge-base', '--is-ancestor', branch, 'main')).toBe('');
  expect((await stepsOf(id)).filter((step) => step.startsWith('deliver'))).toEqual([
    ...['deliver failed', 'deliver failed', 'deliver succeeded'],
  ]);
});

test('a conflict that a person gives up ends the task, with its branch pushed', async () => {
  const repository = makeRepository();
  const id = await conflicting(repository);
  const before = git(repository, 'rev-parse', 'main');

  await answer('reject', id);
  await ado.ended(id);

  const task = await ado.getTask(id);
  expect(task).toMatchObject({
    ...{ status: 'failed', errorCode: 'MERGE_CONFLICT', failureClass: 'conflict' },
    error: expect.stringMatching(/conflicts with main \(critical: package-lock\.json\)/),
  });
  expect(git(repository, 'rev-parse', 'main')).toBe(before);
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
});
