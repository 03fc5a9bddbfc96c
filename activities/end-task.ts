/** The end of an attempt whose work did not deliver. */
import { Context } from '@temporalio/activity';
import type { GlueActivities } from '../contracts/activities.ts';
import { endingOf } from '../contracts/failure-class.ts';
import type { ActivityDeps } from './deps.ts';
import { toActivityFailure } from './failures.ts';
import { slotNames } from './task-session.ts';

/**
 * Makes the activity `endTask`. It takes the fence, so that an attempt still at work is shut out; an attempt that has
 * ended keeps its first result. The worktree stays a day for a look.
 */
export function createEndTask(deps: ActivityDeps): GlueActivities['endTask'] {
  return async ({ errorCode, error, summary, ...ref }) => {
    try {
      const { task, fence } = await deps.journal.begin(ref);
      if (task.result !== undefined) return task.result;
      const result = await deps.journal.finish(fence, {
        ...endingOf(errorCode, error),
        ...(summary === undefined ? {} : { summary }),
      });
      deps.live.publish({ kind: 'events', streamId: ref.taskId });
      if (task.batchId !== undefined) deps.live.publish({ kind: 'events', streamId: task.batchId });
      await deps.slots.release(ref.tenantId, ref.taskId, slotNames(task)).catch(() => undefined);
      deps.metrics.taskEnded(result.status);
      return result;
    } catch (failure) {
      throw toActivityFailure(failure, Context.current().info.attempt);
    }
  };
}
