/** The workers, their queues and the tasks of all tenants, as the API sees them. */
import type { Worker } from '../../contracts/fleet.schema.ts';

/** Where workers tell of themselves. Throws LIMITER_UNAVAILABLE when Redis does not answer. */
export interface WorkerRegistry {
  /** Tells of a worker; what it told before is forgotten. Forgotten 15 s later, unless it tells again. */
  announce(worker: Worker): Promise<void>;
  /** Forgets a worker, which has ended. */
  forget(workerId: string): Promise<void>;
  /** Those that told of themselves in time, by id. */
  list(): Promise<Worker[]>;
}

/** Which kinds of Temporal's tasks a queue holds. */
export type QueueKind = 'workflow' | 'activity';

/** One queue of Temporal. */
export interface QueueStats {
  /** Tasks that wait, as Temporal estimates it. */
  readonly backlog: number;
  /** How long the oldest of them has waited. */
  readonly backlogAgeSeconds: number;
  /** Identities of the processes that asked for tasks within about a minute. */
  readonly pollers: readonly string[];
}

/** Looks at queues of Temporal. Throws ENGINE_UNAVAILABLE. */
export interface QueueLooks {
  lookAtQueue(queue: string, kind: QueueKind): Promise<QueueStats>;
}

/** Tasks of all tenants that have not ended, in numbers. */
export interface OpenTasks {
  /** Tasks whose work has not begun. */
  readonly pending: number;
  /** How long the task has worked that has worked longest, in its current attempt; 0 when none runs. */
  readonly longestWorkMs: number;
}
