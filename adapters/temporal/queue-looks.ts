/** The QueueLooks port: what Temporal says of a queue. */
import type { ConnectionLike } from '@temporalio/client';
import type { QueueKind, QueueStats } from '../ports.ts';

/** `TASK_QUEUE_TYPE_WORKFLOW` and `…_ACTIVITY` of Temporal's protocol. */
const queueTypes = { workflow: 1, activity: 2 } as const satisfies Record<QueueKind, number>;

/** A poll waits for up to a minute and is noted when it begins: an older one has ended, and no new one came. */
const pollMs = 75_000;

/** Asks Temporal how much waits in a queue, and who asks for it. Sticky queues of workflows are not counted. */
export async function lookAtQueue(
  { workflowService }: Pick<ConnectionLike, 'workflowService'>,
  namespace: string,
  { queue, kind }: { readonly queue: string; readonly kind: QueueKind },
): Promise<QueueStats> {
  const { stats, pollers } = await workflowService.describeTaskQueue({
    namespace,
    taskQueue: { name: queue },
    // eslint-disable-next-line @typescript-eslint/no-unsafe-enum-assignment -- The package with the enum is none of ours.
    taskQueueType: queueTypes[kind],
    reportStats: true,
  });
  const age = stats?.approximateBacklogAge;
  const polledSince = Date.now() - pollMs;
  return {
    backlog: Number(stats?.approximateBacklogCount ?? 0),
    backlogAgeSeconds: Number(age?.seconds ?? 0) + (age?.nanos ?? 0) / 1e9,
    pollers: pollers.flatMap(({ identity, lastAccessTime }) =>
      Number(lastAccessTime?.seconds ?? 0) * 1_000 >= polledSince ? [identity ?? ''] : [],
    ),
  };
}
