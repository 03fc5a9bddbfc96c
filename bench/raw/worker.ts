/**
 * The worker process of the comparison, with the settings of ado's own workers. Started as
 * `node worker.ts ADDRESS NAMESPACE`; says `ready`, and ends when its parent does.
 */
import { fileURLToPath } from 'node:url';
import { DefaultLogger, NativeConnection, Runtime, Worker } from '@temporalio/worker';
import * as activities from './activities.ts';
import { rawTaskQueue } from './names.ts';

const [address = '', namespace = ''] = process.argv.slice(2);
const pollerBehavior = { type: 'autoscaling', minimum: 2, initial: 5, maximum: 20 } as const;

Runtime.install({ logger: new DefaultLogger('WARN'), shutdownSignals: [] });
const connection = await NativeConnection.connect({ address, grpcCompression: { codec: 'none' } });
const worker = await Worker.create({
  connection,
  namespace,
  taskQueue: rawTaskQueue,
  workflowsPath: fileURLToPath(new URL('workflows.ts', import.meta.url)),
  activities,
  workflowTaskPollerBehavior: pollerBehavior,
  activityTaskPollerBehavior: pollerBehavior,
  maxCachedWorkflows: 300,
  maxConcurrentWorkflowTaskExecutions: 40,
  maxConcurrentActivityTaskExecutions: 100,
});
process.once('disconnect', () => worker.shutdown());
const running = worker.run();
process.send?.('ready');
await running;
await connection.close();
