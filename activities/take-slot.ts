/** A task's slot: its place in the tenant's cap and in the batch's window. */
import type { SlotScope } from '../adapters/ports.ts';
import { codeOf } from '../contracts/errors.ts';
import type { ActivityDeps } from './deps.ts';
import { longestKeptWaitMs, slotNames, type TaskSession } from './task-session.ts';

/**
 * Waits for a slot in the tenant's cap and in the batch's window, and records that the task runs. A task whose work has
 * begun has its slot still, renewed here, or waits again.
 */
export async function takeSlot(deps: ActivityDeps, session: TaskSession): Promise<void> {
  const { task } = session;
  const { tenantId, taskId } = task.ref;
  const hasBegun = session.startedAt !== undefined;
  const holds = hasBegun && (await keepsSlot(deps, session));
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

/**
 * Renews the slot of a task whose work has begun. While Redis is away nobody is given a slot, so the task goes on with the
 * one that it has; when Redis is back it is renewed, or seen by PostgreSQL, before anybody else gets one.
 */
async function keepsSlot(deps: ActivityDeps, { task }: TaskSession): Promise<boolean> {
  const { ref, waitingSince } = task;
  try {
    return await deps.slots.renew(ref.tenantId, ref.taskId, slotNames(task));
  } catch (error) {
    const nowMs = deps.clock.now();
    const isSure = nowMs - (waitingSince?.getTime() ?? nowMs) < longestKeptWaitMs;
    if (codeOf(error) === 'LIMITER_UNAVAILABLE' && isSure) return true;
    throw error;
  }
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
