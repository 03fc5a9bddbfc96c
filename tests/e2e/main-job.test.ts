// One change in many repositories, from the command line to the branches.
//   - every repository gets one branch with one commit; nothing else of it changes, and git finds it sound
//   - never more items work at once than asked for
//   - doing it again does no work; a retry takes up only what failed; a base stays locked while its branch moves
//   - a plan starts nothing, a sample can be drawn again, results can be written to a folder
//   - Temporal alone shows what ran
import { appendFileSync, chmodSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { Client, Connection } from '@temporalio/client';
import { batchFileSchema, itemFileSchema } from '../../cli/export-schema.ts';
import { startSharedAdo } from '../support/ado-platform.ts';
import type { Ado } from '../support/ado-platform.ts';
import {
  commitAll,
  countCommits,
  deliveredBranches,
  fsck,
  git,
  makeRepositories,
  userState,
} from '../support/repositories.ts';
import { holdGate, mostRunning } from './batch-events.ts';
import { callerOf, resultOf } from './call-ado.ts';
import type { Caller } from './call-ado.ts';

let ado: Ado;
let caller: Caller;
/** A hundred repositories that a codemod has gone over. */
let repositories: string[];
let before: object[];
let batchId: string;

beforeAll(async () => {
  ado = await startSharedAdo();
  caller = callerOf(ado);
  repositories = makeRepositories(100);
  writeFileSync(join(caller.cwd, 'repos.txt'), repositories.join('\n'));
  const codemod = '#!/bin/sh\nsleep 0.3\necho "Hello." >> README.md\necho said hello\n';
  writeFileSync(join(caller.cwd, 'codemod.sh'), codemod);
  chmodSync(join(caller.cwd, 'codemod.sh'), 0o755);
  before = repositories.map(userState);
  const words = ['run', 'Say hello', '--exec', './codemod.sh', '--repos', 'repos.txt'];
  const end = await caller.call(...words, '--parallel', '20', '-o', 'jsonl');
  expect(end).toMatchObject({ code: 0 });
  batchId = String(resultOf(end)['id']);
});
afterAll(async () => ado.stop());

test('every repository has one branch with one commit, and is otherwise as it was', () => {
  for (const repository of repositories) {
    const branches = deliveredBranches(repository);
    expect(branches).toEqual([expect.stringMatching(/^ado\/say-hello-/)]);
    expect(countCommits(repository, branches[0] ?? '')).toBe(1);
    expect(git(repository, 'show', `${branches[0] ?? ''}:README.md`)).toMatch(/Hello\.$/);
    expect(fsck(repository)).toBe('');
  }
  expect(repositories.map(userState)).toEqual(before);
});

test('the window is used, and never more than used', async () => {
  expect(mostRunning(await ado.listEvents(batchId))).toBe(20);
});

test('the same again does no work', async () => {
  const words = ['run', 'Say hello', '--exec', './codemod.sh', '--repos', 'repos.txt'];

  const end = await caller.call(...words, '-o', 'jsonl');

  expect(end.code).toBe(0);
  const again = String(resultOf(end)['id']);
  expect(resultOf(end)['counts']).toMatchObject({ byOutcome: { skipped_unchanged: 100 } });
  const started = (await ado.listEvents(again)).filter(({ type }) => type === 'item-started');
  expect(started).toEqual([]);
  for (const repository of repositories) expect(deliveredBranches(repository)).toHaveLength(1);
});

test('failing items end the call with 3, and a retry runs only those', async () => {
  const targets = makeRepositories(100);
  const broken = targets.slice(40, 43);
  for (const target of broken) {
    writeFileSync(join(target, 'broken'), '');
    commitAll(target, 'break it');
  }
  writeFileSync(join(caller.cwd, 'some-broken.txt'), targets.join('\n'));
  const command =
    'if [ -e broken ] && [ "$ADO_ATTEMPT" = 1 ]; then echo it is broken >&2; exit 7; fi; echo x > x';
  const words = ['run', 'Mend', '--exec', command, '--repos', 'some-broken.txt', '-o', 'jsonl'];
  const branchesOf = (of: readonly string[]): number => of.flatMap(deliveredBranches).length;

  const first = await caller.call(...words, '--parallel', '20');
  const delivered = branchesOf(targets);
  const id = String(resultOf(first)['id']);
  const retry = await caller.call('batch', 'retry', id, '--wait', '-o', 'jsonl');

  expect(first.code).toBe(3);
  expect(resultOf(first)).toMatchObject({
    exitCode: 3,
    result: 'partial',
    counts: { byOutcome: { succeeded: 97, failed: 3 }, byFailureClass: { agent: 3 } },
  });
  expect(delivered).toBe(97);
  for (const target of broken)
    expect(`${first.stdout}${first.stderr}`).toMatch(new RegExp(`${target}.*it is broken`));
  expect(retry.code).toBe(0);
  const events = await ado.listEvents(id);
  const retried = events.slice(events.findIndex(({ type }) => type === 'items-retried'));
  const startedAgain = retried.filter(({ type }) => type === 'item-started');
  expect(startedAgain.map(({ data }) => 'repository' in data && data.repository).sort()).toEqual(
    broken,
  );
  const retriedItems = (await ado.listItems(id)).filter((item) => item.attempt > 1);
  expect(retriedItems.map((item) => item.repository)).toEqual(broken);
  for (const target of targets) expect(deliveredBranches(target)).toHaveLength(1);
});

test('a base stays what it was when the batch was accepted, though its branch moves', async () => {
  const [first = '', second = ''] = makeRepositories(2);
  const locked = git(second, 'rev-parse', 'main');
  const gate = holdGate();
  const { id } = await ado.submitBatch({
    prompt: 'Hold the base',
    agent: 'command',
    exec: `${gate.wait}; echo x > x`,
    parallel: 1,
    items: [{ repository: first }, { repository: second }],
  });
  await ado.seen(id, ({ type }) => type === 'item-started');

  appendFileSync(join(second, 'README.md'), 'moved\n');
  commitAll(second, 'move on');
  gate.open();
  await ado.ended(id);

  const [branch = ''] = deliveredBranches(second);
  expect(git(second, 'rev-parse', `${branch}~1`)).toBe(locked);
});

test('two runs from one lock begin at the same commits, though a branch moved between them', async () => {
  const targets = makeRepositories(2);
  const locked = targets.map((target) => git(target, 'rev-parse', 'main'));
  writeFileSync(join(caller.cwd, 'targets.txt'), targets.join('\n'));
  const work = ['Lock', '--exec', 'echo x > x', '--repos'];
  const { stdout: lock } = await caller.call('plan', ...work, 'targets.txt', '-o', 'csv');
  writeFileSync(join(caller.cwd, 'lock.csv'), lock);

  const first = await caller.call('run', ...work, 'lock.csv');
  for (const target of targets) {
    appendFileSync(join(target, 'README.md'), 'moved\n');
    commitAll(target, 'move on');
  }
  const second = await caller.call('run', ...work, 'lock.csv', '--fresh', '--label', 'again=1');

  expect([first.code, second.code]).toEqual([0, 0]);
  const parents = targets.map((target) =>
    deliveredBranches(target).map((branch) => git(target, 'rev-parse', `${branch}~1`)),
  );
  expect(parents).toEqual(locked.map((commit) => [commit, commit]));
});

test('a plan starts nothing', async () => {
  const listed = await ado.client.call('get /v1/batches', { query: { limit: 500 } });
  const branches = repositories.map(deliveredBranches);

  const words = ['plan', 'Plan', '--exec', './codemod.sh', '--repos', 'repos.txt', '-o', 'json'];
  const end = await caller.call(...words);

  expect(JSON.parse(end.stdout)).toMatchObject({
    toRun: 100,
    skipped: 0,
    items: repositories.map((repository) => ({
      repository,
      baseCommit: git(repository, 'rev-parse', 'main'),
    })),
  });
  expect(await ado.client.call('get /v1/batches', { query: { limit: 500 } })).toEqual(listed);
  expect(repositories.map(deliveredBranches)).toEqual(branches);
});

test('a sample is the same for the same seed, whatever the order of the targets', async () => {
  writeFileSync(join(caller.cwd, 'reversed.txt'), [...repositories].reverse().join('\n'));
  const draw = async (file: string, seed: string): Promise<string[]> => {
    const words = ['plan', 'Draw', '--exec', './codemod.sh', '--repos', file, '-o', 'name'];
    const { stdout } = await caller.call(...words, '--sample', '5', '--seed', seed);
    return stdout.trim().split('\n').sort();
  };

  const drawn = await draw('repos.txt', 'a');

  expect(drawn).toHaveLength(5);
  expect(await draw('reversed.txt', 'a')).toEqual(drawn);
  expect(await draw('repos.txt', 'b')).not.toEqual(drawn);
});

test('the results of a batch are written to a folder, which is not overwritten by another batch', async () => {
  const folder = join(caller.cwd, 'results');
  const other = await ado.submitBatch({
    prompt: 'Nothing',
    agent: 'command',
    exec: 'true',
    items: [{ repository: repositories[0] ?? '' }],
  });

  const first = await caller.call('batch', 'export', batchId, 'results');
  const refused = await caller.call('batch', 'export', other.id, 'results');

  expect(first.code).toBe(0);
  expect(refused.code).toBe(6);
  const read = (...path: string[]): string => readFileSync(join(folder, ...path), 'utf8');
  const file = batchFileSchema.parse(JSON.parse(read('batch.json')));
  expect(file.items).toHaveLength(100);
  expect(readdirSync(join(folder, 'items'))).toHaveLength(100);
  for (const { folder: name } of file.items) {
    expect(itemFileSchema.parse(JSON.parse(read('items', name, 'item.json'))).outcome).toBe(
      'succeeded',
    );
    expect(read('items', name, 'diff.patch')).toContain('+Hello.');
  }
  expect(read('items.csv').trim().split('\n')).toHaveLength(101);
  await ado.ended(other.id);
});

test('Temporal shows what ran: summaries, and search attributes that find it', async () => {
  const { address, namespace } = ado.temporal;
  const connection = await Connection.connect({ address });
  const { workflow } = new Client({ connection, namespace });
  const query = `BatchId = '${batchId}' AND TaskStatus = 'succeeded' AND WorkflowType = 'agentTask'`;

  const batch = await workflow.getHandle(batchId).describe();
  const found: string[] = [];
  for await (const { workflowId } of workflow.list({ query })) found.push(workflowId);
  const item = await workflow.getHandle(found[0] ?? '').describe();

  expect(await batch.staticSummary()).toMatch(/^command · 100 items, 20 at once · /);
  expect(found).toHaveLength(100);
  expect(await item.staticSummary()).toMatch(/^command · .*repository-\d\d$/);
  const attributes = item.typedSearchAttributes.getAll();
  expect(attributes.map(({ key, value }) => [key.name, value])).toEqual(
    expect.arrayContaining([
      ['AgentType', 'command'],
      ['BatchId', batchId],
      ['TaskStatus', 'succeeded'],
    ]),
  );
  await connection.close();
});
