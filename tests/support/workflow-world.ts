/** Real workflows on the real Temporal server, with fake activities, in a namespace of their own. */
import { Client } from '@temporalio/client';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import { taskQueues } from '../../contracts/names.ts';
import { testService } from './environment.ts';
import type { FakeActivities } from './fake-activities.ts';
import { createTestNamespace, type TestNamespace } from './namespace.ts';

/** A namespace with a client. */
export interface WorkflowWorld {
  readonly client: Client;
  readonly namespace: TestNamespace;
  /** Runs `test` with workers that serve these activities, on all queues or on those given. */
  withWorkers<T>(
    fake: FakeActivities,
    test: () => Promise<T>,
    queues?: readonly string[],
  ): Promise<T>;
  close(): Promise<void>;
}

/** Opens a world; close it in afterAll. */
export async function openWorkflowWorld(): Promise<WorkflowWorld> {
  Runtime.install({ logger: new DefaultLogger('ERROR') });
  const namespace = await createTestNamespace();
  const connection = await NativeConnection.connect({ address: testService('temporalAddress') });
  const client = new Client({ connection: namespace.connection, namespace: namespace.name });
  return {
    client,
    namespace,
    async withWorkers(fake, test, queues = [...Object.values(taskQueues), 'ado-agents@test']) {
      const workers = await Promise.all(
        queues.map((taskQueue) =>
          Worker.create({
            connection,
            namespace: namespace.name,
            taskQueue,
            activities: fake.activities,
            maxHeartbeatThrottleInterval: '1s',
            ...(taskQueue === taskQueues.workflows
              ? {
                  workflowBundle: { codePath: testService('workflowBundle') },
                  maxCachedWorkflows: 3,
                }
              : {}),
          }),
        ),
      );
      const running = workers.map((worker) => worker.run());
      try {
        return await test();
      } finally {
        for (const worker of workers) worker.shutdown();
        await Promise.all(running);
      }
    },
    async close() {
      await connection.close();
      await namespace.close();
    },
  };
}
