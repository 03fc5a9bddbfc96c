// Kept work of ended tasks is published by `ado publish`, from whichever host has it.
//   - work for a repository on another host is kept until somebody asks, and everything that tells of it says so
//   - also of a task that failed, or was delivered as a patch; repeating it changes nothing
//   - a pull request is made once; a batch is published item by item, and one that cannot be does not stop the others
//   - where the commits are gone they are made again, if what is on record makes the same ones
//   - never over others' commits, and not before the end
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { startGitServer, type GitServer } from '../integration/workspaces/git-server.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { forgeToken, startForge, type ForgeServer } from '../support/forge-server.ts';
import {
  commitAll,
  deliveredBranches,
  git,
  makeRepositories,
  makeRepository,
} from '../support/repositories.ts';
import { callerOf } from './call-ado.ts';

let ado: Ado;
let forge: ForgeServer;
const servers: GitServer[] = [];
beforeAll(async () => {
  forge = await startForge();
  const forgeEnv = { ADO_GITHUB_URL: forge.url, ADO_GITHUB_TOKEN: forgeToken };
  // Two hosts: work of one is asked for at the other as often as not.
  const hosts = ['one', 'two'].map((host) => ({ ...forgeEnv, ADO_HOST_ID: host }));
  ado = await startSharedAdo({ workers: hosts });
});
afterAll(async () => {
  await ado.stop();
  forge.close();
  for (const server of servers) server.close();
});

/** A repository on another host, and its folder. */
async function aRemote(): Promise<{ readonly repository: string; readonly url: string }> {
  const repository = makeRepository();
  const server = await startGitServer(repository);
  servers.push(server);
  return { repository, url: server.url.replace('/repository.git', '/acme/widgets.git') };
}

const patchOf = (repository: string) =>
  ({
    prompt: 'Work',
    agent: 'command',
    exec: 'echo work > work.txt',
    repository,
    delivery: { mode: 'patch' },
  }) as const;

test('work for another host is kept until it is published, and said to be', async () => {
  const { repository, url } = await aRemote();
  const caller = callerOf(ado);
  const work = ['Work', '--exec', 'echo work > work.txt', '--repo', url];

  const run = await caller.call('run', ...work);

  const id = /task-[0-9a-f-]+/.exec(run.stdout)?.[0] ?? '';
  const kept = await ado.getTask(id);
  expect(run).toMatchObject({
    code: 0,
    stdout: expect.stringMatching(/branch +ado\/\S+ at \S+ \(unpublished\)/),
    stderr: expect.stringContaining(`publish ${id}`),
  });
  expect(kept).toMatchObject({ status: 'succeeded', published: false });
  expect(deliveredBranches(repository)).toEqual([]);
  const shown = await caller.call('show', id);
  expect(shown.stdout).toMatch(/deliver +kept unpublished: `ado publish [0-9a-f]{8}`/);
  expect(shown.stderr).toContain(`publish ${id}`);
  expect((await caller.call('ps')).stdout).toContain(`${kept.branch} (unpublished)`);
  const patch = await caller.call('diff', id);
  expect(patch.stdout).toContain('+work');

  await caller.call('publish', id);

  expect(git(repository, 'rev-parse', kept.branch)).toBe(kept.commit);
  await expect(ado.getTask(id)).resolves.toMatchObject({ published: true });
  expect((await caller.call('show', id)).stdout).not.toContain('(unpublished)');
});

