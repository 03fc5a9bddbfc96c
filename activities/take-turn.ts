/**
 * One turn of an agent. That of a program of others is told in take-program-turn.ts; one of the `builtin` agent is an
 * answer of the model, and what it asks for. A turn with tool calls runs them; one without is the end of the work, which
 * is checked, and delivered or given back.
 *
 * All parts of a turn are on record as they end, so a repeated turn goes on where it was.
 */
import type { AgentActivities, StepRef, TurnResult } from '../contracts/activities.ts';
import { askModel, findAnswer } from './call-model.ts';
import { afterCheck, checkWork } from './check-work.ts';
import type { ActivityDeps } from './deps.ts';
import { beginWork, openWorkspace } from './open-workspace.ts';
import { runTools } from './run-tools.ts';
import { takeProgramTurn } from './take-program-turn.ts';
import { inTask, type TaskSession } from './task-session.ts';
import { tellAgent } from './tell-agent.ts';

/** Makes the activity `takeTurn`. */
export function createTakeTurn(deps: ActivityDeps): AgentActivities['takeTurn'] {
  return (ref) =>
    inTask(deps, ref, {
      ended: (result) => ({ next: 'end', result }),
      work: (session) =>
        session.task.agent === 'builtin'
          ? takeTurn(deps, session, ref)
          : takeProgramTurn(deps, session, ref),
    });
}

async function takeTurn(
  deps: ActivityDeps,
  session: TaskSession,
  ref: StepRef,
): Promise<TurnResult> {
  const { task } = session;
  const { step } = ref;
  const { hostQueue } = deps;
  const begun = await beginWork(deps, session);
  const before = await deps.journal.listMessages(task.ref);
  const transcript = await tellAgent(deps, session, { ref, transcript: before });

  const known = findAnswer(transcript, step);
  if (known === undefined && !deps.asksModels) return { next: 'model', hostQueue };
  const answer = known ?? (await askModel(deps, session, { step, transcript }));
  if ('hold' in answer) return { next: 'hold', hostQueue, hold: answer.hold };
  const calls = answer.message.content.filter((part) => part.type === 'tool-call');
  if (answer.isCut) return { next: 'turn', hostQueue, summary: 'an answer that was cut off' };
  const workspace = begun ?? (await openWorkspace(deps, session));
  const second = { workspace, step: step + 1, transcript };
  if (calls.length > 0) {
    await runTools(deps, session, { ...second, calls });
    return { next: 'turn', hostQueue, summary: calls.map((call) => call.toolName).join(', ') };
  }
  const checked = await checkWork(deps, session, { ...second, answer: answer.message });
  return afterCheck(deps, session, checked);
}
