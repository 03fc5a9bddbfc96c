/** Activities for tests of workflows: they do nothing in the world, and tell what was asked of them. */
import { EventEmitter, once } from 'node:events';
import { ApplicationFailure, Context } from '@temporalio/activity';
import type {
  AskingHold,
  BatchItem,
  CallHold,
  EndedItem,
  TaskActivities,
  TaskRef,
  TaskResult,
} from '../../contracts/activities.ts';
import type { ApprovalDecision, CostQuestion } from '../../contracts/approval.ts';

/** The result of a task that went well. */
export function succeeded(taskId: string): TaskResult {
  return { taskId, status: 'succeeded', outcome: 'succeeded', costMicroUsd: 0 };
}

/** What a test scripts; each has a default that goes well. */
export interface Script {
  readonly items?: readonly BatchItem[];
  /** `cancelled` resolves when the batch has asked its items to stop. */
  readonly performCommandTask?: (
    ref: TaskRef,
    cancelled: Promise<void>,
  ) => Promise<TaskResult | AskingHold>;
  /** Answered by `takeTurn` of a step; a turn without an answer ends the task well. */
  readonly takeTurn?: (step: number) => 'tools' | { readonly fingerprint: string } | undefined;
  /** The host of the worktree asks no models: each turn has to come after its `callModel`. */
  readonly asksElsewhere?: boolean;
  readonly hostQueue?: string;
  /** Before it ends unfinished, the task asks a person: the answers in their order, then silence. */
  readonly lastWords?: readonly ApprovalDecision[];
  /** The model call of this step asks a person first. Times count from the question. */
  readonly asksAt?: {
    readonly step: number;
    readonly deadlineMs: number;
    readonly remindersMs?: readonly number[];
    /** Keeps the question from being on record until it resolves. */
    readonly opening?: Promise<void>;
  };
}

/** The only question that a script asks, as PostgreSQL has it; tests may decide it there. */
export interface FakeApproval {
  approvalId: string | undefined;
  decision: ApprovalDecision | undefined;
}

const question: CostQuestion = {
  kind: 'cost',
  title: 'Spend more than $1.00 on this task?',
  key: 'cost',
  facts: {
    route: 'main:model-1',
    spentMicroUsd: 900_000,
    confirmedMicroUsd: 1_000_000,
    nextCallMicroUsd: 300_000,
    limitMicroUsd: 5_000_000,
  },
};

/** Fake activities, and the record of their calls. */
export interface FakeActivities {
  readonly activities: TaskActivities;
  /** Names of calls in order, with what tells them apart: `takeTurn 3`. */
  readonly calls: string[];
  readonly running: Set<string>;
  readonly ended: Map<string, string>;
  readonly approval: FakeApproval;
  /** What `endTask` was given to keep of unfinished work. */
  readonly summaries: string[];
  /** Most tasks at work at once. */
  peak(): number;
  /** Resolves when a call with this name has begun. */
  seen(call: string): Promise<void>;
}