test('work whose host is gone is published all the same, once and again', async () => {
  const { repository, url } = await aRemote();
  writeFileSync(join(repository, 'image'), Buffer.from([0, 1, 2, 255]));
  const base = commitAll(repository, 'image');
  const change =
    'printf "\\0\\377" >>image; chmod +x README.md; rm src/index.js; echo one >one.txt';
  const { id } = await ado.submitTask({ ...patchOf(url), exec: change });
  await ado.ended(id);
  const before = await ado.getTask(id);
  const caller = callerOf(ado);
  rmSync(join(ado.home, 'mirrors'), { recursive: true, maxRetries: 5 });

  const published = await caller.call('publish', id);
  const again = await caller.call('publish', id);

  expect(published).toMatchObject({ code: 0, stderr: '' });
  expect(again).toEqual(published);
  const task = await ado.getTask(id);
  expect(task).toMatchObject({ ...before, published: true });
  expect(git(repository, 'rev-parse', task.branch, `${task.branch}~`)).toBe(
    `${before.commit ?? ''}\n${base}`,
  );
  const shown = git(repository, 'diff', '--raw', '--abbrev=4', base, task.branch);
  expect(shown.replaceAll(/:(\d+ \d+) \w+ \w+ /g, '$1 ').split('\n')).toEqual([
    '100644 100755 M\tREADME.md',
    '100644 100644 M\timage',
    '000000 100644 A\tone.txt',
    '100644 000000 D\tsrc/index.js',
  ]);
  const events = await ado.listEvents(id);
  expect(events.filter(({ type }) => type === 'branch-delivered')).toHaveLength(1);
});

test('text that is not kept to the byte is not published otherwise than it was', async () => {
  const { repository, url } = await aRemote();
  const { id } = await ado.submitTask({ ...patchOf(url), exec: 'printf "caf\\351\\n" >latin.txt' });
  await ado.ended(id);
  rmSync(join(ado.home, 'mirrors'), { recursive: true, maxRetries: 5 });

  const { code, stderr } = await callerOf(ado).call('publish', id);

  expect(code).toBe(1);
  expect(stderr).toContain('COMMITS_LOST');
  expect(stderr).toContain('does not make the same files');
  expect(deliveredBranches(repository)).toEqual([]);
});

test('--publish has the branch pushed with the end', async () => {
  const { repository, url } = await aRemote();
  const caller = callerOf(ado);

  const work = ['Work', '--exec', 'echo work > work.txt', '--repo', url];
  const { code, stdout, stderr } = await caller.call('run', ...work, '--publish');

  const [branch = ''] = deliveredBranches(repository);
  expect(code).toBe(0);
  expect(git(repository, 'show', `${branch}:work.txt`)).toBe('work');
  expect(`${stdout}${stderr}`).not.toMatch(/unpublished|publish task/);
});

test('the branch of a failed task is pushed when asked for, once and again', async () => {
  const repository = makeRepository();
  const gates = [{ name: 'never', command: 'exit 1' }];
  const { id } = await ado.submitTask({ ...patchOf(repository), gates });
  await ado.ended(id);
  const caller = callerOf(ado);

  const first = await caller.call('publish', id);
  const second = await caller.call('publish', id);

  const task = await ado.getTask(id);
  expect(task).toMatchObject({ status: 'failed', errorCode: 'GATE_FAILED' });
  expect(first).toMatchObject({ code: 0, stdout: expect.stringContaining(task.branch) });
  expect(second).toEqual(first);
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
  const events = await ado.listEvents(id);
  expect(events.filter(({ type }) => type === 'branch-delivered')).toHaveLength(1);
});

test('work that a retry went on with takes the place of what was pushed before', async () => {
  const repository = makeRepository();
  const gates = [{ name: 'once', command: '[ "$(wc -l <work.txt)" = 1 ]' }];
  const { id } = await ado.submitTask({
    ...{ ...patchOf(repository), exec: 'echo work >> work.txt', gates },
    // It is checked out: the work goes on its branch instead, and the task fails.
    delivery: { mode: 'merge', target: 'main' },
  });
  await ado.ended(id);
  const first = await ado.getTask(id);
  const caller = callerOf(ado);
  await caller.call('retry', id, '--wait');

  const { code, stderr } = await caller.call('publish', id);

  const second = await ado.getTask(id);
  expect([first.errorCode, first.published]).toEqual(['MERGE_CONFLICT', true]);
  expect([second.errorCode, second.attempt]).toEqual(['GATE_FAILED', 2]);
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' });
  expect(git(repository, 'rev-parse', second.branch)).toBe(second.commit);
  expect(second.commit).not.toBe(first.commit);
});

