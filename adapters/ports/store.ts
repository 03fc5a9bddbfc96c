/** What the API reads and writes: tasks, batches, keys, the outbox. */
import type { Batch, ChangeBatch, RetryBatch, SubmitBatch } from '../../contracts/batch.schema.ts';
import type { Event } from '../../contracts/event.schema.ts';
import type { Scope } from '../../contracts/http.schema.ts';
import type { OutboxMessage } from '../../contracts/messages.ts';
import type { Message, Step } from '../../contracts/step.schema.ts';
import type { GateProfile, Task, Variables, Work } from '../../contracts/task.schema.ts';
import type { FailureClass, Outcome } from '../../contracts/task-status.ts';

/** Who asks: what a checked key stands for. Every store method takes its tenant from here. */
export interface Actor {
  readonly tenantId: string;
  readonly tenantName: string;
  readonly keyId: string;
  readonly scopes: readonly Scope[];
}

/** A task about to be stored: the request with its target resolved. */
export interface NewTask extends Omit<Work, 'fresh' | 'confirmAboveCostMicroUsd' | 'gateProfile'> {
  readonly id: string;
  readonly gateProfile: GateProfile;
  readonly prompt: string;
  readonly repository: string;
  readonly baseRef: string | undefined;
  readonly baseCommit: string;
  readonly branch: string;
  readonly variables: Variables;
  /** Hash of all that decides the result; undefined with `fresh`, so that no finished result is taken. */
  readonly contentKey: string;
  readonly reuse: boolean;
  readonly skip: 'optout' | undefined;
  /** Spending up to here needs nobody's word. */
  readonly confirmedCostMicroUsd: number;
}

/** A batch about to be stored. */
export interface NewBatch extends Omit<SubmitBatch, 'items' | 'confirmAboveCostMicroUsd'> {
  readonly id: string;
  readonly name: string;
  readonly items: readonly NewTask[];
}

/** What makes a submit safe to repeat. */
export interface IdempotencyClaim {
  readonly key: string;
  /** Hash of route and body; another body with the same key is refused. */
  readonly requestHash: string;
}

/** A page of a list. */
export interface Page<T> {
  readonly items: readonly T[];
  readonly nextCursor: string | null;
}

/** Filters of the task list. */
export interface TaskFilter {
  readonly status?: readonly Task['status'][] | undefined;
  readonly outcome?: readonly Outcome[] | undefined;
  readonly failureClass?: readonly FailureClass[] | undefined;
  readonly batchId?: string | undefined;
  /** Only items of batches, or only others. */
  readonly inBatch?: boolean | undefined;
  readonly repository?: string | undefined;
  readonly label?: string | undefined;
  readonly limit: number;
  readonly cursor?: string | undefined;
}

/** What the API reads and writes. Foreign and unknown ids answer …_NOT_FOUND alike. */
export interface TaskStore {
  /**
   * Stores task, outbox row and idempotency row in one transaction (durable when it answers). A repeated claim answers
   * the first task. With `reuse`, a task whose content key has a succeeded result is stored as ended
   * (`skipped_unchanged`, `cached`) and not started. @throws IDEMPOTENCY_KEY_REUSED
   */
  createTask(actor: Actor, task: NewTask, claim: IdempotencyClaim | undefined): Promise<Task>;
  /** The same for a batch with all its items (bulk insert). @throws IDEMPOTENCY_KEY_REUSED */
  createBatch(actor: Actor, batch: NewBatch, claim: IdempotencyClaim | undefined): Promise<Batch>;
  /** The answer of an earlier submit with this claim, to spare the work before storing. @throws IDEMPOTENCY_KEY_REUSED */
  findClaimed(actor: Actor, claim: IdempotencyClaim): Promise<string | undefined>;
  /** Tasks with a succeeded result for these content keys: key → task id. */
  findResults(actor: Actor, contentKeys: readonly string[]): Promise<ReadonlyMap<string, string>>;
  getTask(actor: Actor, taskId: string): Promise<Task>;
  listTasks(actor: Actor, filter: TaskFilter): Promise<Page<Task>>;
  /** Requests cancel; a task that was never started ends at once. @throws TASK_ALREADY_ENDED unless it ended by cancel */
  cancelTask(actor: Actor, taskId: string, reason: string | undefined): Promise<Task>;
  /** New attempt of a failed or cancelled task. @throws TASK_NOT_ENDED · NOTHING_TO_RETRY when it succeeded */
  retryTask(actor: Actor, taskId: string): Promise<Task>;
  listSteps(
    actor: Actor,
    taskId: string,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<Step>>;
  listMessages(
    actor: Actor,
    taskId: string,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<Message>>;
  getDiff(actor: Actor, taskId: string): Promise<string>;
  getBatch(actor: Actor, batchId: string): Promise<Batch>;
  listBatches(
    actor: Actor,
    page: { limit: number; cursor?: string | undefined },
  ): Promise<Page<Batch>>;
  changeBatch(actor: Actor, batchId: string, change: ChangeBatch): Promise<Batch>;
  cancelBatch(actor: Actor, batchId: string, reason: string | undefined): Promise<Batch>;
  retryBatch(
    actor: Actor,
    batchId: string,
    retry: RetryBatch,
  ): Promise<{ readonly batch: Batch; readonly retried: number }>;
  /** Events of a stream after a sequence number, in order, at most `limit`. */
  listEvents(
    actor: Actor,
    streamId: string,
    afterSeq: number,
    limit: number,
  ): Promise<readonly Event[]>;
}

/** Keys of the API. */
export interface KeyStore {
  /** The actor of a key, or undefined when it is unknown, expired or revoked. Compares in constant time. */
  findActor(key: string): Promise<Actor | undefined>;
  /** Makes sure that a tenant and a key exist; repeating it changes nothing. Used by the embedded default. */
  ensureKey(
    tenantId: string,
    tenantName: string,
    key: string,
    scopes: readonly Scope[],
  ): Promise<void>;
}

/** Messages to Temporal that were committed with the state they belong to. */
export interface Outbox {
  /**
   * Hands up to `limit` due messages to `deliver`, each row locked (`FOR UPDATE SKIP LOCKED`) until it is marked, so that
   * several relays share the work. One that throws stays, due again later with back-off. Answers how many were delivered.
   */
  relay(limit: number, deliver: (message: OutboxMessage) => Promise<void>): Promise<number>;
}
