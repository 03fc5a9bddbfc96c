/**
 * The program of an agent in its sandbox, for one turn: its home, its gateway, its time. What it tells is recorded while it
 * works; a call that has to wait for long, or that ends the task, stops it.
 */
import { randomInt } from 'node:crypto';
import type {
  AgentTurnEnd,
  CallRoute,
  CodingAgent,
  InstalledAgent,
  KeyedMessage,
  ModelWire,
  SandboxResult,
  Workspace,
} from '../adapters/ports.ts';
import { agentInstructions } from '../contracts/agent-instructions.ts';
import type { KnownConversation } from './agent-conversation.ts';
import { agentPrompt } from './agent-prompt.ts';
import { commandEnvironment } from './command-environment.ts';
import type { ActivityDeps } from './deps.ts';
import { openTurnGateway, type TurnStop } from './model-gateway.ts';
import type { PlannedGate } from './plan-gates.ts';
import { recordAgent } from './record-agent.ts';
import { remainingMs } from './remaining-time.ts';
import type { TaskSession } from './task-session.ts';
import type { NoAnswer } from './try-routes.ts';
import { workspaceKey } from './workspace-key.ts';

/** Where an agent finds its gateway inside the sandbox: nothing else listens there. */
const gatewayPort = 41_000;
/** Without a sandbox all turns of the host share its loopback. */
const portsOutside = [20_000, 32_000] as const;
/** The limit of a task's time; the task's own is watched here, as waits do not count to it. */
const longestRunMs = 86_400_000;

/** A turn's surroundings. */
export interface ProgramTurn {
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

/** A turn that has to wait, or how it ended. */
export type RanProgram =
  | { readonly missing: NoAnswer }
  | {
      readonly end: AgentTurnEnd;
      readonly result: SandboxResult;
      /** Model calls that it made. */
      readonly calls: number;
    };

/** Runs the program. @throws what ends the task, or has the activity tried again */
export async function runProgram(
  deps: ActivityDeps,
  session: TaskSession,
  {
    turn,
    conversation,
  }: { readonly turn: ProgramTurn; readonly conversation: KnownConversation | undefined },
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
    if (stopped?.kind === 'error') throw stopped.error;
    if (stopped !== undefined) return { missing: stopped.missing };
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
