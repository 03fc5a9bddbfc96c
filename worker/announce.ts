/** How a worker process tells of itself: every few seconds, and at once when it begins to stop. */
import type { WorkerRegistry } from '../adapters/ports.ts';
import type { Worker as ToldWorker } from '../contracts/fleet.schema.ts';
import type { Pool } from '../contracts/names.ts';
import type { PoolWorker } from './create-worker.ts';

/** Three of them may be lost before the worker is thought to be gone. */
const announceEveryMs = 5_000;

/** What is told, and where. */
export interface AnnouncerOptions {
  readonly registry: Pick<WorkerRegistry, 'announce' | 'forget'>;
  readonly workers: readonly PoolWorker[];
  readonly slots: Readonly<Record<Pool, number>>;
  readonly facts: Pick<ToldWorker, 'id' | 'hostId' | 'version' | 'buildId' | 'startedAt'>;
  readonly stop: AbortSignal;
}

/**
 * Begins to tell; the answer ends it, and has the worker forgotten. While Redis is away nothing is told, and nobody waits:
 * the next word comes in a few seconds.
 */
export function startAnnouncing(options: AnnouncerOptions): () => Promise<void> {
  const { registry, stop } = options;
  let telling: Promise<void> = Promise.resolve();
  const tell = (): void => {
    // One after another, so that an older word never comes last.
    telling = telling.then(() => registry.announce(describe(options))).catch(() => undefined);
  };
  tell();
  const timer = setInterval(tell, announceEveryMs).unref();
  stop.addEventListener('abort', tell, { once: true });
  return async () => {
    clearInterval(timer);
    stop.removeEventListener('abort', tell);
    await telling;
    await registry.forget(options.facts.id).catch(() => undefined);
  };
}

function describe({ workers, slots, facts, stop }: AnnouncerOptions): ToldWorker {
  const names = [...new Set(workers.map(({ pool }) => pool))];
  return {
    ...facts,
    state: stop.aborted ? 'stopping' : 'running',
    pools: names.map((name) => ({
      name,
      slots: slots[name],
      busySlots: workers.reduce((sum, one) => sum + (one.pool === name ? busySlots(one) : 0), 0),
    })),
  };
}

function busySlots({ worker }: PoolWorker): number {
  const { numInFlightActivities, numInFlightWorkflowActivations } = worker.getStatus();
  return numInFlightActivities + numInFlightWorkflowActivations;
}
