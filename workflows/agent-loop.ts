/**
 * An agent, one turn at a time, each an activity, until it is done and its work passes the gates; failed work goes back to it
 * until it is stuck, or the rounds are used up (repair-rounds.ts), and nobody who is asked lets it go on.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  patched,
  setCurrentDetails,
  sleep,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { TimeoutType } from '@temporalio/common';
import type {
  CallHold,
  Rejection,
  StepRef,
  TaskResult,
  TurnResult,
} from '../contracts/activities.ts';
import type {
  ApprovalDecision,
  ApprovalQuestion,
  QualityGateQuestion,
} from '../contracts/approval.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { AgentTaskInput, AgentTaskProgress } from '../contracts/messages.ts';
import { agents, agentsOn, maxHistoryEvents, models } from './activity-options.ts';
import type { agentTask } from './agent-task.ts';
import type { AskPerson } from './ask-person.ts';
import { freshRounds, judgeRound } from './repair-rounds.ts';

/** Turns of one attempt; far above what a task of ten rounds needs, so that a loop without end does end. */
const maxTurns = 500;
/** A turn's model call, and its tool calls or check. */
const stepsPerTurn = 2;

/** Longest question; its facts say more. */
const titleMaxChars = 200;

type RejectedTurn = Extract<TurnResult, { next: 'turn' }> & { readonly rejected: Rejection };
type Progress = { -readonly [K in keyof AgentTaskProgress]: AgentTaskProgress[K] };

/** Runs the loop to the task's result, or continues the workflow as new. Throws the failure that ends the task. */
export async function runAgentLoop(
  input: AgentTaskInput,
  progress: Progress,
  askPerson: AskPerson,
): Promise<TaskResult> {
  for (;;) {
    const turn = await takeTurn(input, progress, askPerson);
    if (turn.next === 'end') return turn.result;
    progress.last = turn.summary;
    setCurrentDetails(`turn ${String(progress.step / stepsPerTurn)}: ${turn.summary}`);
    if (turn.rejected !== undefined)
      await countRound(progress, { ...turn, rejected: turn.rejected }, (question) =>
        askPerson(input, question),
      );
    if (workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > maxHistoryEvents) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof agentTask>({ ...input, carried: progress });
    }
  }
}

/** One turn: one activity, and the model call before it where the host of the worktree asks no models. */
async function takeTurn(
  input: AgentTaskInput,
  progress: Progress,
  askPerson: AskPerson,
): Promise<Exclude<TurnResult, { next: 'model' | 'hold' }>> {
  const { tenantId, taskId, attempt } = input;
  const { otherApproach, advisedBy } = progress;
  const step = progress.step + 1;
  const ref: StepRef = {
    ...{ tenantId, taskId, attempt, step },
    ...(otherApproach === undefined ? {} : { otherApproach }),
    ...(advisedBy === undefined ? {} : { advisedBy }),
  };
  const turn = progress.step / stepsPerTurn + 1;
  progress.step += stepsPerTurn;
  const sitOut = (hold: CallHold): Promise<unknown> =>
    hold.kind === 'ask' ? askPerson(ref, hold.question) : waitUntil(hold);
  if (turn > maxTurns)
    throw endedBy('ROUNDS_EXCEEDED', `no end after ${String(maxTurns)} model calls`);
  for (;;) {
    if (progress.asksElsewhere === true) {
      const summary = `model · turn ${String(turn)}`;
      const hold = await models.callModel.executeWithOptions({ summary }, [ref]);
      if (hold !== undefined) {
        await sitOut(hold);
        // The wait has given the slot to others, and a call without one is broken off: a turn takes it again, and then asks
        // for its call. Runs that began before called at once. May go when none of 2026-11 is kept.
        if (patched('2026-11-slot-after-wait')) delete progress.asksElsewhere;
        continue;
      }
    }
    const result = await onHost(progress, (pool) =>
      pool.takeTurn.executeWithOptions(
        { summary: `turn ${String(turn)} · after ${progress.last ?? 'the prompt'}`.slice(0, 200) },
        [ref],
      ),
    );
    if (result.next !== 'end') progress.hostQueue = result.hostQueue;
    if (result.next === 'hold') await sitOut(result.hold);
    else if (result.next === 'model') progress.asksElsewhere = true;
    else {
      delete progress.otherApproach;
      delete progress.advisedBy;
      return result;
    }
  }
}

