// A worker that dies between making a pull request and telling of it: the host has one, and the task ends with it.
//   - also where the host limits requests first, and where the branch was pushed by the worker that died
import { git, makeRepository } from '../support/repositories.ts';
import { forgeToken, startForge } from '../support/forge-server.ts';
import { startGitServer } from '../integration/workspaces/git-server.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
}, 120_000);
afterAll(async () => world.stop(), 60_000);

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
