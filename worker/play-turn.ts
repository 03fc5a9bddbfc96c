/**
 * One turn of a program agent on its own, without a task: what `ado agents test` and the tests of agents look at. The
 * agent works in the same sandbox as in a task; its model is whatever listens on a port of this machine's loopback.
 */
import { createServer, connect, type Socket } from 'node:net';
import { once } from 'node:events';
import { join } from 'node:path';
import type {
  AgentEvent,
  AgentTurn,
  AgentTurnEnd,
  CodingAgent,
  InstalledAgent,
  SandboxRun,
  Workspace,
  Workspaces,
} from '../adapters/ports.ts';

/** The port of the model inside the sandbox. */
const insidePort = 41_000;

/** What one turn takes. */
export interface TurnOnItsOwn {
  readonly workspaces: Pick<Workspaces, 'openAgentHome' | 'run'>;
  readonly workspace: Workspace;
  readonly agent: CodingAgent;
  readonly installed: InstalledAgent;
  /** Folder for the socket. */
  readonly folder: string;
  /** Where the model listens on 127.0.0.1. */
  readonly modelPort: number;
  readonly turn: Pick<AgentTurn, 'prompt' | 'model' | 'sessionId' | 'exec' | 'instructions'>;
  readonly sandbox: SandboxRun['sandbox'];
  readonly timeoutMs: number;
  /** Told of all that the agent asks its model. */
  readonly onAsked?: (bytes: Buffer) => void;
}

/** What came of it. */
export interface PlayedTurn {
  readonly events: readonly AgentEvent[];
  readonly end: AgentTurnEnd;
  readonly durationMs: number;
}

/** Plays a turn to its end. @throws SANDBOX_UNAVAILABLE · SANDBOX_REQUIRED */
export async function playTurn(play: TurnOnItsOwn): Promise<PlayedTurn> {
  const { workspaces, workspace, agent, installed, folder, turn, sandbox, timeoutMs } = play;
  const launch = agent.launch(installed, {
    ...turn,
    gatewayUrl: `http://127.0.0.1:${String(insidePort)}`,
    workPath: workspace.path,
  });
  const { path: home } = workspaces.openAgentHome(workspace, launch.homeFiles);
  const socketPath = join(folder, 'model.sock');
  const server = await joinToPort(socketPath, play);
  const reader = agent.createReader();
  const events: AgentEvent[] = [];
  try {
    const { argv, env, input } = launch;
    const { exitCode, stderr, durationMs } = await workspaces.run(workspace, {
      argv,
      env,
      ...(input === undefined ? {} : { input }),
      readable: installed.readable,
      home,
      reach: [{ port: insidePort, socketPath }],
      sandbox,
      timeoutMs,
      onOutput: (source, text) => {
        if (source === 'stdout') events.push(...reader.read(text));
      },
    });
    return { events, end: reader.end({ exitCode, stderr }), durationMs };
  } finally {
    server.close();
  }
}

/** A Unix socket that stands for a port of the loopback. */
async function joinToPort(
  socketPath: string,
  { modelPort, onAsked }: Pick<TurnOnItsOwn, 'modelPort' | 'onAsked'>,
): Promise<{ close(): void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect(modelPort, '127.0.0.1');
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(one);
      one.on('error', () => other.destroy());
      one.on('close', () => sockets.delete(one));
      one.pipe(other);
    }
    if (onAsked !== undefined) near.on('data', onAsked);
  });
  server.listen(socketPath);
  await once(server, 'listening');
  return {
    close() {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}
