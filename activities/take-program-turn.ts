/**
 * One turn of an agent that is a program of others: it works in the sandbox until it says that it is done, its calls go
 * through the gateway, and what it made is committed and checked.
 *
 * A turn on record is not taken again: its checks begin anew on its commit, in a fresh work tree. One that was lost goes on
 * in the agent's own conversation where its home and the work tree are still on this host, and nobody else works in them;
 * else it begins anew from the last commit, as does one whose program died.
 */
import type { AssistantMessage } from '../adapters/models/collect-stream.ts';
import type {
  AgentTurnEnd,
  CommitResult,
  KeyedMessage,
  SandboxResult,
  Workspace,
} from '../adapters/ports.ts';
import type { StepRef, TurnResult } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import type { ProgramAgentKind } from '../contracts/task.schema.ts';
import { countDeaths, deathMessage, findConversation, isDead } from './agent-conversation.ts';
import { answerOf, answerText, promptMessage } from './agent-prompt.ts';
import { textOf } from './call-model.ts';
import { afterCheck, checkWork } from './check-work.ts';
import { commitMessage } from './commit-message.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { giveUpPurchases } from './hold-money.ts';
import { beginWork, openWorkspace } from './open-workspace.ts';
import { planGates } from './plan-gates.ts';
import { runProgram, type ProgramTurn } from './run-agent-program.ts';
import { shareContext } from './share-context.ts';
import type { TaskSession } from './task-session.ts';
import { tellAgent } from './tell-agent.ts';
import { lastLine } from './telling-line.ts';
import { holdOf, type NoAnswer } from './try-routes.ts';
import { workspaceKey } from './workspace-key.ts';

/** How often a task's turns begin anew because the program died. */
const mostFreshTries = 2;

/** Takes the turn. @throws what ends the task, or has the activity tried again */
export async function takeProgramTurn(
  deps: ActivityDeps,
  session: TaskSession,
  ref: StepRef,
): Promise<TurnResult> {
  const { task } = session;
  const { step } = ref;
  const found = await findAgent(deps, session);
  const begun = await beginWork(deps, session);
  await giveUpPurchases(deps, session);
  const before = await deps.journal.listMessages(task.ref);
  const transcript = await tellAgent(deps, session, { ref, transcript: before });
  const known = answerOf(transcript, step);
  const workspace = begun ?? (await reopenWorkspace(deps, session, { transcript, known }));
  if (known !== undefined) {
    const work = { commit: task.headCommit, diffStat: task.diffStat };
    return checkTurn(deps, session, { step, workspace, transcript, answer: known, work });
  }
  const taken = await runTurn(deps, session, { ...found, step, workspace, transcript });
  if (!('missing' in taken))
    return checkTurn(deps, session, { step, workspace, transcript, ...taken });
  const { hostQueue } = deps;
  return { next: 'hold', hostQueue, hold: await holdOf(deps, session, taken.missing) };
}

/**
 * The work tree of a turn that was lost is kept, if nobody else works in it. That of a program that died is not: nobody
 * knows what state it is in. Once the turn is over, what is not committed is what a check or a fixer left that was broken off.
 */
async function reopenWorkspace(
  deps: ActivityDeps,
  session: TaskSession,
  turn: {
    readonly transcript: readonly KeyedMessage[];
    readonly known: AssistantMessage | undefined;
  },
): Promise<Workspace> {
  const isOver = turn.known !== undefined;
  const isLost = !isOver && !(await deps.gateway.isServed(workspaceKey(session.task.ref)));
  const keep = (session.activityAttempt === 1 || isLost) && (isOver || !isDead(turn.transcript));
  return openWorkspace(deps, session, keep);
}

/** A turn that is over. */
interface TakenTurn {
  readonly answer: AssistantMessage;
  readonly work: Pick<CommitResult, 'commit' | 'diffStat'>;
}

/** Checks what a turn made: it is delivered, or the agent is told what is missing. */
async function checkTurn(
  deps: ActivityDeps,
  session: TaskSession,
  turn: TakenTurn & Pick<ProgramTurn, 'step' | 'workspace' | 'transcript'>,
): Promise<TurnResult> {
  const { task } = session;
  const { step, workspace, transcript, answer, work } = turn;
  if (work.commit === task.baseCommit) throw didNothing(textOf(answer), []);
  const after = { ...session, task: { ...task, headCommit: work.commit, diffStat: work.diffStat } };
  const checked = await checkWork(deps, after, {
    workspace: { ...workspace, headCommit: work.commit },
    step: step + 1,
    transcript,
    answer,
  });
  return afterCheck(deps, session, checked);
}

/** The agent's program, and the routes that speak its wire. @throws AGENT_NOT_INSTALLED · AGENT_MODEL_UNFIT */
async function findAgent(
  deps: ActivityDeps,
  { task }: TaskSession,
): Promise<Pick<ProgramTurn, 'agent' | 'installed' | 'wire' | 'routes'>> {
  if (!deps.asksModels) {
    throw new AppError(
      'AGENT_LOGIN_MISSING',
      `This worker serves the agents pool without the models pool, so it has no account that ${task.agent} could ask by. Let it serve both: ADO_POOLS=agents,models, in the chart the models pool beside agents in workerPools`,
    );
  }
  const agent = deps.agents[task.agent as ProgramAgentKind];
  const all = await deps.models.routesOf(task.model ?? '');
  const wire = agent.wire ?? deps.gateway.wireOf(all[0]);
  const [first, ...rest] = all.filter((route) => deps.gateway.wireOf(route) === wire);
  if (wire === undefined || first === undefined) {
    const asks = all.map(({ name, model }) => `${name} (${model.provider})`).join(', ');
    throw new AppError(
      'AGENT_MODEL_UNFIT',
      `${task.agent} asks in the form of ${wire ?? 'a vendor'}, which ${asks} does not understand`,
    );
  }
  return { agent, installed: await agent.find(), wire, routes: [first, ...rest] };
}