test('a pull request is made once, and the task shows it', async () => {
  const { repository, url } = await aRemote();
  const { id } = await ado.submitTask(patchOf(url));
  await ado.ended(id);
  const caller = callerOf(ado);

  const before = deliveredBranches(repository);
  const first = await caller.call('publish', id, '--pull-request', '--target', 'main');
  const second = await caller.call('publish', id, '--pull-request', '-o', 'json');

  const task = await ado.getTask(id);
  expect(before).toEqual([]);
  expect(first).toMatchObject({ code: 0, stderr: '' });
  expect(JSON.parse(second.stdout)).toEqual({
    items: [
      { taskId: id, branch: task.branch, commit: task.commit, pullRequestUrl: task.pullRequestUrl },
    ],
  });
  expect(forge.made.map((made) => [made.url, made.target])).toEqual([
    [task.pullRequestUrl, 'main'],
  ]);
});

test('a branch that was pushed counts as published, although its pull request was refused', async () => {
  const repository = makeRepository();
  const { id } = await ado.submitTask(patchOf(repository));
  await ado.ended(id);

  const { code, stderr } = await callerOf(ado).call('publish', id, '--pull-request');

  const task = await ado.getTask(id);
  expect(code).not.toBe(0);
  expect(stderr).toContain('PUBLISH_FAILED');
  expect(task.published).toBe(true);
  expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
});

test('a batch is published item by item, never over the commits of others', async () => {
  const repositories = makeRepositories(6);
  const items = repositories.map((repository) => ({ repository }));
  const { prompt, agent, delivery } = patchOf('');
  const exec = '[ "$ADO_REPOSITORY" != "${ADO_REPOSITORY%05}" ] || echo work > work.txt';
  const { id } = await ado.submitBatch({ prompt, agent, exec, delivery, parallel: 6, items });
  await ado.ended(id);
  const { items: tasks } = await ado.client.call('get /v1/batches/:batchId/items', {
    params: { batchId: id },
    query: { limit: 100 },
  });
  const branch = tasks.find(({ itemIndex }) => itemIndex === 0)?.branch ?? '';
  git(repositories[0] ?? '', 'branch', branch);

  const { code, stdout, stderr } = await callerOf(ado).call('publish', id);

  expect(code).toBe(3);
  expect(stderr).toMatch(/BRANCH_CONFLICT/);
  expect(stdout.trimEnd().split('\n')).toHaveLength(4);
  expect(repositories.map((one) => deliveredBranches(one).length)).toEqual([1, 1, 1, 1, 1, 0]);
  const [conflicting = ''] = repositories;
  expect(git(conflicting, 'rev-parse', branch)).toBe(git(conflicting, 'rev-parse', 'main'));
});

test('what has not ended, or has changed nothing, is said so', async () => {
  const caller = callerOf(ado);
  const running = await ado.submitTask({ ...patchOf(makeRepository()), exec: 'sleep 600' });
  const idle = await ado.submitTask({ ...patchOf(makeRepository()), exec: 'true' });
  await ado.ended(idle.id);

  const early = await caller.call('publish', running.id);
  const nothing = await caller.call('publish', idle.id);

  expect(early).toMatchObject({ code: 6, stderr: expect.stringContaining('TASK_NOT_ENDED') });
  expect(nothing).toMatchObject({ code: 6, stderr: expect.stringContaining('NOTHING_TO_PUBLISH') });
  const params = { taskId: running.id };
  await ado.client.call('post /v1/tasks/:taskId/cancel', { params, body: {} });
  await ado.ended(running.id);
});
