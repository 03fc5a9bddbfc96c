// A request is accepted once or not at all, whatever happens to its answer.
//   F07  the API dies after the commit and before the start: what was committed is started
//   F08  several relays carry the outbox, and die after they have published: each task is started once
//   F39  fifty equal requests at once are one task
//   F40  an answer that is lost on the way and asked for again is one task
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { createApiClient } from '../../cli/api-client.ts';
import { tryAgain } from '../../cli/try-again.ts';
import type { Task } from '../../contracts/task.schema.ts';
import type { Ado } from '../support/ado-platform.ts';
import { startFaultProxy, throughPort } from '../support/faultproxy.ts';
import { makeRepository } from '../support/repositories.ts';
import { openFaultWorld, report } from './fault-world.ts';
import type { FaultWorld } from './fault-world.ts';

let world: FaultWorld;
let repository: string;
beforeAll(async () => {
  world = await openFaultWorld();
  repository = makeRepository();
});
afterAll(async () => world.stop());

function aTask(label: string) {
  return {
    prompt: 'Change nothing',
    agent: 'command',
    exec: 'true',
    fresh: true,
    labels: { of: label },
    repository,
  } as const;
}

async function listStored(ado: Ado, label: string): Promise<Task[]> {
  const query = { label: `of=${label}`, limit: 500 };
  const page = async () => ado.client.call('get /v1/tasks', { query });
  return (await tryAgain(page, { forMs: 30_000, onRepeat: () => undefined })).items;
}

/** Executions that Temporal knows for these workflow ids. */
async function countExecutions(tasks: readonly Task[]): Promise<number> {
  const connection = await Connection.connect({ address: world.temporal.address });
  const { workflow } = new Client({ connection, namespace: world.temporal.namespace });
  const counts = await Promise.all(
    tasks.map(async ({ id }) => (await workflow.count(`WorkflowId = '${id}'`)).count),
  );
  await connection.close();
  return counts.reduce((sum, count) => sum + count, 0);
}

test('F07: tasks whose API died between commit and start are started within seconds, once', async () => {
  const crash = 'api.tx.afterCommit.beforeStart=kill9*5';
  await world.withAdo({ env: { ADO_CRASHPOINTS: crash } }, async (ado) => {
    const lateMs: number[] = [];
    for (let place = 0; place < 5; place += 1) {
      const task = await ado.submitTask(aTask('F07'));
      const back = Date.now();
      await ado.seen(task.id, ({ type }) => type === 'task-started');
      lateMs.push(Date.now() - back);
    }

    const stored = await listStored(ado, 'F07');
    for (const { id } of stored) await ado.ended(id);
    const ended = await listStored(ado, 'F07');
    const lost = 5 - ended.filter((task) => task.outcome === 'succeeded').length;
    const slowest = Math.max(...lateMs);
    report(
      'F07',
      {
        of: 'API died after the commit',
        count: ado.crashes('api.tx.afterCommit.beforeStart'),
        atLeast: 5,
      },
      {
        lost,
        duplicates: stored.length - 5,
        executions: await countExecutions(stored),
        'started after its return (ms, slowest)': slowest,
      },
    );
    expect({ lost, stored: stored.length }).toEqual({ lost: 0, stored: 5 });
    expect(slowest).toBeLessThanOrEqual(5_000);
  });
});

test('F08: three relays that die after publishing start every task once', async () => {
  const crash = 'outbox.afterPublish.beforeMark=kill9*6';
  await world.withAdo({ apis: 3, env: { ADO_CRASHPOINTS: crash } }, async (ado) => {
    await Promise.all(Array.from({ length: 30 }, async () => ado.submitTask(aTask('F08'))));
    const stored = await listStored(ado, 'F08');
    for (const { id } of stored) await ado.ended(id, 90_000);

    const ended = (await listStored(ado, 'F08')).filter((task) => task.outcome === 'succeeded');
    const executions = await countExecutions(stored);
    report(
      'F08',
      {
        of: 'a relay died after publishing',
        count: ado.crashes('outbox.afterPublish.beforeMark'),
        atLeast: 6,
      },
      {
        lost: 30 - ended.length,
        'tasks stored': stored.length,
        'executions started': executions,
      },
    );
    expect({ stored: stored.length, ended: ended.length, executions }).toEqual({
      stored: 30,
      ended: 30,
      executions: 30,
    });
  });
}, 180_000);

test('F39: fifty equal requests at once make one task, and all are told of it', async () => {
  await world.withAdo({}, async (ado) => {
    const key = randomUUID();
    const send = async (body: object): Promise<Response> =>
      fetch(`${ado.url}/v1/tasks`, {
        method: 'POST',
        headers: {
          authorization: `Bearer ${ado.apiKey}`,
          'content-type': 'application/json',
          'idempotency-key': key,
        },
        body: JSON.stringify(body),
      });

    const answers = await Promise.all(Array.from({ length: 50 }, async () => send(aTask('F39'))));
    const ids = new Set(
      await Promise.all(answers.map(async (answer) => ((await answer.json()) as Task).id)),
    );
    const other = await send(aTask('another'));

    const stored = await listStored(ado, 'F39');
    report(
      'F39',
      {
        of: 'accepted answers',
        count: answers.filter(({ status }) => status === 202).length,
        atLeast: 50,
      },
      {
        'tasks stored': stored.length,
        'different ids told': ids.size,
        'same key with another body': other.status,
      },
    );
    expect({ stored: stored.length, ids: ids.size, other: other.status }).toEqual({
      stored: 1,
      ids: 1,
      other: 422,
    });
  });
});

test('F40: a caller that never got its answer and asks again has one task', async () => {
  await world.withAdo({}, async (ado) => {
    const proxy = await startFaultProxy(Number(new URL(ado.url).port));
    // Every second answer that accepts something is lost, so each submit is repeated about once.
    await proxy.setFault({ kind: 'lose-answer', holding: Buffer.from('HTTP/1.1 202'), every: 2 });
    const client = createApiClient(() => ({
      url: throughPort(ado.url, proxy.port),
      key: ado.apiKey,
    }));

    for (let place = 0; place < 10; place += 1) {
      const input = { body: aTask('F40'), idempotencyKey: randomUUID() };
      const submit = async () => client.call('post /v1/tasks', input);
      await tryAgain(submit, { forMs: 20_000, firstPauseMs: 10, onRepeat: () => undefined });
    }

    const stored = await listStored(ado, 'F40');
    report(
      'F40',
      { of: 'answers lost', count: proxy.lost(), atLeast: 9 },
      { submits: 10, 'tasks stored': stored.length },
    );
    await proxy.close();
    expect(stored).toHaveLength(10);
  });
});
