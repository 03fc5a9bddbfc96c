/**
 * The life of one attempt of one task, from accepted to a final status.
 *
 * A `command` task is one activity, taken again when a person was asked before its delivery: everything it does is
 * idempotent inside. A task of any other agent is a loop of turns (agent-loop.ts). Whatever happens, the attempt ends with
 * exactly one recorded result: an activity writes it together with its last step, or `endTask` does.
 */
import { CancellationScope, setCurrentDetails, setHandler } from '@temporalio/workflow';
import type { TaskRef, TaskResult } from '../contracts/activities.ts';
import {
  getTaskProgress,
  type AgentTaskInput,
  type AgentTaskProgress,
} from '../contracts/messages.ts';
import { glue } from './activity-options.ts';
import { createAskPerson, type AskPerson } from './ask-person.ts';
import { onHost, runAgentLoop } from './agent-loop.ts';
import { showStatus } from './show-status.ts';
import { endingOf } from './task-ending.ts';

/** Workflow `agentTask`. Answers how the attempt ended; a failed or cancelled task is an answer, not an error. */
export async function agentTask(input: AgentTaskInput): Promise<TaskResult> {
  const progress: { -readonly [K in keyof AgentTaskProgress]: AgentTaskProgress[K] } =
    input.carried ?? { step: 0, rounds: 0 };
  setHandler(getTaskProgress, () => progress);
  const askPerson = createAskPerson();
  setCurrentDetails(`working on ${input.repository}`);

  const result = await attempt(input, progress, askPerson);

  showStatus(result.status);
  setCurrentDetails(detailsOf(result));
  return result;
}

async function attempt(
  input: AgentTaskInput,
  progress: Parameters<typeof runAgentLoop>[1],
  askPerson: AskPerson,
): Promise<TaskResult> {
  const ref: TaskRef = { tenantId: input.tenantId, taskId: input.taskId, attempt: input.attempt };
  try {
    if (input.agent !== 'command') return await runAgentLoop(input, progress, askPerson);
    return await runCommand(input, progress, askPerson);
  } catch (error) {
    const ending = endingOf(error);
    if (ending === undefined) throw error;
    return await CancellationScope.nonCancellable(() =>
      glue.endTask.executeWithOptions({ summary: `end · ${ending.errorCode}` }, [
        { ...ref, ...ending },
      ]),
    );
  }
}

/** Runs a command task to its result; what it asks people comes between. */
async function runCommand(
  input: AgentTaskInput,
  progress: Parameters<typeof runAgentLoop>[1],
  askPerson: AskPerson,
): Promise<TaskResult> {
  const { tenantId, taskId, attempt } = input;
  const summary = `command · ${input.repository}`;
  for (;;) {
    const end = await onHost(progress, (pool) =>
      pool.performCommandTask.executeWithOptions({ summary }, [{ tenantId, taskId, attempt }]),
    );
    if (!('next' in end)) return end;
    progress.hostQueue = end.hostQueue;
    await askPerson(input, end.hold.question);
  }
}

function detailsOf(result: TaskResult): string {
  const commit = result.commit === undefined ? '' : ` · commit ${result.commit.slice(0, 12)}`;
  const error =
    result.error === undefined ? '' : ` · ${result.errorCode ?? ''}: ${result.error.slice(0, 500)}`;
  return `${result.outcome}${commit}${error}`;
}