/** Makes the activities of one test. */
export function fakeActivities(script: Script = {}): FakeActivities {
  const calls: string[] = [];
  const summaries: string[] = [];
  const running = new Set<string>();
  const ended = new Map<string, string>();
  const answered = new Set<number>();
  const pages = new Map<string, readonly BatchItem[]>();
  const approval: FakeApproval = { approvalId: undefined, decision: undefined };
  const told = new EventEmitter().setMaxListeners(0);
  const waiting = [...(script.items ?? [])];
  const lastWords = [...(script.lastWords ?? [])];
  let peak = 0;
  let cancel: () => void = () => undefined;
  const cancelled = new Promise<void>((resolve) => {
    cancel = resolve;
  });

  const note = (call: string): void => {
    calls.push(call);
    told.emit(call);
  };
  const finish = <T extends TaskResult | AskingHold>(ref: TaskRef, result: T): T => {
    if ('next' in result) return result;
    if (!ended.has(ref.taskId)) ended.set(ref.taskId, result.status);
    told.emit('ended');
    return result;
  };
  const holdOf = (step: number): CallHold | undefined =>
    script.asksAt?.step === step && approval.decision === undefined
      ? { kind: 'ask', question }
      : undefined;
  const activities: TaskActivities = {
    async performCommandTask(ref) {
      note('performCommandTask');
      running.add(ref.taskId);
      peak = Math.max(peak, running.size);
      try {
        return finish(
          ref,
          await (script.performCommandTask?.(ref, cancelled) ??
            Promise.resolve(succeeded(ref.taskId))),
        );
      } finally {
        running.delete(ref.taskId);
      }
    },
    takeTurn(ref) {
      const told = ref.otherApproach;
      const other = told === undefined ? '' : `, other than: ${told.join(' · ')}`;
      const advised = ref.advisedBy === undefined ? '' : `, advised by ${ref.advisedBy}`;
      note(`takeTurn ${String(ref.step)}${other}${advised}`);
      const hostQueue = script.hostQueue ?? 'ado-agents@test';
      if (script.asksElsewhere === true && !answered.has(ref.step))
        return Promise.resolve({ next: 'model', hostQueue });
      const hold = holdOf(ref.step);
      if (hold !== undefined) return Promise.resolve({ next: 'hold', hostQueue, hold });
      const turn = script.takeTurn?.(ref.step);
      if (turn === undefined)
        return Promise.resolve({ next: 'end', result: finish(ref, succeeded(ref.taskId)) });
      if (turn === 'tools') return Promise.resolve({ next: 'turn', hostQueue, summary: 'ran' });
      const rejected = { gate: 'test', message: 'red', fingerprint: turn.fingerprint };
      const diffStat = { files: 1, insertions: 1, deletions: 0 };
      return Promise.resolve({
        ...{ next: 'turn', hostQueue, summary: 'red', rejected },
        ...{ done: { workMs: 0, diffStat }, asksPeople: script.lastWords !== undefined },
      });
    },
    callModel({ step }) {
      note(`callModel ${String(step)}`);
      const hold = holdOf(step);
      if (hold === undefined) answered.add(step);
      return Promise.resolve(hold);
    },
    async openApproval({ approvalId, question: { kind, key } }) {
      if (kind !== 'cost') {
        note(`openApproval ${key}`);
        const decision = lastWords.shift() ?? 'reject';
        return { approvalId, deadlineMs: Date.now(), remindersMs: [], decision };
      }
      approval.approvalId ??= approvalId;
      note('openApproval');
      const { deadlineMs = 0, remindersMs = [], opening } = script.asksAt ?? {};
      await opening;
      const at = Date.now();
      return {
        approvalId: approval.approvalId,
        deadlineMs: at + deadlineMs,
        remindersMs: remindersMs.map((ms) => at + ms),
        ...(approval.decision === undefined ? {} : { decision: approval.decision }),
      };
    },
    remindApproval({ reminder }) {
      note(`remindApproval ${String(reminder)}`);
      return Promise.resolve(approval.decision);
    },
    expireApproval() {
      note('expireApproval');
      approval.decision ??= 'reject';
      return Promise.resolve(approval.decision);
    },
    publishWork({ ref }) {
      note(`publishWork ${ref.taskId}`);
      return Promise.resolve({ next: 'end', published: { branch: 'ado/x', commit: 'c' } });
    },
    testAccount({ account }) {
      note(`testAccount ${account}`);
      const found = { status: 200, latencyMs: 5, models: 3, missingModels: [] };
      return Promise.resolve({ ok: true, ...found });
    },
    listCredentials() {
      note('listCredentials');
      return Promise.resolve([{ account: 'work', state: 'present' }]);
    },
    endTask({ status, errorCode, error, summary, ...ref }) {
      note(`endTask ${errorCode}`);
      if (summary !== undefined) summaries.push(summary);
      return Promise.resolve(
        finish(ref, {
          taskId: ref.taskId,
          status,
          outcome: status,
          errorCode,
          error,
          costMicroUsd: 0,
        }),
      );
    },
    takeItems({ pageKey, limit }) {
      note('takeItems');
      const page = pages.get(pageKey) ?? waiting.splice(0, limit);
      pages.set(pageKey, page);
      return Promise.resolve({ items: page, exhausted: waiting.length === 0 });
    },
    async awaitItems({ taskIds }) {
      note('awaitItems');
      const beat = setInterval(() => {
        Context.current().heartbeat();
      }, 1_000);
      try {
        for (;;) {
          const done = taskIds.filter((taskId) => ended.has(taskId));
          if (done.length > 0)
            return done.map((taskId): EndedItem => ({
              taskId,
              failed: ended.get(taskId) === 'failed',
            }));
          await once(told, 'ended');
        }
      } finally {
        clearInterval(beat);
      }
    },
    cancelItems() {
      note('cancelItems');
      cancel();
      return Promise.resolve();
    },
    endBatch({ because }) {
      note(`endBatch ${because}`);
      return Promise.resolve();
    },
  };
  return {
    activities,
    calls,
    running,
    ended,
    approval,
    summaries,
    peak: () => peak,
    seen: async (call) => {
      if (!calls.includes(call)) await once(told, call);
    },
  };
}

/** Work that lasts until Temporal cancels it. */
export async function untilCancelled(): Promise<never> {
  const context = Context.current();
  const beat = setInterval(() => {
    context.heartbeat();
  }, 200);
  try {
    return await context.cancelled;
  } finally {
    clearInterval(beat);
  }
}

/** Fails as an activity does that no retry can mend. */
export function failing(code: string): never {
  throw ApplicationFailure.nonRetryable(`it failed with ${code}`, code);
}