async function runTurn(
  deps: ActivityDeps,
  session: TaskSession,
  before: Omit<ProgramTurn, 'checks'>,
): Promise<TakenTurn | { readonly missing: NoAnswer }> {
  const { stages } = await planGates(deps, session, before.workspace);
  await shareContext(deps, session, before.workspace);
  const turn: ProgramTurn = { ...before, checks: stages.flat() };
  const startedAt = new Date(deps.clock.now());
  const conversation = findConversation(turn.transcript, turn.step);
  if (turn.transcript.length === 0)
    await session.record({ messages: [promptMessage(session.task)] });
  let ran = await runProgram(deps, session, { turn, conversation });
  // Its own state can be broken by what broke the turn off.
  const isLost = 'end' in ran && ran.end.outcome !== 'done' && ran.calls === 0;
  if (conversation !== undefined && isLost)
    ran = await runProgram(deps, session, { turn, conversation: undefined });
  if ('missing' in ran) return ran;
  const ended = { turn, end: ran.end, result: ran.result, startedAt };
  if (ran.end.outcome !== 'done') throw await failTurn(deps, session, ended);
  await deps.crashpoint('tool.afterExit.beforeSnapshot');
  const work = await commitTurn(deps, session, ended);
  return { answer: answerText(ran.end.text), work };
}

interface EndedTurn {
  readonly turn: ProgramTurn;
  readonly end: AgentTurnEnd;
  readonly result: SandboxResult;
  readonly startedAt: Date;
}

/** Commits what the turn made, and records both with the agent's last words. */
async function commitTurn(
  deps: ActivityDeps,
  session: TaskSession,
  { turn, end, result, startedAt }: EndedTurn,
): Promise<CommitResult> {
  const { task } = session;
  const { step } = turn;
  const effectId = effectIdOf(task.ref, step, 'agent');
  const work = await deps.workspaces.commit(turn.workspace, {
    message: commitMessage(task),
    date: task.createdAt,
    effectId,
    branch: task.branch,
    baseCommit: task.baseCommit,
    ...(await shareContext(deps, session, turn.workspace)),
  });
  if (!work.committed && end.deniedCalls.length > 0) throw didNothing(end.text, end.deniedCalls);
  const { commit, diffStat } = work;
  const summary = lastLine(end.text);
  const { durationMs } = result;
  await session.record({
    messages: [{ key: `step-${String(step)}`, message: answerText(end.text) }],
    steps: [
      {
        step,
        kind: 'agent',
        effectId,
        status: 'succeeded',
        summary,
        startedAt,
        endedAt: new Date(deps.clock.now()),
        ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
        ...(work.committed ? { commit, diffStat } : {}),
      },
    ],
    events: [
      { type: 'step-finished', data: { step, kind: 'agent', summary, ok: true, durationMs } },
      ...(work.committed
        ? [{ type: 'commit-created' as const, data: { step, commit, diffStat } }]
        : []),
    ],
    ...(work.committed ? { diff: work } : {}),
    activity: summary,
  });
  deps.metrics.stepFinished('agent', true, durationMs);
  return work;
}

/**
 * Records a turn that ended badly. Answers the error to throw: that of a program that died for no reason of the task has
 * the turn begin anew, with its number in all names a new one, so what the lost try has cost stays in the books.
 */
async function failTurn(
  deps: ActivityDeps,
  session: TaskSession,
  { turn, end, result, startedAt }: EndedTurn,
): Promise<AppError> {
  const { task, fence } = session;
  const { step, transcript } = turn;
  const { durationMs, exitCode } = result;
  const summary = lastLine(end.text);
  const why = end.text.slice(0, 2_000);
  const hasDied = end.outcome === 'died' && result.killedBy === undefined;
  const beginsAnew = hasDied && countDeaths(transcript) < mostFreshTries;
  await session.record({
    ...(beginsAnew ? { messages: [deathMessage(task, { step, fence: fence.number, why })] } : {}),
    steps: [
      {
        step,
        kind: 'agent',
        effectId: `${effectIdOf(task.ref, step, 'agent')}:${String(fence.number)}`,
        status: 'failed',
        summary,
        startedAt,
        endedAt: new Date(deps.clock.now()),
        ...(exitCode === undefined ? {} : { exitCode }),
      },
    ],
    events: [
      { type: 'step-finished', data: { step, kind: 'agent', summary, ok: false, durationMs } },
    ],
  });
  deps.metrics.stepFinished('agent', false, durationMs);
  return new AppError(beginsAnew ? 'AGENT_DIED' : 'AGENT_FAILED', why);
}

function didNothing(said: string, denied: readonly string[]): AppError {
  const why =
    denied.length === 0 ? 'nothing was changed' : `it was not allowed to ${denied.join(', ')}`;
  return new AppError(
    'AGENT_DID_NOTHING',
    `The agent says that it is done, but ${why}. It said: ${said.slice(0, 1_000)}`,
  );
}
