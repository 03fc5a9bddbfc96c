// PostgreSQL and Temporal come and go, and what was accepted is done once.
//   F11  Temporal killed and restarted while a batch runs: submits are accepted meanwhile
//   F16  a workflow cache far too small: every workflow is rebuilt from its history again and again
//   F18  PostgreSQL restarted, fast and at once; who asks meanwhile is told when to ask again
//   F19  commits whose answer is lost
//   F20  all connections cut, again and again
import pg from 'pg';
import type { Ado, AdoOptions } from '../support/ado-platform.ts';
import { until } from '../support/ado-platform.ts';
import { commitAnswer, startFaultProxy, throughPort } from '../support/faultproxy.ts';
import { makeRepositories } from '../support/repositories.ts';
import { batchOutcome, runningWorkflows, unharmed } from './batch-outcome.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
beforeAll(async () => {
  world = await openFaultWorld();
});
afterAll(async () => world.stop());

/** Runs `test` on a platform with a batch under way whose items take about a second each, four at once. */
async function withBatch(
  options: Partial<AdoOptions>,
  count: number,
  test: (ado: Ado, batchId: string, repositories: string[]) => Promise<void>,
): Promise<void> {
  await world.withAdo(options, async (ado) => {
    const repositories = makeRepositories(count);
    const { id } = await ado.submitBatch({
      prompt: 'Go on',
      agent: 'command',
      exec: 'sleep 0.8; echo done >> README.md',
      parallel: 4,
      items: repositories.map((repository) => ({ repository })),
    });
    await test(ado, id, repositories);
  });
}

/** Does something each time so many more items have ended, and waits for the batch's end. Answers how often. */
async function whileItRuns(
  ado: Ado,
  batchId: string,
  {
    every,
    times,
    act,
  }: { readonly every: number; readonly times: number; readonly act: (n: number) => Promise<void> },
): Promise<number> {
  let ended = 0;
  let done = 0;
  for await (const { type } of ado.follow(batchId, 150_000)) {
    if (type === 'item-ended') ended += 1;
    if (done === times || ended < (done + 1) * every) continue;
    done += 1;
    await act(done);
  }
  return done;
}

test('F11: Temporal is killed three times; submits are accepted meanwhile and all work is done', async () => {
  await withBatch({}, 16, async (ado, id, repositories) => {
    const accepted: string[] = [];
    const resumedMs: number[] = [];
    const hits = await whileItRuns(ado, id, {
      every: 4,
      times: 3,
      act: async () => {
        await world.temporal.kill9();
        const [repository = ''] = makeRepositories(1);
        const work = {
          prompt: 'Meanwhile',
          agent: 'command',
          exec: 'echo x > x',
          repository,
        } as const;
        const task = await ado.submitTask(work);
        accepted.push(task.id);
        await world.temporal.restart();
        const back = Date.now();
        await ado.ended(task.id);
        resumedMs.push(Date.now() - back);
      },
    });

    const outcome = await batchOutcome(ado, id, repositories);
    const tasks = await Promise.all(accepted.map(async (taskId) => ado.getTask(taskId)));
    const lost = tasks.filter((task) => task.outcome !== 'succeeded').length;
    const slowest = Math.round(Math.max(...resumedMs) / 100) / 10;
    report(
      'F11',
      { of: 'Temporal killed', count: hits, atLeast: 3 },
      {
        'accepted meanwhile': accepted.length,
        'of those lost': lost,
        'done after its return (s, slowest)': slowest,
        ...outcome,
      },
    );
    expect({ ...outcome, tasksLost: lost }).toEqual({ ...unharmed, tasksLost: 0 });
    expect(slowest).toBeLessThanOrEqual(30);
  });
}, 200_000);

