/** Workflows of the comparison: the shortest that do the same. */
import { executeChild, proxyActivities, workflowInfo } from '@temporalio/workflow';
import type * as activities from './activities.ts';

const { doNothing, work } = proxyActivities<typeof activities>({ startToCloseTimeout: '1m' });

/** So many durable steps that do nothing, one after the other. */
export async function rawSteps(count: number): Promise<void> {
  for (let step = 0; step < count; step += 1) await doNothing();
}

/** One item of a batch: one activity. */
export async function rawItem(durationMs: number): Promise<void> {
  await work(durationMs);
}

/** Keeps `parallel` children running until every item has had its own. */
export async function rawBatch(input: {
  readonly durationsMs: readonly number[];
  readonly parallel: number;
}): Promise<void> {
  const left = input.durationsMs.entries();
  const lane = async (): Promise<void> => {
    for (const [index, durationMs] of left) {
      const workflowId = `${workflowInfo().workflowId}/${index}`;
      await executeChild(rawItem, { workflowId, args: [durationMs] });
    }
  };
  await Promise.all(Array.from({ length: input.parallel }, lane));
}
