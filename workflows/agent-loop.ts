/**
 * The builtin agent, one turn at a time: ask the model, run the tools it asks for, until it is done; then check the work,
 * and give it back with what failed until it passes, the same failure comes three times, or the rounds are used up.
 */
import {
  ActivityFailure,
  allHandlersFinished,
  ApplicationFailure,
  condition,
  continueAsNew,
  setCurrentDetails,
  TimeoutFailure,
  workflowInfo,
} from '@temporalio/workflow';
import { TimeoutType } from '@temporalio/common';
import type { StepRef, TaskResult } from '../contracts/activities.ts';
import type { ErrorCode } from '../contracts/errors.ts';
import type { AgentTaskInput, AgentTaskProgress } from '../contracts/messages.ts';
import { agents, agentsOn, maxHistoryEvents, models } from './activity-options.ts';
import type { agentTask } from './agent-task.ts';

/** Times that gates may send the work back. */
const maxRounds = 10;
/** Equal failures in a row that mean the agent is stuck. */
const maxEqualFailures = 3;
/** Model calls of one attempt; far above what a task of ten rounds needs, so that a loop without end does end. */
const maxModelCalls = 500;

type Progress = { -readonly [K in keyof AgentTaskProgress]: AgentTaskProgress[K] };

/** Runs the loop to the task's result, or continues the workflow as new. Throws the failure that ends the task. */
export async function runAgentLoop(input: AgentTaskInput, progress: Progress): Promise<TaskResult> {
  if (progress.hostQueue === undefined) {
    const opened = await agents.openWorkspace.executeWithOptions(
      { summary: `workspace · ${input.repository}` },
      [refOf(input)],
    );
    progress.hostQueue = opened.hostQueue;
  }
  for (;;) {
    const result = await turn(input, progress);
    if (result !== undefined) return result;
    if (workflowInfo().continueAsNewSuggested || workflowInfo().historyLength > maxHistoryEvents) {
      await condition(allHandlersFinished);
      await continueAsNew<typeof agentTask>({ ...input, carried: progress });
    }
  }
}

async function turn(input: AgentTaskInput, progress: Progress): Promise<TaskResult | undefined> {
  const step = nextStep(input, progress);
  const answer = await models.callModel.executeWithOptions(
    { summary: `model · step ${String(step.step)}` },
    [step],
  );
  progress.costMicroUsd += answer.costMicroUsd;
  setCurrentDetails(`step ${String(step.step)}: ${answer.summary}`);
  if (progress.costMicroUsd >= input.maxCostMicroUsd && answer.toolCalls > 0) {
    throw endedBy(
      'BUDGET_EXCEEDED',
      `spent ${String(progress.costMicroUsd)} of ${String(input.maxCostMicroUsd)} micro-US-dollars`,
    );
  }
  if (answer.toolCalls > 0) {
    const tools = nextStep(input, progress);
    await onHost(progress, (pool) =>
      pool.runTools.executeWithOptions({ summary: `tools · ${answer.summary}` }, [tools]),
    );
    return undefined;
  }
  return await check(input, progress);
}

async function check(input: AgentTaskInput, progress: Progress): Promise<TaskResult | undefined> {
  const step = nextStep(input, progress);
  const checked = await onHost(progress, (pool) =>
    pool.checkWork.executeWithOptions({ summary: `check · round ${String(progress.rounds + 1)}` }, [
      step,
    ]),
  );
  if (checked.verdict === 'delivered') return checked.result;
  progress.rounds += 1;
  progress.fingerprints = [...progress.fingerprints, checked.fingerprint].slice(-maxEqualFailures);
  setCurrentDetails(`round ${String(progress.rounds)}: gate ${checked.gate} failed`);
  if (
    progress.fingerprints.length === maxEqualFailures &&
    new Set(progress.fingerprints).size === 1
  ) {
    throw endedBy(
      'AGENT_STUCK',
      `gate ${checked.gate} failed the same way ${String(maxEqualFailures)} times: ${checked.message}`,
    );
  }
  if (progress.rounds >= maxRounds) {
    throw endedBy(
      'ROUNDS_EXCEEDED',
      `gate ${checked.gate} still fails after ${String(maxRounds)} rounds: ${checked.message}`,
    );
  }
  return undefined;
}

/** Runs an activity where the worktree is warm, or anywhere when that host does not take it. */
async function onHost<T>(progress: Progress, run: (pool: typeof agents) => Promise<T>): Promise<T> {
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

function nextStep(input: AgentTaskInput, progress: Progress): StepRef {
  progress.step += 1;
  if (progress.step > maxModelCalls * 2)
    throw endedBy('ROUNDS_EXCEEDED', `no end after ${String(maxModelCalls)} model calls`);
  return { ...refOf(input), step: progress.step };
}

function refOf(input: AgentTaskInput): { tenantId: string; taskId: string; attempt: number } {
  return { tenantId: input.tenantId, taskId: input.taskId, attempt: input.attempt };
}

function endedBy(code: ErrorCode, message: string): ApplicationFailure {
  return ApplicationFailure.nonRetryable(message, code);
}
