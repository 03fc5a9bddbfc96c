/** The backlog of the pools' queues: what an autoscaler looks at. */
import type { NativeConnection } from '@temporalio/worker';
import type { Metrics } from '../adapters/telemetry/metrics.ts';
import { taskQueues, type Pool } from '../contracts/names.ts';

type QueueType = Parameters<
  NativeConnection['workflowService']['describeTaskQueue']
>[0]['taskQueueType'];

/** `TASK_QUEUE_TYPE_WORKFLOW` and `TASK_QUEUE_TYPE_ACTIVITY` of Temporal's protocol. */
// eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- The package with the enums is none of ours.
const queueTypes = [1, 2].map((type) => type as QueueType);

/** Asks Temporal how much waits in the queues of these pools, and sets the gauge. */
export async function measureQueues(
  connection: NativeConnection,
  namespace: string,
  {
    pools,
    metrics,
  }: { readonly pools: readonly Pool[]; readonly metrics: Pick<Metrics, 'queueMeasured'> },
): Promise<void> {
  for (const pool of pools) {
    const lengths = await Promise.all(
      queueTypes.map(async (taskQueueType) => {
        const { stats } = await connection.workflowService.describeTaskQueue({
          namespace,
          taskQueue: { name: taskQueues[pool] },
          taskQueueType,
          reportStats: true,
        });
        return Number(stats?.approximateBacklogCount ?? 0);
      }),
    );
    metrics.queueMeasured(
      pool,
      lengths.reduce((sum, length) => sum + length, 0),
    );
  }
}
