// The outbox delivers at least once; what Temporal makes of it happens once.
import { randomUUID } from 'node:crypto';
import { connect, createServer, type AddressInfo, type Socket } from 'node:net';
import { once } from 'node:events';
import { Client, WorkflowNotFoundError } from '@temporalio/client';
import {
  createWorkflowEngine,
  type TemporalEngine,
} from '../../../adapters/temporal/workflow-engine.ts';
import type { OutboxMessage } from '../../../contracts/messages.ts';
import { localTenantId, taskQueues, workflowTypes } from '../../../contracts/names.ts';
import { testService } from '../../support/environment.ts';
import { createTestNamespace, type TestNamespace } from '../../support/namespace.ts';

describe('the workflow engine', () => {
  let namespace: TestNamespace;
  let client: Client;
  let engine: TemporalEngine;
  beforeAll(async () => {
    namespace = await createTestNamespace();
    client = new Client({ connection: namespace.connection, namespace: namespace.name });
    engine = createWorkflowEngine({
      address: testService('temporalAddress'),
      namespace: namespace.name,
    });
    await engine.ensureSearchAttributes();
  });
  afterAll(async () => {
    await engine.close();
    await namespace.close();
  });

  test('a start that is delivered twice starts one workflow, that says what it is for', async () => {
    const message = aStart({ repository: `/srv/${'deep/'.repeat(80)}repository` });

    await engine.deliver(message);
    await engine.deliver(message);

    const { raw, typedSearchAttributes, ...described } = await client.workflow
      .getHandle(message.workflowId)
      .describe();
    expect(described.type).toBe(workflowTypes.task);
    expect(await described.staticSummary()).toBe('command · repository');
    expect(await described.staticDetails()).toContain('- time limit: 60 s');
    expect(described.priority).toMatchObject({ priorityKey: 2, fairnessKey: localTenantId });
    const shown = Object.fromEntries(
      typedSearchAttributes.getAll().map(({ key, value }) => [key.name, value]),
    );
    expect(shown).toEqual({
      TenantId: localTenantId,
      AgentType: 'command',
      TaskStatus: 'queued',
      Repository: message.input.repository.slice(-255),
    });
    expect(raw.workflowExecutionInfo?.historyLength?.toString()).toBe('2');
  });

  test('a start that comes again after the end is delivered, and starts nothing', async () => {
    const message = aStart();
    await engine.deliver(message);
    const { runId } = await client.workflow.getHandle(message.workflowId).describe();
    await client.workflow.getHandle(message.workflowId).terminate();

    await engine.deliver(message);

    const after = await client.workflow.getHandle(message.workflowId).describe();
    expect(after.runId).toBe(runId);
    expect(after.status.name).toBe('TERMINATED');
  });

  test('a batch is started by the first wake-up, told by the second, and started again after its end', async () => {
    const message = aWakeUp();

    await engine.deliver(message);
    const first = await client.workflow.getHandle(message.input.batchId).describe();
    await engine.deliver(message);
    const second = await client.workflow.getHandle(message.input.batchId).describe();
    await client.workflow.getHandle(message.input.batchId).terminate();
    await engine.deliver(message);
    const third = await client.workflow.getHandle(message.input.batchId).describe();

    expect(second.runId).toBe(first.runId);
    expect(third.runId).not.toBe(first.runId);
    expect(await first.staticSummary()).toMatch(/^command · 3 items, 2 at once · ü+…$/);
    expect(Buffer.byteLength((await first.staticSummary()) ?? '')).toBeLessThanOrEqual(200);
  });

  test('a cancel of a workflow that has ended or never was is delivered', async () => {
    const message = aStart();
    await engine.deliver(message);

    await engine.deliver({ kind: 'cancel-workflow', workflowId: message.workflowId });
    const events =
      (await client.workflow.getHandle(message.workflowId).fetchHistory()).events ?? [];
    await client.workflow.getHandle(message.workflowId).terminate();
    await engine.deliver({ kind: 'cancel-workflow', workflowId: message.workflowId });
    await engine.deliver({ kind: 'cancel-workflow', workflowId: `task-${randomUUID()}` });

    expect(events.some((event) => event.workflowExecutionCancelRequestedEventAttributes)).toBe(
      true,
    );
    await expect(client.workflow.getHandle(`task-${randomUUID()}`).describe()).rejects.toThrow(
      WorkflowNotFoundError,
    );
  });

  test('an engine that does not answer is ENGINE_UNAVAILABLE, and works once it does', async () => {
    const port = await freePort();
    const awaited = createWorkflowEngine({
      address: `127.0.0.1:${port}`,
      namespace: namespace.name,
    });
    const message = aStart();

    await expect(awaited.deliver(message)).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });
    expect(await awaited.isReady()).toBe(false);
    const proxy = await startProxy(port, testService('temporalAddress'));
    await untilTrue(() => awaited.isReady());
    await awaited.deliver(message);

    await client.workflow.getHandle(message.workflowId).describe();
    await awaited.close();
    await proxy.close();
  });

  test('a server that accepts and says nothing is ENGINE_UNAVAILABLE in time', async () => {
    const silent = await listen(0, () => undefined);
    const deaf = createWorkflowEngine({
      address: `127.0.0.1:${silent.port}`,
      namespace: namespace.name,
      callTimeoutMs: 300,
    });

    await expect(deaf.deliver(aStart())).rejects.toMatchObject({ code: 'ENGINE_UNAVAILABLE' });

    await deaf.close();
    await silent.close();
  });

  test('a queue tells how much waits, for how long, and that nobody asks for it', async () => {
    await engine.deliver(aStart());
    await engine.deliver(aStart());
    const { workflows } = taskQueues;

    let seen = await engine.lookAtQueue(workflows, 'workflow');
    // Temporal's figure may be a moment late.
    while (seen.backlog < 2 || seen.backlogAgeSeconds === 0)
      seen = await engine.lookAtQueue(workflows, 'workflow');

    expect(seen).toEqual({
      backlog: expect.any(Number),
      backlogAgeSeconds: expect.any(Number),
      pollers: [],
    });
    expect(await engine.lookAtQueue('ado-nobody', 'activity')).toEqual({
      backlog: 0,
      backlogAgeSeconds: 0,
      pollers: [],
    });
  });

  test('the search attributes may be made sure of again', async () => {
    await engine.ensureSearchAttributes();
  });
});

