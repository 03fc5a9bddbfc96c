/** The activities of a batch: its items as pages, their ends, its own end. */
import { Context } from '@temporalio/activity';
import type { GlueActivities } from '../contracts/activities.ts';
import type { ActivityDeps } from './deps.ts';
import { translated } from './failures.ts';

const heartbeatMs = 5_000;
/** A look at PostgreSQL although nothing was announced: an announcement may be lost. */
const lookMs = 1_000;

/** Makes the activities of a batch. */
export function createBatchGlue(
  deps: ActivityDeps,
): Pick<GlueActivities, 'takeItems' | 'awaitItems' | 'cancelItems' | 'endBatch'> {
  const announce = (batchId: string): void => {
    deps.live.publish({ kind: 'events', streamId: batchId });
  };
  return {
    takeItems: translated(async (input) => {
      const page = await deps.batches.takeItems(input);
      announce(input.batchId);
      return page;
    }),
    awaitItems: translated((input) => awaitItems(deps, input)),
    cancelItems: translated(async ({ tenantId, batchId }) => {
      const running = await deps.batches.cancelItems(tenantId, batchId);
      for (const taskId of running) deps.live.publish({ kind: 'cancel', taskId });
      announce(batchId);
    }),
    endBatch: translated(async (input) => {
      await deps.batches.endBatch(input);
      announce(input.batchId);
    }),
  };
}

async function awaitItems(
  deps: ActivityDeps,
  { tenantId, batchId, taskIds }: Parameters<GlueActivities['awaitItems']>[0],
): ReturnType<GlueActivities['awaitItems']> {
  const context = Context.current();
  const beat = setInterval(() => {
    context.heartbeat();
  }, heartbeatMs);
  let wake: () => void = () => undefined;
  const unsubscribe = await deps.live.subscribe({ kind: 'events', streamId: batchId }, () => {
    wake();
  });
  try {
    for (;;) {
      // Armed before the look, so that an end announced in between is not slept through.
      const woken = new Promise<void>((resolve) => {
        wake = resolve;
      });
      const ended = await deps.batches.endedOf(tenantId, taskIds);
      if (ended.length > 0) return ended;
      await Promise.race([woken, context.sleep(lookMs)]);
    }
  } finally {
    clearInterval(beat);
    unsubscribe();
  }
}
