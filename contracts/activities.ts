/**
 * What workflows may ask of the world. Workflows and activities both compile against this file and never meet.
 * Every activity is idempotent: it may run again after it succeeded, and two attempts of it may overlap. Its identity
 * is the workflow's (tenant, task, attempt, step); an attempt is fenced by the number that the store gives it at its start.
 */
import type { ErrorCode } from './errors.ts';
import type { FailureClass, Outcome, TaskStatus } from './task-status.ts';

/** One attempt of one task. */
export interface TaskRef {
  readonly tenantId: string;
  readonly taskId: string;
  /** 1 for the first; each retry of the task adds one. Not Temporal's attempt of an activity. */
  readonly attempt: number;
}

/** What a finished attempt leaves in workflow history: small; the rest is in PostgreSQL. */
export interface TaskResult {
  readonly taskId: string;
  readonly status: Extract<TaskStatus, 'succeeded' | 'failed' | 'cancelled'>;
  readonly outcome: Outcome;
  readonly failureClass?: FailureClass;
  readonly errorCode?: ErrorCode;
  readonly error?: string;
  readonly commit?: string;
  readonly costMicroUsd: number;
}

/** Where the rest of a task's steps should run. */
export interface OpenedWorkspace {
  /** Queue of the host that has the worktree. */
  readonly hostQueue: string;
}

/** A step of a task: the pointer that stands for the whole conversation up to it. */
export interface StepRef extends TaskRef {
  /** Counts from 1 in the order of the workflow's calls. */
  readonly step: number;
}

/** What the workflow needs to know of a model's answer. */
export interface ModelTurn {
  /** Number of tool calls that wait to be run; 0 means that the model is done. */
  readonly toolCalls: number;
  readonly costMicroUsd: number;
  /** One line for the UI. */
  readonly summary: string;
}

/** What the workflow needs to know of a turn's tool calls. */
export interface ToolsTurn {
  readonly summary: string;
}

/** The verdict of the gates. */
export type CheckResult =
  | { readonly verdict: 'delivered'; readonly result: TaskResult }
  /** `fingerprint` is equal for equal failures; the feedback is in the transcript already. */
  | {
      readonly verdict: 'rejected';
      readonly gate: string;
      readonly fingerprint: string;
      readonly message: string;
    };

/** How an attempt ends when its work did not deliver. */
export interface EndTaskInput extends TaskRef {
  readonly status: 'failed' | 'cancelled';
  readonly errorCode: ErrorCode;
  readonly error: string;
}

/** An item that the batch workflow may start a child for. */
export interface BatchItem {
  readonly taskId: string;
  readonly attempt: number;
  readonly repository: string;
}

/** Asks for the next items of a batch. `pageKey` is the identity of the page: the same key, the same items. */
export interface TakeItemsInput {
  readonly tenantId: string;
  readonly batchId: string;
  readonly pageKey: string;
  readonly limit: number;
}

/** A page of items. Items whose result is known already were ended by the call and are not in it. */
export interface ItemPage {
  readonly items: readonly BatchItem[];
  /** Nothing is left to take for now; a retry may add items later. */
  readonly exhausted: boolean;
}

/** Asks which of the items (started by an earlier run of the batch workflow) have ended. */
export interface AwaitItemsInput {
  readonly tenantId: string;
  readonly batchId: string;
  readonly taskIds: readonly string[];
}

/** An item that has ended. */
export interface EndedItem {
  readonly taskId: string;
  readonly failed: boolean;
}

/** How a batch ends. */
export interface EndBatchInput {
  readonly tenantId: string;
  readonly batchId: string;
  /** Why items that never started will not: they become `cancelled` with this reason. */
  readonly because: 'finished' | 'cancelled' | 'failure_budget';
}

/** Activities of the agents pool. */
export interface AgentActivities {
  /**
   * The whole of a `command` task: workspace, slot, command, commit, gates, delivery, result. Throws the code it failed
   * with; the workflow then calls `endTask`. A repeated call answers the recorded result.
   */
  performCommandTask(input: TaskRef): Promise<TaskResult>;
  /** Prepares the workspace of a `builtin` task, takes its slot and records that it runs. */
  openWorkspace(input: TaskRef): Promise<OpenedWorkspace>;
  /** Runs the tool calls that the model asked for in `step − 1`, each recorded as it ends, then commits what changed. */
  runTools(input: StepRef): Promise<ToolsTurn>;
  /** Runs the gates; when all pass, delivers the branch and ends the task, else tells the model what failed. */
  checkWork(input: StepRef): Promise<CheckResult>;
}

/** Activities of the models pool. */
export interface ModelActivities {
  /** One model call. A repeated call of the same step answers from the stored message and costs nothing. */
  callModel(input: StepRef): Promise<ModelTurn>;
}

/** Short glue on the workflows pool. */
export interface GlueActivities {
  /** Records how an attempt ended, once; gives its slot back; cleans up. Answers what was recorded first. */
  endTask(input: EndTaskInput): Promise<TaskResult>;
  /** Marks the batch running and takes its next items. */
  takeItems(input: TakeItemsInput): Promise<ItemPage>;
  /** Waits until at least one of the items has ended, and answers all that have. Heartbeats. */
  awaitItems(input: AwaitItemsInput): Promise<readonly EndedItem[]>;
  /** Asks every open item of the batch to stop, and ends those that never started. */
  cancelItems(input: { readonly tenantId: string; readonly batchId: string }): Promise<void>;
  /** Ends what never started, counts, and writes the batch's result. */
  endBatch(input: EndBatchInput): Promise<void>;
}

/** All activities of the platform. */
export interface TaskActivities extends AgentActivities, ModelActivities, GlueActivities {}