function aStart(
  input: { repository?: string } = {},
): Extract<OutboxMessage, { kind: 'start-task' }> {
  const taskId = `task-${randomUUID()}`;
  return {
    kind: 'start-task',
    workflowId: taskId,
    priority: 2,
    input: {
      tenantId: localTenantId,
      taskId,
      attempt: 1,
      agent: 'command',
      repository: '/srv/repository',
      timeoutMs: 60_000,
      maxCostMicroUsd: 10_000_000,
      ...input,
    },
  };
}

function aWakeUp(): Extract<OutboxMessage, { kind: 'wake-batch' }> {
  return {
    kind: 'wake-batch',
    change: { moreItems: true },
    input: {
      tenantId: localTenantId,
      batchId: `batch-${randomUUID()}`,
      name: 'ü'.repeat(200),
      agent: 'command',
      parallel: 2,
      total: 3,
      timeoutMs: 60_000,
      maxCostMicroUsd: 10_000_000,
      priority: 3,
    },
  };
}

/** Accepts connections at a port until it is closed, and then drops them. */
async function listen(
  wanted: number,
  onSocket: (socket: Socket) => void,
): Promise<{ port: number; close: () => Promise<void> }> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket.on('error', () => undefined));
    onSocket(socket);
  }).listen(wanted, '127.0.0.1');
  await once(server, 'listening');
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function freePort(): Promise<number> {
  const { port, close } = await listen(0, () => undefined);
  await close();
  return port;
}

/** Stands at a port for a server elsewhere. */
function startProxy(port: number, target: string): ReturnType<typeof listen> {
  const [host, targetPort] = target.split(':');
  return listen(port, (socket) => {
    const upstream = connect(Number(targetPort), host).on('error', () => socket.destroy());
    socket.on('close', () => upstream.destroy());
    socket.pipe(upstream).pipe(socket);
  });
}

async function untilTrue(ask: () => Promise<boolean>): Promise<void> {
  while (!(await ask())) await new Promise((resolve) => setTimeout(resolve, 50));
}