/** Waits until a call may be tried again. */
async function waitUntil({ untilMs, detail }: Extract<CallHold, { kind: 'wait' }>): Promise<void> {
  setCurrentDetails(`waits until ${new Date(untilMs).toISOString()}: ${detail}`);
  await sleep(Math.max(1, untilMs - Date.now()), { summary: detail.slice(0, 200) });
}

/**
 * Counts work that was sent back. Throws when the agent is stuck for good, or has had its rounds, and nobody whom the task
 * may ask lets it go on.
 */
async function countRound(
  progress: Progress,
  { rejected, done, asksPeople }: RejectedTurn,
  ask: (question: ApprovalQuestion) => Promise<ApprovalDecision>,
): Promise<void> {
  // Runs that began before time was counted, and people asked, go on without. May go when none of 2026-11 is kept.
  const isNew = done !== undefined && patched('2026-11-repair-time');
  const { verdict, after } = judgeRound(progress, rejected, isNew ? done : undefined);
  Object.assign(progress, after);
  switch (verdict.kind) {
    case 'again':
      return;
    case 'other-approach':
      // Runs that began before there was another approach ended here. May go when none of 2026-11 is kept.
      if (!patched('2026-11-other-approach')) throw endedBy('AGENT_STUCK', verdict.why);
      setCurrentDetails(`another approach, as ${verdict.why}`);
      progress.otherApproach = verdict.failed;
      return;
    case 'end': {
      const { code, why, missing } = verdict;
      if (!isNew || asksPeople !== true) throw endedBy(code, why, missing);
      const questions = (progress.questions ?? 0) + 1;
      const question = questionOf(rejected, { why, rounds: progress.rounds, questions });
      if ((await ask(question)) === 'reject')
        throw endedBy(code, why, `${missing} A person was asked, and did not let it go on.`);
      Object.assign(progress, freshRounds, { questions, advisedBy: question.key });
      // The slot went to others meanwhile: a turn takes it again before the models are asked.
      delete progress.asksElsewhere;
    }
  }
}

/** May the agent go on? Each time that it comes to its end is another question. */
function questionOf(
  { gate, message, findingCount }: Rejection,
  { why, rounds, questions }: { why: string; rounds: number; questions: number },
): QualityGateQuestion {
  return {
    kind: 'quality_gate',
    title: `May the agent try on? ${why}`.slice(0, titleMaxChars),
    key: `quality_gate:${String(questions)}`,
    facts: { gate, message, rounds, findings: findingCount },
  };
}

/** Runs an activity where the worktree is warm, or anywhere when that host does not take it. */
export async function onHost<T>(
  progress: Progress,
  run: (pool: typeof agents) => Promise<T>,
): Promise<T> {
  if (progress.hostQueue === undefined) return await run(agents);
  try {
    return await run(agentsOn(progress.hostQueue));
  } catch (error) {
    if (!isUnclaimed(error)) throw error;
    return await run(agents);
  }
}

function isUnclaimed(error: unknown): boolean {
  return (
    error instanceof ActivityFailure &&
    error.cause instanceof TimeoutFailure &&
    error.cause.timeoutType === TimeoutType.SCHEDULE_TO_START
  );
}

/** `summary` says what there is and what is missing; the ending of the task takes it from there. */
function endedBy(code: ErrorCode, message: string, summary?: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(
    message,
    code,
    ...(summary === undefined ? [] : [summary]),
  );
}
