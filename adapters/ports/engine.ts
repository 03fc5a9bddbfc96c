/** Temporal, as the API and the relay use it. */
import type { TaskRef } from '../../contracts/activities.ts';
import type { OutboxMessage } from '../../contracts/messages.ts';

/** An attempt of a task whose workflow has ended without a result. */
export interface LostTask {
  readonly ref: TaskRef;
  /** Temporal's word: terminated, failed, timed out, cancelled. */
  readonly how: string;
}

/** Temporal as the API and the relay use it. Throws ENGINE_UNAVAILABLE when it does not answer. */
export interface WorkflowEngine {
  /** Delivers a message; a start that Temporal knows already, or a cancel of an ended workflow, counts as delivered. */
  deliver(message: OutboxMessage): Promise<void>;
  /** Tasks whose workflow was ended from outside since then; seconds late, as Temporal's lists are. */
  listLostTasks(since: Date): Promise<readonly LostTask[]>;
  isReady(): Promise<boolean>;
}