test('F16: with a cache of three workflows nothing is nondeterministic', async () => {
  await withBatch({ env: { ADO_WORKFLOW_CACHE: '3' } }, 16, async (ado, id, repositories) => {
    let most = 0;
    await whileItRuns(ado, id, {
      every: 1,
      times: 12,
      act: async () => {
        most = Math.max(most, await runningWorkflows(ado));
      },
    });

    const outcome = await batchOutcome(ado, id, repositories);
    const broken = ado.worker.log().split(/TMPRL1100|[Nn]ondeterminis/).length - 1;
    report(
      'F16',
      { of: 'workflows beyond the cache', count: most - 3, atLeast: 2 },
      { broken, ...outcome },
    );
    expect({ broken, ...outcome }).toEqual({ broken: 0, ...unharmed });
  });
});

test('F18: PostgreSQL is restarted four times, fast and at once', async () => {
  await withBatch({}, 20, async (ado, id, repositories) => {
    const rude: string[] = [];
    let asked = 0;
    const asking = setInterval(() => {
      asked += 1;
      fetch(`${ado.url}/v1/batches/${id}`, { headers: { authorization: `Bearer ${ado.apiKey}` } })
        .then((answer) => {
          const isPolite = answer.status === 503 && answer.headers.has('retry-after');
          if (answer.status >= 500 && !isPolite) rude.push(String(answer.status));
        })
        .catch((error: unknown) => rude.push(String(error)));
    }, 100).unref();
    const hits = await whileItRuns(ado, id, {
      every: 4,
      times: 4,
      act: async (n) => {
        const pid = world.postgres.pid() ?? 0;
        if (n % 2 === 0) process.kill(pid, 'SIGQUIT');
        await world.postgres.restart();
      },
    });
    clearInterval(asking);

    const outcome = await batchOutcome(ado, id, repositories);
    report(
      'F18',
      { of: 'PostgreSQL restarted', count: hits, atLeast: 4 },
      {
        'requests meanwhile': asked,
        'answers without a Retry-After': rude.length,
        ...outcome,
      },
    );
    expect({ rude, ...outcome }).toEqual({ rude: [], ...unharmed });
  });
}, 200_000);

test('F19: every twelfth answer to a COMMIT is lost', async () => {
  const proxy = await startFaultProxy(world.postgres.port);
  const databaseUrl = throughPort(world.postgres.url, proxy.port);
  await withBatch({ databaseUrl }, 12, async (ado, id, repositories) => {
    await proxy.setFault({ kind: 'lose-answer', holding: commitAnswer, every: 12 });
    const submitted = await Promise.all(
      makeRepositories(12).map(async (repository) => {
        const label = { of: 'F19' };
        const work = { prompt: 'Once', agent: 'command', exec: 'echo x > x', repository } as const;
        return ado.submitTask({ ...work, labels: label });
      }),
    );
    await ado.ended(id, 120_000);
    for (const task of submitted) await ado.ended(task.id, 120_000);
    await proxy.setFault({ kind: 'none' });

    const outcome = await batchOutcome(ado, id, repositories);
    const stored = await ado.client.call('get /v1/tasks', {
      query: { label: 'of=F19', limit: 100 },
    });
    const twice = stored.items.length - 12;
    report(
      'F19',
      { of: 'answers to COMMIT lost', count: proxy.lost(), atLeast: 10 },
      { 'tasks stored twice': twice, ...outcome },
    );
    expect({ twice, ...outcome }).toEqual({ twice: 0, ...unharmed });
  });
  await proxy.close();
}, 200_000);

test('F20: all connections to PostgreSQL are cut after every item', async () => {
  await withBatch({}, 16, async (ado, id, repositories) => {
    const admin = new pg.Client({ connectionString: world.postgres.superuserUrl });
    await admin.connect();
    let cut = 0;
    const hits = await whileItRuns(ado, id, {
      every: 1,
      times: 15,
      act: async () => {
        const { rowCount } = await admin.query(
          "select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'ado'",
        );
        cut += rowCount ?? 0;
      },
    });
    await admin.end();

    const outcome = await batchOutcome(ado, id, repositories);
    report(
      'F20',
      { of: 'all connections cut', count: hits, atLeast: 10 },
      { connections: cut, ...outcome },
    );
    expect(outcome).toEqual(unharmed);
  });
  await until(
    'Temporal has nothing left to do',
    async () => (await runningWorkflows({ temporal: world.temporal })) === 0,
  );
}, 200_000);
