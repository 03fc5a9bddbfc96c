/** What activities read and write of tasks and batches, in PostgreSQL. */
import type { JSONObject, LanguageModelV4Message } from '@ai-sdk/provider';
import type {
  EndBatchInput,
  EndedItem,
  ItemPage,
  PublishedWork,
  TakeItemsInput,
  TaskRef,
  TaskResult,
} from '../../contracts/activities.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { NewEvent, stepKinds } from '../../contracts/event.schema.ts';
import type { Finding } from '../../contracts/step.schema.ts';
import type {
  AgentKind,
  Delivery,
  DiffStat,
  Gate,
  GateProfile,
  Policy,
  SandboxKind,
  Variables,
} from '../../contracts/task.schema.ts';
import type { FailureClass, Outcome, WaitReason } from '../../contracts/task-status.ts';
import type { ConsideredRoute } from './models.ts';
import type { MovedBudget } from './money.ts';

/** A task as its own activities see it: the request, and where the current attempt is. */
export interface TaskRecord {
  readonly ref: TaskRef;
  readonly prompt: string;
  readonly repository: string;
  readonly baseCommit: string;
  readonly branch: string;
  readonly agent: AgentKind;
  readonly exec: string | undefined;
  readonly model: string | undefined;
  readonly policy: Policy;
  readonly gates: readonly Gate[];
  readonly gateProfile: GateProfile;
  readonly setup: string | undefined;
  readonly allowHosts: readonly string[];
  readonly delivery: Delivery;
  readonly variables: Variables;
  readonly sandbox: SandboxKind;
  readonly timeoutMs: number;
  readonly maxCostMicroUsd: number;
  readonly batchId: string | undefined;
  readonly itemIndex: number | undefined;
  /** The batch's window; undefined outside a batch. */
  readonly batchParallel: number | undefined;
  /** Head of the task's branch in the mirror: the base commit, or the last recorded commit of any attempt. */
  readonly headCommit: string;
  /** The head that was last delivered, by any attempt: its branch in the repository stands there. */
  readonly publishedCommit: string | undefined;
  /** Base commit to `headCommit`. */
  readonly diffStat: DiffStat;
  /** Cost booked to this attempt so far. */
  readonly costMicroUsd: number;
  /** Spending up to here needs nobody's word. */
  readonly confirmedCostMicroUsd: number;
  /** Somebody said no to more, or nobody answered. */
  readonly costRefused: boolean;
  /** What all items of the batch may spend together; undefined outside a batch, and where none was set. */
  readonly batchMaxCostMicroUsd: number | undefined;
  /** 1 is first, 5 last. */
  readonly priority: number;
  /** `<account>:<model>` of the last answer of any attempt. */
  readonly route: string | undefined;
  /** Input tokens of that answer that are in the provider's cache. */
  readonly cachedTokens: number;
  /** Time that the attempt has waited for its model, or for people: it is not work. Without the wait that it is in. */
  readonly waitedMs: number;
  /** Since when it has been waiting; undefined when it is not. */
  readonly waitingSince: Date | undefined;
  readonly cancelRequested: boolean;
  readonly createdAt: Date;
  /** When the work of this attempt began (its slot was taken); undefined before. */
  readonly startedAt: Date | undefined;
  /** The host that works on it, or worked on it last: its mirror has the commits. */
  readonly worker: string | undefined;
  /** Set when this attempt has ended; nothing is to do then. */
  readonly result: TaskResult | undefined;
}

/** The right of one activity attempt to write: a later one makes all writes of earlier ones fail with SUPERSEDED. */
export interface Fence {
  readonly ref: TaskRef;
  readonly number: number;
}

/** One finished step. `effectId` is its identity: recorded once, whatever repeats it. */
export interface StepEntry {
  readonly step: number;
  readonly kind: (typeof stepKinds)[number];
  /** Name of the gate, of kinds `gate` and `gate-base`. */
  readonly gate?: string;
  readonly effectId: string;
  readonly status: 'succeeded' | 'failed';
  readonly summary: string;
  readonly exitCode?: number;
  readonly findings?: readonly Finding[];
  readonly commit?: string;
  readonly diffStat?: DiffStat;
  readonly costMicroUsd?: number;
  readonly startedAt: Date;
  readonly endedAt: Date;
}

/** A commit as it is on record. With its parent, the message and the date of its task, it can be made again. */
export interface RecordedCommit {
  readonly commit: string;
  /** Of the step that made it. */
  readonly effectId: string;
  /** Names the patch from the base commit. */
  readonly patchSha256: string;
}

/** One model call's usage and cost. */
export interface UsageEntry {
  readonly effectId: string;
  readonly provider: string;
  readonly model: string;
  readonly requestId: string | undefined;
  readonly inputTokens: number;
  readonly outputTokens: number;
  readonly cacheReadTokens: number;
  readonly cacheWriteTokens: number;
  readonly reasoningTokens: number;
  readonly costMicroUsd: number;
  /** Of `cacheWriteTokens`, those that are kept for an hour. */
  readonly cacheWriteHourTokens?: number;
  /** As the answer reports it. */
  readonly serviceTier?: string;
  /** `Cost.priceId`. */
  readonly priceId?: string;
  /** Name of the account in providers.yaml; undefined for scripted models. */
  readonly account?: string;
  /** The accounts that were considered for the call, in order. */
  readonly routes?: readonly ConsideredRoute[];
  /** The purchase that it was bought with: its reservation is settled with the record, in one transaction. */
  readonly callId?: string;
  /** The provider's own report. */
  readonly raw?: JSONObject;
}

