/** A task's slot: taken after its workspace is ready, so that preparing costs nobody a turn. */
import type { SlotScope } from '../adapters/ports.ts';
import type { ActivityDeps } from './deps.ts';
import type { TaskSession } from './task-session.ts';

/**
 * Waits for a slot in the tenant's cap and in the batch's window, then records that the task runs. An attempt that
 * repeats has its slot still, or waits again.
 */
export async function takeSlot(deps: ActivityDeps, session: TaskSession): Promise<void> {
  const { task, fence } = session;
  const { tenantId, taskId } = task.ref;
  const began = deps.clock.now();
  await deps.slots.acquire({
    tenantId,
    holder: taskId,
    scopes: () => scopesOf(deps, session),
    signal: session.signal,
  });
  deps.metrics.slotTaken(deps.clock.now() - began);
  await deps.crashpoint('slot.afterAcquire.beforeRunning');
  await deps.journal.markRunning(fence, deps.hostId);
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
