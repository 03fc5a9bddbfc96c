/**
 * What there is to do in each pool, who does it, and how many workers it takes: the signal that pools are scaled by.
 *
 * What waits and for how long is Temporal's figure; what is under way is what the workers themselves tell. Both are in
 * the same unit, a task of Temporal that takes a slot of a worker:
 *   - workflows: workflow tasks and glue
 *   - models: model calls that turns do not make themselves
 *   - agents: tasks at work, those that wait for their batch's window too, as their workspace is on a worker's disk. The
 *     queues of the workers' hosts count as the pool's own
 * A task that waits for a person or for a limit of hours takes no slot and is not counted.
 */
import type { Clock, QueueKind, QueueLooks, WorkerRegistry } from '../../adapters/ports.ts';
import type { PoolState, Worker } from '../../contracts/fleet.schema.ts';
import { hostQueue, pools, taskQueues, type Pool } from '../../contracts/names.ts';

/** What the look is made of. */
export interface PoolLookOptions {
  readonly registry: Pick<WorkerRegistry, 'list'>;
  readonly queues: QueueLooks;
  /** Slots of a worker, for a pool without any. */
  readonly slots: Readonly<Record<Pool, number>>;
  readonly clock: Clock;
}

/** Several autoscalers and scrapers, or a person who repeats a command, share a look. */
const looksEveryMs = 1_000;

const queueKinds: Readonly<Record<Pool, readonly QueueKind[]>> = {
  workflows: ['workflow', 'activity'],
  models: ['activity'],
  agents: ['activity'],
};

/** Makes the look at all pools. It fails with LIMITER_UNAVAILABLE or ENGINE_UNAVAILABLE: half a figure is none. */
export function createPoolLook(options: PoolLookOptions): () => Promise<readonly PoolState[]> {
  let last: { readonly atMs: number; readonly answer: Promise<readonly PoolState[]> } | undefined;
  return () => {
    const nowMs = options.clock.now();
    if (last === undefined || nowMs - last.atMs >= looksEveryMs)
      last = { atMs: nowMs, answer: measurePools(options) };
    return last.answer;
  };
}

async function measurePools(options: PoolLookOptions): Promise<readonly PoolState[]> {
  const workers = await options.registry.list();
  return Promise.all(pools.map((pool) => measurePool(pool, workers, options)));
}

async function measurePool(
  pool: Pool,
  workers: readonly Worker[],
  { queues, slots }: PoolLookOptions,
): Promise<PoolState> {
  const members = workers.flatMap((worker) =>
    worker.pools.flatMap((part) => (part.name === pool ? [{ ...worker, ...part }] : [])),
  );
  const running = members.filter(({ state }) => state === 'running');
  const looks = await Promise.all(
    queuesOf(pool, members).flatMap((queue) =>
      queueKinds[pool].map((kind) => queues.lookAtQueue(queue, kind)),
    ),
  );
  const backlog = sum(looks.map((look) => look.backlog));
  const busySlots = sum(members.map((member) => member.busySlots));
  const slotsPerWorker = Math.min(...(running.length === 0 ? [slots[pool]] : slotsOf(running)));
  return {
    name: pool,
    backlog,
    backlogAgeSeconds: Math.max(...looks.map((look) => look.backlogAgeSeconds)),
    pollers: new Set(looks.flatMap((look) => look.pollers)).size,
    busySlots,
    slotsPerWorker,
    workers: running.length,
    desired: Math.ceil((backlog + busySlots) / slotsPerWorker),
  };
}

function slotsOf(members: readonly { readonly slots: number }[]): number[] {
  return members.map(({ slots }) => slots);
}

function queuesOf(pool: Pool, members: readonly { readonly hostId: string }[]): string[] {
  const shared = taskQueues[pool];
  if (pool !== 'agents') return [shared];
  return [shared, ...new Set(members.map(({ hostId }) => hostQueue(hostId)))];
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
