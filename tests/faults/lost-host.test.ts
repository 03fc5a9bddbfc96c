// A host dies with its disk while it works on tasks: another one makes the same commits from what is on record, and goes on.
//   - an agent that has committed twice goes on with its third tool call; nothing is bought or committed a second time
//   - work that a person was asked about is delivered as they saw it, and they are not asked again
//   - kept work of a task that has ended is published
//   - a change that is not on record to the byte ends its task, and says so
//   - a host that comes back with what it knew goes on from where another one has come
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { startGitServer, type GitServer } from '../integration/workspaces/git-server.ts';
import type { Ado } from '../support/ado-platform.ts';
import { countCommits, deliveredBranches, git, makeRepository } from '../support/repositories.ts';
import { scriptedModel } from '../support/scripted-model.ts';
import { openFaultWorld, report, type FaultWorld } from './fault-world.ts';

let world: FaultWorld;
const servers: GitServer[] = [];
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => {
  for (const server of servers) server.close();
  await world.stop();
});

/** A machine with a disk of its own. */
interface Host {
  readonly home: string;
  readonly env: { readonly ADO_HOST_ID: string; readonly ADO_HOME: string };
}

function aHost(name: string): Host {
  const home = mkdtempSync(join(tmpdir(), `ado-host-${name}-`));
  return { home, env: { ADO_HOST_ID: name, ADO_HOME: home } };
}

/** A repository on another host: nothing of a task is in it before it is delivered. */
async function aRemote(): Promise<{ readonly repository: string; readonly url: string }> {
  const repository = makeRepository();
  const server = await startGitServer(repository);
  servers.push(server);
  return { repository, url: server.url };
}

/** Waits for the n-th commit of a task, and answers it. */
async function committed(ado: Ado, id: string, count: number): Promise<string> {
  let seen = 0;
  const event = await ado.seen(id, ({ type }) => {
    if (type === 'commit-created') seen += 1;
    return seen === count;
  });
  return event.type === 'commit-created' ? event.data.commit : '';
}

/** A model that has a command run in each turn. */
function commands(...lines: readonly string[]): string {
  const usage = { inputTokens: 1_000, outputTokens: 100 };
  const turns = lines.map((command) => ({
    ...{ toolCalls: [{ tool: 'run_command', input: { command } }], usage },
  }));
  const price = { inputMicroUsd: 3_000_000, outputMicroUsd: 15_000_000 };
  const answers = [...turns, { text: 'Done.', usage }];
  return scriptedModel(JSON.stringify({ price, answers }));
}

const turnMicroUsd = 4_500;
const published = { mode: 'branch', publish: true } as const;
/** Holds a turn for as long as it takes to end its host. */
const slow = 'sleep 3;';

