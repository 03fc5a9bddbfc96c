/**
 * One turn of an agent that is a program of others: it works in the sandbox until it says that it is done, its calls go
 * through the gateway, and what it made is committed and checked.
 *
 * A turn on record is not taken again: its checks begin anew on its commit, in a fresh work tree. One that was lost goes on
 * in the agent's own conversation where its home and the work tree are still on this host, and nobody else works in them;
 * else it begins anew from the last commit.
 */
import { randomInt } from 'node:crypto';
import type {
  AgentTurnEnd,
  CallRoute,
  CodingAgent,
  CommitResult,
  InstalledAgent,
  KeyedMessage,
  ModelWire,
  SandboxResult,
  Workspace,
} from '../adapters/ports.ts';
import type { StepRef, TurnResult } from '../contracts/activities.ts';
import { agentInstructions } from '../contracts/agent-instructions.ts';
import { AppError } from '../contracts/errors.ts';
import type { ProgramAgentKind } from '../contracts/task.schema.ts';
import { agentPrompt, answerOf, answerText, promptMessage } from './agent-prompt.ts';
import { checkWork } from './check-work.ts';
import { commandEnvironment } from './command-environment.ts';
import { commitMessage } from './commit-message.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { giveUpPurchases } from './hold-money.ts';
import { openTurnGateway, type TurnStop } from './model-gateway.ts';
import { beginWork, openWorkspace, workspaceKey } from './open-workspace.ts';
import { askOtherApproach } from './other-approach.ts';
import { planGates, type PlannedGate } from './plan-gates.ts';
import { findConversation, recordAgent, type KnownConversation } from './record-agent.ts';
import { remainingMs } from './remaining-time.ts';
import { shareContext } from './share-context.ts';
import type { TaskSession } from './task-session.ts';
import { lastLine } from './telling-line.ts';
import { holdOf } from './try-routes.ts';

/** Where an agent finds its gateway inside the sandbox: nothing else listens there. */
const gatewayPort = 41_000;
/** Without a sandbox all turns of the host share its loopback. */
const portsOutside = [20_000, 32_000] as const;
/** The limit of a task's time; the task's own is watched here, as waits do not count to it. */
const longestRunMs = 86_400_000;

/** A turn's surroundings. */
interface Turn {
  readonly step: number;
  readonly agent: CodingAgent;
  readonly installed: InstalledAgent;
  readonly wire: ModelWire;
  readonly routes: readonly [CallRoute, ...CallRoute[]];
  readonly workspace: Workspace;
  readonly transcript: readonly KeyedMessage[];
  /** What its work has to pass. */
  readonly checks: readonly PlannedGate[];
}

/** Takes the turn. @throws what ends the task, or has the activity tried again */
export async function takeProgramTurn(
  deps: ActivityDeps,
  session: TaskSession,
  ref: StepRef,
): Promise<TurnResult> {
  const { task } = session;
  const { step } = ref;
  const { hostQueue } = deps;
  const key = workspaceKey(task.ref);
  const found = await findAgent(deps, session);
  const begun = await beginWork(deps, session);
  await giveUpPurchases(deps, session);
  const before = await deps.journal.listMessages(task.ref);
  const transcript = await askOtherApproach(session, ref, before);
  const known = answerOf(transcript, step);
  // Once the turn is over, what is in the tree and not committed is what a check or a fixer left that was broken off.
  const isTurnLost = known === undefined && !(await deps.gateway.isServed(key));
  const keep = session.activityAttempt === 1 || isTurnLost;
  const workspace = begun ?? (await openWorkspace(deps, session, keep));
  const turn = { ...found, step, workspace, transcript };
  const taken = known === undefined ? await runTurn(deps, session, turn) : undefined;
  if (taken !== undefined && 'stop' in taken) {
    if (taken.stop.kind === 'error') throw taken.stop.error;
    return { next: 'hold', hostQueue, hold: await holdOf(deps, session, taken.stop.missing) };
  }
  const work = taken?.work ?? { commit: task.headCommit, diffStat: task.diffStat };
  if (work.commit === task.baseCommit) throw didNothing(taken?.end);
  const answer = known ?? answerText(taken?.end.text ?? '');
  const after = { ...session, task: { ...task, headCommit: work.commit, diffStat: work.diffStat } };
  const checked = await checkWork(deps, after, {
    workspace: { ...workspace, headCommit: work.commit },
    step: step + 1,
    transcript,
    answer,
  });
  if (checked.verdict === 'delivered') return { next: 'end', result: checked.result };
  const { rejected } = checked;
  return { next: 'turn', hostQueue, summary: `gate ${rejected.gate} failed`, rejected };
}

