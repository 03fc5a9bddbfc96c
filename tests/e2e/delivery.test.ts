// What becomes of finished work, as its request says.
//   - patch: nothing is pushed; `git apply` takes the diff
//   - merge: the target has the work, on its own or together with others' commits that the gates have seen too
//   - what cannot be merged is on a branch of its own, the target is as it was, and the task says why
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Delivery, Gate, Task } from '../../contracts/task.schema.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import {
  commitAll,
  deliveredBranches,
  fsck,
  git,
  makeRepository,
} from '../support/repositories.ts';

let ado: Ado;
beforeAll(async () => {
  ado = await startSharedAdo();
});
afterAll(async () => ado.stop());

interface Work {
  readonly repository: string;
  readonly delivery: Delivery;
  readonly exec?: string;
  readonly gates?: Gate[];
  readonly setup?: string;
  readonly baseRef?: string;
}

async function run({ exec = 'echo work > work.txt', ...work }: Work): Promise<Task> {
  const { id } = await ado.submitTask({ prompt: 'Work', agent: 'command', exec, ...work });
  await ado.ended(id);
  return ado.getTask(id);
}

/** A repository whose user is on the branch `mine`, so that `main` may move. `main` has a commit after `base`. */
function aRepository(theirs?: { readonly file: string; readonly text: string }): string {
  const repository = makeRepository();
  git(repository, 'branch', 'base');
  if (theirs !== undefined) {
    writeFileSync(join(repository, theirs.file), theirs.text);
    commitAll(repository, 'theirs');
  }
  git(repository, 'switch', '--quiet', '--create', 'mine');
  return repository;
}

const intoMain: Delivery = { mode: 'merge', target: 'main' };
const theirFile = { file: 'their.txt', text: 'theirs\n' };

test('a patch pushes nothing, and git applies it', async () => {
  const repository = makeRepository();

  const task = await run({ repository, delivery: { mode: 'patch' } });

  const params = { taskId: task.id };
  const patch = join(mkdtempSync(join(tmpdir(), 'ado-test-patch-')), 'patch');
  writeFileSync(patch, await ado.client.text('get /v1/tasks/:taskId/diff', { params }));
  execFileSync('git', ['apply', patch], { cwd: repository });
  expect(task).toMatchObject({ status: 'succeeded', changed: true });
  expect(deliveredBranches(repository)).toEqual([]);
  expect(readFileSync(join(repository, 'work.txt'), 'utf8')).toBe('work\n');
});

test('a merge into a branch that nobody moved is the work itself', async () => {
  const repository = aRepository();

  const task = await run({ repository, delivery: intoMain });

  expect(task.status).toBe('succeeded');
  expect(git(repository, 'rev-parse', 'main')).toBe(task.commit);
  expect(deliveredBranches(repository)).toEqual([]);
});

test('a merge with the commits of others has passed the gates too', async () => {
  const repository = aRepository(theirFile);
  const theirs = git(repository, 'rev-parse', 'main');
  const gates = [{ name: 'both', command: 'ls; [ -e work.txt ]' }];

  const task = await run({ repository, delivery: intoMain, baseRef: 'base', gates });

  expect(task.status).toBe('succeeded');
  expect(git(repository, 'log', '-1', '--format=%P', 'main')).toBe(
    `${theirs} ${task.commit ?? ''}`,
  );
  expect(git(repository, 'show', 'main:work.txt')).toBe('work');
  expect(git(repository, 'show', 'main:their.txt')).toBe('theirs');
  expect(fsck(repository)).toBe('');
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: task.id },
    query: { limit: 100 },
  });
  expect(items.map(({ kind, status }) => `${kind} ${status}`)).toEqual([
    ...['command succeeded', 'gate succeeded', 'gate succeeded', 'deliver succeeded'],
  ]);
});

