/** Temporal, as the API and the relay use it. */
import type { OutboxMessage } from '../../contracts/messages.ts';

/** Temporal as the API and the relay use it. Throws ENGINE_UNAVAILABLE when it does not answer. */
export interface WorkflowEngine {
  /** Delivers a message; a start that Temporal knows already, or a cancel of an ended workflow, counts as delivered. */
  deliver(message: OutboxMessage): Promise<void>;
  isReady(): Promise<boolean>;
}
