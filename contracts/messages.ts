/** Signals, updates and queries, and the inputs and results of workflows. Inputs are one object each, so that fields can be added. */
import { defineQuery, defineSignal, defineUpdate } from '@temporalio/workflow';
import type { Rejection, TaskRef } from './activities.ts';
import type { ApprovalAnswer, ApprovalDecision } from './approval.ts';
import type { AgentKind } from './task.schema.ts';

/** Input of `agentTask`: pointers and what the UI shows; the request itself is in PostgreSQL. */
export interface AgentTaskInput extends TaskRef {
  readonly agent: AgentKind;
  readonly repository: string;
  readonly model?: string;
  readonly batchId?: string;
  /** Time for the work of the attempt, in milliseconds. */
  readonly timeoutMs: number;
  /** Shown; absent where a batch has no common budget. */
  readonly maxCostMicroUsd?: number;
  /** State carried over by continue-as-new. */
  readonly carried?: AgentTaskProgress;
}

/** Where a task is; small enough to be carried over. */
export interface AgentTaskProgress {
  /** Steps begun so far. */
  readonly step: number;
  /** What the last turn did. */
  readonly last?: string;
  /** Times that the gates have sent the work back. */
  readonly rounds: number;
  /** The last failures that count (workflows/repair-rounds.ts), oldest first. */
  readonly failures?: readonly Rejection[];
  /** The agent was stuck, and was asked for another approach. */
  readonly triedOtherApproach?: boolean;
  /** Work time at the first of those failures, in milliseconds. */
  readonly repairsSinceMs?: number;
  /** What the approaches so far have failed with, for the next turn to tell. */
  readonly otherApproach?: readonly string[];
  /** Questions whether it may go on that people were asked so far. */
  readonly questions?: number;
  /** Key of the question by which a person let the agent go on, for the next turn to tell. */
  readonly advisedBy?: string;
  /** Queue of the host that has the worktree. */
  readonly hostQueue?: string;
  /** That host asks no models: `callModel` comes before each turn. */
  readonly asksElsewhere?: boolean;
}

/** Input of `agentBatch`. */
export interface AgentBatchInput {
  readonly tenantId: string;
  readonly batchId: string;
  readonly name: string;
  readonly agent: AgentKind;
  readonly model?: string;
  readonly parallel: number;
  readonly total: number;
  /** Items that may fail before no new ones start. */
  readonly failureBudget?: number;
  readonly timeoutMs: number;
  /** Shown; absent where a batch has no common budget. */
  readonly maxCostMicroUsd?: number;
  /** 1 is first, 5 last; children inherit it. */
  readonly priority: number;
  /** Events after which the run continues as new; shorter in tests. Default 2,000. */
  readonly maxHistoryEvents?: number;
  readonly carried?: AgentBatchProgress;
}

/** Where a batch is, carried over by continue-as-new. */
export interface AgentBatchProgress {
  /** Pages taken so far; makes the next page's key. */
  readonly pages: number;
  readonly ended: number;
  readonly failed: number;
  readonly parallel: number;
  readonly failureBudget?: number;
  /** Items started and not seen to end. */
  readonly open: readonly string[];
  /** Items taken and not started. */
  readonly buffer: readonly {
    readonly taskId: string;
    readonly attempt: number;
    readonly repository: string;
  }[];
  readonly exhausted: boolean;
}

/** Result of `agentBatch`. */
export interface AgentBatchResult {
  readonly batchId: string;
  readonly ended: number;
  readonly failed: number;
}

/** A batch was changed, or got items back from a retry. Sent with start, so that an ended batch begins a new round. */
export interface BatchChange {
  readonly parallel?: number;
  readonly failureBudget?: number;
  /** Items wait to be taken. */
  readonly moreItems?: boolean;
}

/** Tells a live batch that it was changed. */
export const changeBatchSignal = defineSignal<[BatchChange]>('changeBatch');
/** Answers how far a batch is; for debugging: lists and pages read PostgreSQL. */
export const getBatchProgress = defineQuery<
  Omit<AgentBatchProgress, 'buffer'> & { readonly buffered: number }
>('getProgress');
/** Answers how far a task is; for debugging. */
export const getTaskProgress = defineQuery<AgentTaskProgress>('getProgress');

/**
 * Tells a task that its question was answered; PostgreSQL has decided already, this only wakes it. Refused by a task that
 * does not wait for this answer (any more): APPROVAL_NOT_FOUND, APPROVAL_DECIDED.
 */
export const decideApprovalUpdate = defineUpdate<ApprovalDecision, [ApprovalAnswer]>(
  'decideApproval',
);

/** What the outbox delivers to Temporal, at least once; each is harmless when repeated. */
export type OutboxMessage = OutboxContent & {
  /** The span of the request that it comes from (W3C Trace Context), where that is traced. */
  readonly traceparent?: string;
};

type OutboxContent =
  | {
      readonly kind: 'start-task';
      readonly workflowId: string;
      readonly input: AgentTaskInput;
      readonly priority: number;
    }
  /** Signals the batch, starting it when it does not run. */
  | { readonly kind: 'wake-batch'; readonly input: AgentBatchInput; readonly change: BatchChange }
  | { readonly kind: 'cancel-workflow'; readonly workflowId: string }
  /** Wakes the task that waits for the answer. */
  | {
      readonly kind: 'decide-approval';
      readonly workflowId: string;
      readonly answer: ApprovalAnswer;
    };
