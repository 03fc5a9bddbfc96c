/** A task's slot: its place in the tenant's cap and in the batch's window. */
import type { SlotScope } from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';
import { slotNames, type TaskSession } from './task-session.ts';

/**
 * Waits for a slot in the tenant's cap and in the batch's window, and records that the task runs. A task whose work has
 * begun has its slot still, renewed here, or waits again.
 */
export async function takeSlot(deps: ActivityDeps, session: TaskSession): Promise<void> {
  const { task } = session;
  const { tenantId, taskId } = task.ref;
  const hasBegun = session.startedAt !== undefined;
  const holds = hasBegun && (await deps.slots.renew(tenantId, taskId, slotNames(task)));
  if (!holds) {
    const began = deps.clock.now();
    await deps.slots.acquire({
      tenantId,
      holder: taskId,
      scopes: () => scopesOf(deps, session),
      signal: session.signal,
    });
    deps.metrics.slotTaken(deps.clock.now() - began);
  }
  await deps.crashpoint('slot.afterAcquire.beforeRunning');
  if (!hasBegun) await session.markRunning();
  session.holdSlot();
}

async function scopesOf(deps: ActivityDeps, { task }: TaskSession): Promise<readonly SlotScope[]> {
  const { tenantId } = task.ref;
  const tenant: SlotScope = {
    name: `tenant:${tenantId}`,
    limit: deps.tenantRunningMax,
    holders: () => deps.batches.runningTasks(tenantId),
  };
  if (task.batchId === undefined) return [tenant];
  const { batchId } = task;
  const state = await deps.batches.slotState(tenantId, batchId);
  if (state === undefined) return [tenant];
  return [
    tenant,
    {
      name: `batch:${batchId}`,
      limit: state.parallel,
      holders: () => Promise.resolve(state.running),
    },
  ];
}