/** The agent's program, and the routes that speak its wire. @throws AGENT_NOT_INSTALLED · AGENT_MODEL_UNFIT */
async function findAgent(
  deps: ActivityDeps,
  { task }: TaskSession,
): Promise<Pick<Turn, 'agent' | 'installed' | 'wire' | 'routes'>> {
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

/** A turn that came to its end, or that was stopped. */
type TakenTurn =
  { readonly stop: TurnStop } | { readonly end: AgentTurnEnd; readonly work: CommitResult };

async function runTurn(
  deps: ActivityDeps,
  session: TaskSession,
  before: Omit<Turn, 'checks'>,
): Promise<TakenTurn> {
  const { stages } = await planGates(deps, session, before.workspace);
  await shareContext(deps, session, before.workspace);
  const turn: Turn = { ...before, checks: stages.flat() };
  const startedAt = new Date(deps.clock.now());
  const conversation = findConversation(turn.transcript, turn.step);
  if (turn.transcript.length === 0)
    await session.record({ messages: [promptMessage(session.task)] });
  let ran = await runProgram(deps, session, { turn, conversation });
  // Its own state can be broken by what broke the turn off.
  const isLost = 'end' in ran && ran.end.outcome === 'failed' && ran.calls === 0;
  if (conversation !== undefined && isLost)
    ran = await runProgram(deps, session, { turn, conversation: undefined });
  if ('stop' in ran) return ran;
  const { end, result } = ran;
  if (end.outcome === 'failed') {
    await recordFailure(deps, session, { turn, end, result, startedAt });
    throw new AppError('AGENT_FAILED', end.text.slice(0, 2_000));
  }
  await deps.crashpoint('tool.afterExit.beforeSnapshot');
  return { end, work: await commitTurn(deps, session, { turn, end, result, startedAt }) };
}

type RanProgram =
  | { readonly stop: TurnStop }
  | { readonly end: AgentTurnEnd; readonly result: SandboxResult; readonly calls: number };

async function runProgram(
  deps: ActivityDeps,
  session: TaskSession,
  {
    turn,
    conversation,
  }: { readonly turn: Turn; readonly conversation: KnownConversation | undefined },
): Promise<RanProgram> {
  const { task } = session;
  const { agent, installed, workspace, step, checks } = turn;
  const halt = new AbortController();
  let stopped: TurnStop | undefined;
  const port = task.sandbox === 'none' ? randomInt(...portsOutside) : gatewayPort;
  const stop = (why: TurnStop): void => {
    stopped ??= why;
    halt.abort(new Error('the turn was stopped'));
  };
  const plan = (sessionId: string | undefined) =>
    agent.launch(installed, {
      prompt: agentPrompt(task, turn, sessionId === undefined ? undefined : conversation),
      model: turn.routes[0].modelId,
      gatewayUrl: `http://127.0.0.1:${String(port)}`,
      sessionId,
      workPath: workspace.path,
      exec: task.exec,
      instructions: agentInstructions(checks),
    });
  const fresh = plan(undefined);
  const home = deps.workspaces.openAgentHome(workspace, fresh.homeFiles);
  const goesOn = conversation !== undefined && !home.isNew;
  const launch = goesOn ? plan(conversation.sessionId) : fresh;

  // What starts an agent of one's own may be anywhere.
  const named = await deps.workspaces.describeCommand(task.exec ?? '');
  const gateway = await openTurnGateway(deps, session, {
    key: workspaceKey(task.ref),
    calls: { ...turn, stop, stopped: halt.signal },
  });
  const onFailure = (error: unknown): void => {
    stop({ kind: 'error', error });
  };
  const reader = agent.createReader();
  const recorder = recordAgent(deps, session, { step, onFailure });
  const endWatch = watchTime(deps, session, onFailure);
  try {
    const result = await deps.workspaces.run(workspace, {
      argv: launch.argv,
      env: { ...commandEnvironment(task), ...launch.env },
      ...(launch.input === undefined ? {} : { input: launch.input }),
      readable: [...installed.readable, ...named.files],
      home: home.path,
      reach: [{ port, socketPath: gateway.socketPath }],
      allowHosts: task.allowHosts,
      sandbox: task.sandbox,
      timeoutMs: longestRunMs,
      signal: AbortSignal.any([session.signal, halt.signal]),
      onOutput: (source, text) => {
        if (source !== 'stdout') return;
        for (const event of reader.read(text)) recorder.take(event);
      },
    });
    await gateway.close();
    await recorder.end();
    session.signal.throwIfAborted();
    if (stopped !== undefined) return { stop: stopped };
    const end = reader.end({ exitCode: result.exitCode, stderr: result.stderr });
    return { end, result, calls: gateway.count() };
  } finally {
    endWatch();
    halt.abort(new Error('the turn is over'));
    await gateway.close();
    await recorder.end();
  }
}

/** Tells when the task's time is used up: not at a fixed moment, as its waits do not count. Answers what ends the watch. */
function watchTime(
  deps: ActivityDeps,
  session: TaskSession,
  onTimeout: (error: unknown) => void,
): () => void {
  let timer: NodeJS.Timeout | undefined;
  const look = (): void => {
    try {
      timer = setTimeout(look, Math.min(60_000, remainingMs(session, deps.clock)));
    } catch (error) {
      onTimeout(error);
    }
  };
  look();
  return () => {
    clearTimeout(timer);
  };
}

interface EndedTurn {
  readonly turn: Turn;
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
  if (!work.committed && end.deniedCalls.length > 0) throw didNothing(end);
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

async function recordFailure(
  deps: ActivityDeps,
  session: TaskSession,
  { turn, end, result, startedAt }: EndedTurn,
): Promise<void> {
  const { step } = turn;
  const { durationMs, exitCode } = result;
  const summary = lastLine(end.text);
  await session.record({
    steps: [
      {
        step,
        kind: 'agent',
        effectId: `${effectIdOf(session.task.ref, step, 'agent')}:${String(session.fence.number)}`,
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
}

function didNothing(end: AgentTurnEnd | undefined): AppError {
  const denied = end?.deniedCalls ?? [];
  const why =
    denied.length === 0 ? 'nothing was changed' : `it was not allowed to ${denied.join(', ')}`;
  const said = end === undefined ? '' : `. It said: ${end.text.slice(0, 1_000)}`;
  return new AppError('AGENT_DID_NOTHING', `The agent says that it is done, but ${why}${said}`);
}
