/** Delivery to a Temporal that may be new: its search attributes have to be there before the first start names them. */
import type { WorkflowEngine } from '../adapters/ports.ts';
import type { OutboxMessage } from '../contracts/messages.ts';

/** An engine that can register what starts need. */
export interface PreparableEngine extends Pick<WorkflowEngine, 'deliver'> {
  ensureSearchAttributes(): Promise<void>;
}

/** Delivers, after making sure of the search attributes once; a failure to do so is tried again by the next delivery. */
export function deliverWhenReady(
  engine: PreparableEngine,
): (message: OutboxMessage) => Promise<void> {
  let ready: Promise<void> | undefined;
  return async (message) => {
    ready ??= engine.ensureSearchAttributes().catch((error: unknown) => {
      ready = undefined;
      throw error;
    });
    await ready;
    await engine.deliver(message);
  };
}
