// What alerts and dashboards read of Temporal is there: in the SDK of a worker, and in the server.
import { randomUUID } from 'node:crypto';
import { Client, Connection } from '@temporalio/client';
import { findFreePorts } from '../../cli/dev/ports.ts';
import { taskQueues } from '../../contracts/names.ts';
import { temporalSdkMetrics, temporalServerMetrics } from '../../tools/foreign-metrics.ts';
import type { ForeignMetric } from '../../tools/foreign-metrics.ts';
import { startSharedAdo, until, type Ado } from '../support/ado-platform.ts';
import { testService } from '../support/environment.ts';
import { makeRepository } from '../support/repositories.ts';

let ado: Ado;
let sdkUrl: string;
beforeAll(async () => {
  const [port = 0] = await findFreePorts(1);
  sdkUrl = `http://127.0.0.1:${port}/metrics`;
  ado = await startSharedAdo({ env: { ADO_TEMPORAL_METRICS_PORT: String(port) } });
});
afterAll(async () => ado.stop());

/** Metrics of the table that a scrape lacks, or that are of another kind or have other labels there. */
async function findWrong(url: string, table: Readonly<Record<string, ForeignMetric>>) {
  const text = await (await fetch(url)).text();
  return Object.entries(table).flatMap(([name, { kind, labels }]) => {
    if (!text.includes(`# TYPE ${name} ${kind}\n`)) return [`${name} is no ${kind}`];
    const series = text.split('\n').filter((line) => line.startsWith(name));
    const absent = labels.filter((label) => !series.some((one) => one.includes(`${label}="`)));
    return absent.map((label) => `${name} has no ${label}`);
  });
}

async function untilRight(url: string, table: Readonly<Record<string, ForeignMetric>>) {
  let wrong: string[] = [];
  const isRight = async (): Promise<boolean> => {
    wrong = await findWrong(url, table);
    return wrong.length === 0;
  };
  // The server tells of its connections once a minute.
  await until('all metrics are there', isRight, 100_000).catch(() => undefined);
  return wrong;
}

test('a worker shows what alerts and dashboards read of the SDK', async () => {
  const connection = await Connection.connect({ address: ado.temporal.address });
  const client = new Client({ connection, namespace: ado.temporal.namespace });
  const work = { agent: 'command', prompt: 'Nothing', exec: 'true' } as const;

  const { id } = await ado.submitTask({ ...work, repository: makeRepository() });
  const broken = await client.workflow.start('thereIsNoSuchWorkflow', {
    taskQueue: taskQueues.workflows,
    workflowId: randomUUID(),
  });
  // A refusal, so that the server counts one.
  await client.workflow
    .getHandle(randomUUID())
    .describe()
    .catch(() => undefined);
  await ado.ended(id);
  const wrong = await untilRight(sdkUrl, temporalSdkMetrics);
  await broken.terminate();
  await connection.close();

  expect(wrong).toEqual([]);
});

test('the server shows what alerts and dashboards read of it', async () => {
  const wrong = await untilRight(testService('temporalMetricsUrl'), temporalServerMetrics);

  expect(wrong).toEqual([]);
});
