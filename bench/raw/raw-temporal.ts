/** Temporal without ado, on the same server: a client, and a worker process of its own. */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { Client, Connection } from '@temporalio/client';
import type { TestTemporal } from '../../tests/support/services/temporal.ts';
import { rawTaskQueue } from './names.ts';
import type * as workflows from './workflows.ts';

/** The comparison, ready to run. */
export interface RawTemporal {
  readonly workerPid: number;
  /** Starts runs of `rawSteps`; does not wait for their ends. */
  startSteps(idPrefix: string, runs: number, stepsPerRun: number): Promise<void>;
  /** Runs a batch to its end. */
  runBatch(workflowId: string, input: Parameters<typeof workflows.rawBatch>[0]): Promise<void>;
  /** Waits for the end of a workflow and counts what its history holds. */
  readHistory(workflowId: string): Promise<HistoryCounts>;
  stop(): Promise<void>;
}

/** What a workflow has cost Temporal. */
export interface HistoryCounts {
  readonly activities: number;
  readonly events: number;
  readonly transitions: number;
}

/** Starts the comparison's worker on a platform's Temporal. */
export async function startRawTemporal({ address, namespace }: TestTemporal): Promise<RawTemporal> {
  const file = fileURLToPath(new URL('worker.ts', import.meta.url));
  const worker = fork(file, [address, namespace], {
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  const ended = once(worker, 'exit');
  await Promise.race([
    once(worker, 'message'),
    ended.then(() => {
      throw new Error('the worker of the comparison does not start');
    }),
  ]);
  const connection = await Connection.connect({ address });
  const client = new Client({ connection, namespace });
  return {
    workerPid: worker.pid ?? 0,
    async startSteps(idPrefix, runs, stepsPerRun) {
      const ids = Array.from({ length: runs }, (_, run) => `${idPrefix}-${run}`);
      const start = (workflowId: string) =>
        client.workflow.start('rawSteps', {
          workflowId,
          taskQueue: rawTaskQueue,
          args: [stepsPerRun],
        });
      await Promise.all(ids.map(start));
    },
    async runBatch(workflowId, input) {
      await client.workflow.execute('rawBatch', {
        workflowId,
        taskQueue: rawTaskQueue,
        args: [input],
      });
    },
    async readHistory(workflowId) {
      const handle = client.workflow.getHandle(workflowId);
      await handle.result();
      const { events } = await handle.fetchHistory();
      const { raw } = await handle.describe();
      return {
        activities: (events ?? []).filter((event) => event.activityTaskScheduledEventAttributes)
          .length,
        events: (events ?? []).length,
        transitions: Number(raw.workflowExecutionInfo?.stateTransitionCount ?? 0),
      };
    },
    async stop() {
      await connection.close();
      worker.disconnect();
      await ended;
    },
  };
}
