/** How a worker process ends: on request in good order, or with an error when a part of it is gone for good. */
import type { Worker } from '@temporalio/worker';

/** Aborts once the process is asked to end (SIGTERM, SIGINT). A second signal ends it the hard way. */
export function createStopSignal(): AbortSignal {
  const stop = new AbortController();
  for (const name of ['SIGTERM', 'SIGINT'] as const) {
    process.once(name, () => {
      stop.abort(new Error(`asked to end by ${name}`));
    });
  }
  return stop.signal;
}

/**
 * Runs workers until the signal. Then they take no more tasks, give running activities their grace, and hand over what is
 * left. When one fails, the others are stopped in the same way, and its error is thrown.
 */
export async function runWorkers(workers: readonly Worker[], stop: AbortSignal): Promise<void> {
  const shutDown = (): void => {
    for (const worker of workers) if (worker.getState() === 'RUNNING') worker.shutdown();
  };
  stop.addEventListener('abort', shutDown, { once: true });
  const runs = workers.map(async (worker) => {
    try {
      await worker.run();
    } finally {
      shutDown();
    }
  });
  if (stop.aborted) shutDown();
  const ends = await Promise.allSettled(runs);
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) throw failed.reason;
}