test('the commits of a host that is gone with its disk are made again, to the byte', async () => {
  const [one, two] = [aHost('one'), aHost('two')];
  await world.withAdo({ revive: false, workers: [one.env] }, async (ado) => {
    const [working, asked, lossy] = [await aRemote(), await aRemote(), await aRemote()];
    const kept = await aRemote();
    const done = await ado.submitTask({
      ...{ prompt: 'Keep it', agent: 'command', exec: 'echo kept > kept.txt' },
      repository: kept.url,
    });
    await ado.ended(done.id);
    const model = commands(
      "printf '\\000\\377' > image; mv README.md READ; chmod +x READ; echo one > one.txt",
      'printf "\\r\\n" >> one.txt; ln -s one.txt link; rm src/index.js',
      `${slow} echo three >> one.txt`,
    );
    const task = await ado.submitTask({
      ...{ prompt: 'Change it thrice', agent: 'builtin', model },
      ...{ repository: working.url, delivery: published },
    });
    const question = await ado.submitTask({
      ...{ prompt: 'Ask me', agent: 'command', exec: 'echo asked > asked.txt' },
      ...{ repository: asked.url, delivery: published, policy: 'review-edits' },
    });
    const latin = await ado.submitTask({
      ...{ prompt: 'Write Latin', agent: 'builtin', repository: lossy.url },
      model: commands("printf 'caf\\351\\n' > latin.txt", `${slow} echo two > two.txt`),
    });
    const [, second] = await Promise.all([
      ado.seen(question.id, ({ type }) => type === 'approval-requested'),
      committed(ado, task.id, 2),
      committed(ado, latin.id, 1),
    ]);
    const { commit: shown } = await ado.getTask(question.id);

    await ado.worker.kill9();
    rmSync(one.home, { recursive: true });
    await ado.addWorker(two.env);
    const { items } = await ado.client.call('get /v1/approvals', { query: { status: 'pending' } });
    await ado.client.call('post /v1/approvals/:approvalId/decision', {
      params: { approvalId: items[0]?.id ?? '' },
      body: { decision: 'approve' },
    });
    const { commit: late } = await ado.client.call('post /v1/tasks/:taskId/publish', {
      params: { taskId: done.id },
      body: {},
    });
    await Promise.all([task, question, latin].map(({ id }) => ado.ended(id, 90_000)));

    const ended = await ado.getTask(task.id);
    expect(ended).toMatchObject({ status: 'succeeded', costMicroUsd: 4 * turnMicroUsd });
    const [branch = ''] = deliveredBranches(working.repository);
    expect(git(working.repository, 'rev-parse', branch, `${branch}~`)).toBe(
      `${ended.commit ?? ''}\n${second}`,
    );
    expect(countCommits(working.repository, branch)).toBe(3);

    const events = await ado.listEvents(question.id);
    expect(await ado.getTask(question.id)).toMatchObject({ status: 'succeeded', commit: shown });
    expect(events.filter(({ type }) => type === 'approval-requested')).toHaveLength(1);
    const [reviewed = ''] = deliveredBranches(asked.repository);
    expect(git(asked.repository, 'rev-parse', reviewed)).toBe(shown);

    expect(await ado.getTask(done.id)).toMatchObject({ commit: late, published: true });
    const [keptBranch = ''] = deliveredBranches(kept.repository);
    expect(git(kept.repository, 'rev-parse', keptBranch)).toBe(late);

    expect(await ado.getTask(latin.id)).toMatchObject({
      status: 'failed',
      errorCode: 'COMMITS_LOST',
      error: expect.stringMatching(/on the host one, .* does not make the same files/),
    });
    const starts = (await Promise.all([task, question, latin].map(({ id }) => ado.listEvents(id))))
      .flat()
      .filter(({ type, data }) => type === 'task-started' && data.worker === 'one');
    report(
      'lost host',
      {
        of: 'tasks at work on a host that is gone with its disk',
        count: starts.length,
        atLeast: 3,
      },
      {
        'bought again': ended.costMicroUsd / turnMicroUsd - 4,
        'commits too many': countCommits(working.repository, branch) - 3,
      },
    );
  });
  rmSync(two.home, { recursive: true });
}, 180_000);

test('a host that comes back takes up what another one has done meanwhile', async () => {
  const [one, two] = [aHost('one'), aHost('two')];
  await world.withAdo({ revive: false, workers: [one.env] }, async (ado) => {
    const { repository, url } = await aRemote();
    const lines = ['echo 1 > 1', 'echo 2 > 2', `${slow} date +%N > 3`, `${slow} echo 4 > 4`];
    const { id } = await ado.submitTask({
      ...{ prompt: 'Come back', agent: 'builtin', model: commands(...lines) },
      ...{ repository: url, delivery: published },
    });
    await committed(ado, id, 2);
    await ado.worker.kill9();
    const other = await ado.addWorker(two.env);
    const third = await committed(ado, id, 3);
    await other.kill9();
    rmSync(two.home, { recursive: true });
    await ado.worker.restart();
    await ado.ended(id, 90_000);

    const [branch = ''] = deliveredBranches(repository);
    expect(await ado.getTask(id)).toMatchObject({ status: 'succeeded' });
    expect(git(repository, 'rev-parse', `${branch}~`)).toBe(third);
    expect(countCommits(repository, branch)).toBe(4);
  });
  rmSync(one.home, { recursive: true });
}, 180_000);
