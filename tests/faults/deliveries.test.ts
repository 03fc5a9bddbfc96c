// Workers that die between a delivery and its record deliver nothing twice.
//   - a pull request is one, also where the host limits requests first
//   - a merge is one commit, with the commits of others below it
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { commitAll, fsck, git, makeRepositories, makeRepository } from '../support/repositories.ts';
import { forgeToken, startForge } from '../support/forge-server.ts';
import { startGitServer } from '../integration/workspaces/git-server.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

test('a killed worker makes no second pull request', async () => {
  const forge = await startForge();
  forge.refusals.push({ method: 'POST', status: 403, headers: { 'retry-after': '1' } });
  const repository = makeRepository();
  const server = await startGitServer(repository);
  const crashes = ['deliver.afterPush.beforeRecord', 'deliver.afterPullRequest.beforeRecord'];
  const env = {
    ADO_GITHUB_URL: forge.url,
    ADO_GITHUB_TOKEN: forgeToken,
    ADO_CRASHPOINTS: crashes.map((name) => `${name}=kill9`).join(','),
  };
  try {
    await world.withAdo({ workers: [env] }, async (ado) => {
      const { id } = await ado.submitTask({
        ...{ prompt: 'Greet\n\nKindly.', agent: 'command', exec: 'echo Hello > greeting' },
        repository: server.url.replace('/repository.git', '/acme/widgets.git'),
        gates: [{ name: 'greets', command: 'grep Hello greeting' }],
        delivery: { mode: 'pull-request' },
      });
      await ado.ended(id, 120_000);

      const task = await ado.getTask(id);
      const [made] = forge.made;
      report(
        'pull request',
        {
          of: 'kills after it was made',
          count: ado.crashes('deliver.afterPullRequest.beforeRecord'),
          atLeast: 1,
        },
        { 'pull requests': forge.made.length, status: task.status },
      );
      expect(forge.made).toHaveLength(1);
      expect(task).toMatchObject({ status: 'succeeded', pullRequestUrl: made?.url });
      expect(made).toMatchObject({
        ...{ path: 'acme/widgets', branch: task.branch, target: 'trunk', title: 'Greet' },
        body: expect.stringMatching(/- greets: passed[\s\S]*\$0\.00[\s\S]*task-/),
      });
      expect(git(repository, 'rev-parse', task.branch)).toBe(task.commit);
      const logs = JSON.stringify(await ado.listEvents(id));
      expect(logs).not.toContain(forgeToken);
    });
  } finally {
    server.close();
    forge.close();
  }
}, 180_000);

test('a killed worker merges once', async () => {
  const repositories = makeRepositories(4);
  for (const repository of repositories) {
    git(repository, 'branch', 'base');
    writeFileSync(join(repository, 'their.txt'), 'theirs');
    commitAll(repository, 'theirs');
    git(repository, 'switch', '--quiet', '--create', 'mine');
  }
  const kills = 3;
  const env = { ADO_CRASHPOINTS: `deliver.afterPush.beforeRecord=kill9*${String(kills)}` };
  await world.withAdo({ workers: [{ ...env, ADO_AGENT_SLOTS: '1' }] }, async (ado) => {
    const { id } = await ado.submitBatch({
      ...{ prompt: 'Greet', agent: 'command', exec: 'echo Hello > greeting', parallel: 4 },
      gates: [{ name: 'greets', command: 'grep Hello greeting' }],
      delivery: { mode: 'merge', target: 'main' },
      items: repositories.map((repository) => ({ repository, baseRef: 'base' })),
    });
    await ado.ended(id, 150_000);

    const { items } = await ado.client.call('get /v1/batches/:batchId/items', {
      params: { batchId: id },
      query: { limit: 100 },
    });
    const merges = repositories.map((repository) =>
      Number(git(repository, 'rev-list', '--count', '--merges', 'main')),
    );
    report(
      'merge',
      {
        of: 'kills after a merge was pushed',
        count: ado.crashes('deliver.afterPush.beforeRecord'),
        atLeast: kills,
      },
      { merges: merges.join(' ') },
    );
    expect(items.map(({ status }) => status)).toEqual(repositories.map(() => 'succeeded'));
    expect(merges).toEqual(repositories.map(() => 1));
    for (const repository of repositories) {
      expect(git(repository, 'show', 'main:greeting')).toBe('Hello');
      expect(git(repository, 'show', 'main:their.txt')).toBe('theirs');
      expect(fsck(repository)).toBe('');
    }
  });
}, 240_000);
