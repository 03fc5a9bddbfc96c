/**
 * What workflows may ask of the world. Workflows and activities both compile against this file and never meet.
 * Every activity is idempotent: it may run again after it succeeded, and two attempts of it may overlap. Its identity
 * is the workflow's (tenant, task, attempt, step); an attempt is fenced by the number that the store gives it at its start.
 */
import type { ApprovalDecision, ApprovalQuestion, OpenedApproval } from './approval.ts';
import type { ErrorCode } from './errors.ts';
import type { AccountTest, CredentialState } from './providers.schema.ts';
import type { DiffStat } from './task.schema.ts';
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

/** A step of a task: the pointer that stands for the whole conversation up to it. */
export interface StepRef extends TaskRef {
  /** Counts from 1. A turn takes two: its model call, then its tool calls or the check. */
  readonly step: number;
  /** Set when the agent is stuck: what its approaches so far have failed with. It is told to try another one. */
  readonly otherApproach?: readonly string[];
  /** Set when a person let the agent go on: key of the question. It is told what they said. */
  readonly advisedBy?: string;
}

/** How a turn of an agent ended, and what the workflow needs to know to go on. */
export type TurnResult =
  /** The attempt has ended, well or badly. */
  | { readonly next: 'end'; readonly result: TaskResult }
  /** The turn needs an answer of the model, and this host asks none: `callModel`, then the same turn again. */
  | { readonly next: 'model'; readonly hostQueue: string }
  /** The turn's model call, or its delivery, has to wait; afterwards the same turn again. */
  | { readonly next: 'hold'; readonly hostQueue: string; readonly hold: CallHold }
  | {
      readonly next: 'turn';
      /** Queue of the host that has the worktree. */
      readonly hostQueue: string;
      /** One line for the UI: what the turn did. */
      readonly summary: string;
      /** Set when a gate sent the work back; what it said is in the transcript. */
      readonly rejected?: Rejection;
      /** With `rejected`: how much was done until then. */
      readonly done?: WorkDone;
      /** With `rejected`: before the task ends unfinished, a person is asked whether it may go on. */
      readonly asksPeople?: boolean;
    };

/** How much an attempt of a task has done so far. */
export interface WorkDone {
  /** Time at work in milliseconds, waits not counted. */
  readonly workMs: number;
  /** From the base commit. */
  readonly diffStat: DiffStat;
}

/** A person has to be asked; afterwards the same again, on the host that has the work. */
export interface AskingHold {
  readonly next: 'hold';
  readonly hostQueue: string;
  readonly hold: Extract<CallHold, { readonly kind: 'ask' }>;
}

/** Why a turn does not go on, and what has to happen first. */
export type CallHold =
  | {
      readonly kind: 'wait';
      /** When to try again, in milliseconds since 1970; more than five minutes away when it was decided. */
      readonly untilMs: number;
      /** For people: which account, which limit. */
      readonly detail: string;
    }
  | { readonly kind: 'ask'; readonly question: ApprovalQuestion };

/** A gate that failed. `fingerprint` is equal for equal failures. */
export interface Rejection {
  readonly gate: string;
  readonly fingerprint: string;
  readonly message: string;
  /**
   * What the failure consists of, as short hashes: its findings or, where none could be read, the lines of its output. At
   * most 40. Failures that share nearly all of them are nearly equal.
   */
  readonly traits?: readonly string[];
  /** Undefined where no findings could be read. */
  readonly findingCount?: number;
}

/** How an attempt ends when its work did not deliver. */
export interface EndTaskInput extends TaskRef {
  readonly status: 'failed' | 'cancelled';
  readonly errorCode: ErrorCode;
  readonly error: string;
  /** What there is of the work, and what is missing. */
  readonly summary?: string;
}

/** Puts a question on record. The id counts unless the question was asked before, under another one. */
export interface OpenApprovalInput extends TaskRef {
  readonly approvalId: string;
  readonly question: ApprovalQuestion;
}

/** An approval that its workflow waits for. */
export interface ApprovalRef {
  readonly tenantId: string;
  readonly approvalId: string;
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
   * The whole of a `command` task: workspace, slot, command, commit, gates, delivery, result. What no retry can mend ends
   * the task here. A repeated call answers the recorded result. Answers what a person has to be asked first where the work
   * may not be delivered yet.
   */
  performCommandTask(input: TaskRef): Promise<TaskResult | AskingHold>;
  /**
   * One turn of an agent. Of `builtin` it is the model's answer (asked for here when this process serves the models pool,
   * else taken from the record), then the tool calls that it asks for, or, when it asks for none, gates and delivery; of a
   * program of others it is all that the program does until it says that it is done, gates and delivery. The first turn also
   * prepares the workspace and takes the slot. What no retry can mend ends the task here. A repeated call goes on
   * after the last answer and the last tool call on record.
   */
  takeTurn(input: StepRef): Promise<TurnResult>;
  /** Pushes the branch of an ended task, and makes its pull request when asked. A repeated call finds both. */
  publishWork(input: PublishInput): Promise<PublishStep>;
}

/** What is to be published. */
export interface PublishInput {
  readonly ref: TaskRef;
  readonly pullRequest: boolean;
  /** Branch that the pull request is for. */
  readonly target?: string;
  /** Also where another host has made the commits: it does not answer, and they are made again. */
  readonly anyHost: boolean;
}

/** Where published work is. */
export interface PublishedWork {
  readonly branch: string;
  readonly commit: string;
  readonly pullRequestUrl?: string;
}

/** How `publishWork` ended: done, or to be asked of the host that has the commits. */
export type PublishStep =
  | { readonly next: 'end'; readonly published: PublishedWork }
  | { readonly next: 'host'; readonly hostQueue: string };

/** What came of publishing, for who waits. */
export type PublishAnswer =
  | ({ readonly ok: true } & PublishedWork)
  | { readonly ok: false; readonly errorCode: ErrorCode; readonly error: string };

/** Looks at accounts, made where calls are made. They change nothing and have one attempt: a person waits. */
export interface AccountActivities {
  /** Asks an account's provider for its list of models. A failure is an answer. */
  testAccount(input: AccountName): Promise<AccountTest>;
  /** Where the credentials of all accounts stand. */
  listCredentials(): Promise<readonly AccountCredential[]>;
}

/** Names an account of providers.yaml. */
export interface AccountName {
  readonly account: string;
}

/** Where the credential of one account stands. */
export interface AccountCredential extends AccountName, CredentialState {}

/** Activities of the models pool. */
export interface ModelActivities extends AccountActivities {
  /**
   * The model call of a turn. A repeated call finds the recorded answer and costs nothing. Answers what has to happen
   * first when the call could not be made yet.
   */
  callModel(input: StepRef): Promise<CallHold | undefined>;
}

/** Short glue on the workflows pool. */
export interface GlueActivities {
  /** Records how an attempt ended, once; gives its slot back; cleans up. Answers what was recorded first. */
  endTask(input: EndTaskInput): Promise<TaskResult>;
  /**
   * Asks a person: the question goes on record once, the task becomes `awaiting_approval` and gives its slot back. A
   * question that was asked before in this attempt (by its key) answers what is on record.
   */
  openApproval(input: OpenApprovalInput): Promise<OpenedApproval>;
  /** Reminds people for the `reminder`-th time, once. Answers the decision if there is one by now. */
  remindApproval(
    input: ApprovalRef & { readonly reminder: number },
  ): Promise<ApprovalDecision | undefined>;
  /** Lets the default decision count if the question is still open. Answers the decision that counts. */
  expireApproval(input: ApprovalRef): Promise<ApprovalDecision>;
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
