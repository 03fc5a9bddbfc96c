// Kept work of ended tasks is published by `ado publish`, from whichever host has it.
//   - also of a task that failed, or was delivered as a patch; repeating it changes nothing
//   - a pull request is made once; a batch is published item by item, and one that cannot be does not stop the others
//   - never over others' commits, and not before the end
import { startGitServer, type GitServer } from '../integration/workspaces/git-server.ts';
import { startSharedAdo, type Ado } from '../support/ado-platform.ts';
import { forgeToken, startForge, type ForgeServer } from '../support/forge-server.ts';
import {
  deliveredBranches,
  git,
  makeRepositories,
  makeRepository,
} from '../support/repositories.ts';
import { callerOf } from './call-ado.ts';

jest.setTimeout(120_000);

let ado: Ado;
let forge: ForgeServer;
const servers: GitServer[] = [];
beforeAll(async () => {
  forge = await startForge();
  const forgeEnv = { ADO_GITHUB_URL: forge.url, ADO_GITHUB_TOKEN: forgeToken };
  // Two hosts: work of one is asked for at the other as often as not.
  const hosts = ['one', 'two'].map((host) => ({ ...forgeEnv, ADO_HOST_ID: host }));
  ado = await startSharedAdo({ workers: hosts });
}, 120_000);
afterAll(async () => {
  await ado.stop();
  forge.close();
  for (const server of servers) server.close();
}, 60_000);

const patchOf = (repository: string) =>
  ({
    prompt: 'Work',
    agent: 'command',
    exec: 'echo work > work.txt',
    repository,
    delivery: { mode: 'patch' },
  }) as const;

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

test('a pull request is made once, and the task shows it', async () => {
  const repository = makeRepository();
  const server = await startGitServer(repository);
  servers.push(server);
  const url = server.url.replace('/repository.git', '/acme/widgets.git');
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