/** A message of the transcript. The key tells its origin, and is in an attempt's transcript once. */
export interface KeyedMessage {
  readonly key: string;
  readonly message: LanguageModelV4Message;
}

/** What one activity writes at once: all of it or nothing, in one transaction. Every part is idempotent by its key. */
export interface JournalEntry {
  readonly steps?: readonly StepEntry[];
  /** Appended in order; a message whose key is known already is left out. */
  readonly messages?: readonly KeyedMessage[];
  readonly usage?: UsageEntry;
  readonly events?: readonly NewEvent[];
  /** The whole change so far as a patch; replaces the earlier one. */
  readonly diff?: { readonly patch: string; readonly commit: string; readonly diffStat: DiffStat };
  /** The host that has made the commit. */
  readonly host?: string;
  /** One line that says what the task does now. */
  readonly activity?: string;
  readonly waitingFor?: {
    readonly reason: WaitReason;
    readonly until?: Date;
    readonly detail?: string;
  } | null;
}

/** How an attempt ends. */
export interface TaskEnding {
  readonly outcome: Outcome;
  readonly failureClass?: FailureClass;
  readonly reason?: string;
  readonly errorCode?: ErrorCode;
  readonly error?: string;
  readonly summary?: string;
  readonly commit?: string;
  readonly changed?: boolean;
  readonly diffStat?: DiffStat;
  readonly pullRequestUrl?: string;
}

/** What can be told of an attempt's work beside the work itself. */
export interface WorkFacts {
  /** Booked to the attempt. */
  readonly costMicroUsd: number;
  /** Verdicts of gates that passed and what all come to, each once, in the order in which they were recorded. */
  readonly passedGates: readonly string[];
  /** Of an ended attempt. */
  readonly summary: string | undefined;
}

/** What activities read and write of a task. Any method throws STORE_UNAVAILABLE when PostgreSQL does not answer. */
export interface TaskJournal {
  /**
   * Begins an activity attempt: takes a new fence and answers the task.
   * @throws TASK_NOT_FOUND
   */
  begin(ref: TaskRef): Promise<{ readonly task: TaskRecord; readonly fence: Fence }>;
  /**
   * Records that the slot was taken and the work begins: `queued` → `running`, `task-started`, `item-started`. Repeating
   * it changes nothing. Answers when the work began. @throws SUPERSEDED · TASK_CANCELLED when a cancel came first
   */
  markRunning(fence: Fence, worker: string): Promise<Date>;
  /** Writes an entry. Answers the budgets that a purchase in it has moved. @throws SUPERSEDED */
  record(fence: Fence, entry: JournalEntry): Promise<readonly MovedBudget[]>;
  /**
   * Ends the attempt, once: status, outcome, counts of the batch, `task-ended`, `item-ended`, together with a last entry.
   * An ended attempt answers its first result. A cancel requested before wins over any other ending.
   * @throws SUPERSEDED
   */
  finish(fence: Fence, ending: TaskEnding, entry?: JournalEntry): Promise<TaskResult>;
  /** Finds a finished step of this attempt by its effect id. */
  findStep(ref: TaskRef, effectId: string): Promise<StepEntry | undefined>;
  /** The transcript of this attempt, in order. */
  listMessages(ref: TaskRef): Promise<readonly KeyedMessage[]>;
  /** What the attempt has cost and which gates it has passed, as of now. */
  readFacts(ref: TaskRef): Promise<WorkFacts>;
  /**
   * The commits of a task from its base commit to its head, oldest first, of all attempts; undefined when one of them is
   * not on record as it would have to be to make it again.
   */
  findCommits(ref: TaskRef): Promise<readonly RecordedCommit[] | undefined>;
  /** A patch on record; undefined when it was too long to be kept whole. */
  findPatch(ref: TaskRef, patchSha256: string): Promise<string | undefined>;
  /**
   * Records that another host has the commits of an attempt now. Repeating it changes nothing.
   * @throws SUPERSEDED when another attempt has begun
   */
  recordRebuilt(ref: TaskRef, host: string): Promise<void>;
  /** Records where the work of an ended attempt was published, and tells it in the task's stream, once for each place. */
  recordPublished(ref: TaskRef, published: PublishedWork): Promise<void>;
  /** Whether a cancel was requested. Cheap; asked on the heartbeat. */
  isCancelRequested(ref: TaskRef): Promise<boolean>;
}

/** What activities read and write of a batch. */
export interface BatchJournal {
  /** `parallel` now, and the tasks of the batch that hold a slot (running); undefined when there is no such batch. */
  slotState(
    tenantId: string,
    batchId: string,
  ): Promise<{ readonly parallel: number; readonly running: readonly string[] } | undefined>;
  /** Tasks of the tenant that hold a slot, for seeding after Redis lost them. */
  runningTasks(tenantId: string): Promise<readonly string[]>;
  takeItems(input: TakeItemsInput): Promise<ItemPage>;
  /** Of these tasks, those whose current attempt has ended, and whether it failed. */
  endedOf(tenantId: string, taskIds: readonly string[]): Promise<readonly EndedItem[]>;
  /** Requests cancel of all open items, ends those never started, and answers the ids of the others. */
  cancelItems(tenantId: string, batchId: string): Promise<readonly string[]>;
  endBatch(input: EndBatchInput): Promise<void>;
}