test('the gates of a merge find what the set-up makes', async () => {
  const repository = makeRepository();
  writeFileSync(join(repository, '.gitignore'), 'made\n');
  commitAll(repository, 'ignore');
  git(repository, 'branch', 'base');
  writeFileSync(join(repository, theirFile.file), theirFile.text);
  commitAll(repository, 'theirs');
  git(repository, 'switch', '--quiet', '--create', 'mine');
  const gates = [{ name: 'made', command: '[ -e made ]' }];

  const task = await run({
    ...{ repository, delivery: intoMain, baseRef: 'base', gates, setup: 'echo made > made' },
  });

  expect(task.status).toBe('succeeded');
  expect(git(repository, 'show', 'main:work.txt')).toBe('work');
});

test('a merge that the gates refuse leaves the target alone', async () => {
  const repository = aRepository(theirFile);
  const before = git(repository, 'rev-parse', 'main');
  const gates = [{ name: 'apart', command: '! ls work.txt their.txt' }];

  const task = await run({ repository, delivery: intoMain, baseRef: 'base', gates });

  expect(task).toMatchObject({
    ...{ status: 'failed', errorCode: 'GATE_FAILED' },
    error: expect.stringMatching(/Merged with main, gate apart failed.* on the branch ado\//),
  });
  expect(git(repository, 'rev-parse', 'main')).toBe(before);
  expect(deliveredBranches(repository)).toEqual([task.branch]);
});

test('conflicts are named and classed, and the work waits on its branch', async () => {
  const repository = aRepository({ file: 'package-lock.json', text: '{"theirs": 1}\n' });
  const before = git(repository, 'rev-parse', 'main');

  const task = await run({
    ...{ repository, delivery: intoMain, baseRef: 'base' },
    exec: 'echo "{}" > package-lock.json',
  });

  expect(task).toMatchObject({
    ...{ status: 'failed', errorCode: 'MERGE_CONFLICT', failureClass: 'conflict' },
    error: expect.stringMatching(/conflicts with main \(critical: package-lock\.json\)/),
  });
  expect(git(repository, 'rev-parse', 'main')).toBe(before);
  expect(deliveredBranches(repository)).toEqual([task.branch]);
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
});

test('a conflict of white space alone is merged, gates and all, and the step says so', async () => {
  const repository = makeRepository();
  writeFileSync(join(repository, 'f.ts'), 'if (a) {\n  b();\n}\n');
  commitAll(repository, 'function');
  git(repository, 'branch', 'base');
  writeFileSync(join(repository, 'f.ts'), 'if (a) {\n    b();\n}\n');
  commitAll(repository, 'indent');
  git(repository, 'switch', '--quiet', '--create', 'mine');
  const gates = [{ name: 'changed', command: 'grep -q "c()" f.ts' }];

  const task = await run({
    ...{ repository, delivery: intoMain, baseRef: 'base', gates },
    exec: 'sed -i "s/b()/c()/" f.ts',
  });

  expect(task.status).toBe('succeeded');
  expect(git(repository, 'show', 'main:f.ts')).toContain('c();');
  const { items } = await ado.client.call('get /v1/tasks/:taskId/steps', {
    params: { taskId: task.id },
    query: { limit: 100 },
  });
  expect(items.map(({ kind }) => kind)).toEqual(['command', 'gate', 'gate', 'deliver']);
  expect(items.at(-1)?.summary).toMatch(/^merged into main as \w+, white space ignored in f\.ts$/);
});

test('a target that its user has checked out is not moved; the work is beside it', async () => {
  const repository = makeRepository();
  const before = git(repository, 'rev-parse', 'main');

  const task = await run({ repository, delivery: { mode: 'merge' } });

  expect(task).toMatchObject({
    ...{ status: 'failed', errorCode: 'MERGE_CONFLICT' },
    error: expect.stringMatching(/branch main is checked out.* on the branch ado\//),
  });
  expect(git(repository, 'rev-parse', 'main')).toBe(before);
  expect(git(repository, 'status', '--porcelain')).toBe('');
  expect(deliveredBranches(repository)).toEqual([task.branch]);
});
