/**
 * Lets an agent take one turn in the sandbox, on a repository and against a model of this machine, and tells what came of
 * it in a line of JSON: what `ado agents test` starts.
 *
 *   node worker/try-agent.ts <agent> <repository> <folder for its data> <port of the model> <model> <prompt>
 */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { createCodingAgents } from '../adapters/agents/create-coding-agents.ts';
import { createWorkspaces } from '../adapters/workspaces/create-workspaces.ts';
import { loadAgentsConfig } from '../config/config.ts';
import { agentInstructions } from '../contracts/agent-instructions.ts';
import { AppError } from '../contracts/errors.ts';
import type { ProgramAgentKind } from '../contracts/task.schema.ts';
import { playTurn } from './play-turn.ts';

/** A cold start on a busy machine takes seconds; a turn against an emulator no more. */
const timeoutMs = 120_000;

const [kind = '', repository = '', folder = '', modelPort = '', model = '', prompt = ''] =
  process.argv.slice(2);

try {
  process.stdout.write(`${JSON.stringify(await tryAgent(kind as ProgramAgentKind))}\n`);
} catch (error) {
  if (!(error instanceof AppError)) throw error;
  const { code, message } = error;
  process.stdout.write(`${JSON.stringify({ error: { code, message } })}\n`);
}
// Not left to the event loop: the helper process of the workspaces holds it open.
process.exit(0);

async function tryAgent(agentKind: ProgramAgentKind) {
  const config = loadAgentsConfig();
  const agent = createCodingAgents(config)[agentKind];
  const installed = await agent.find();
  const workspaces = createWorkspaces({
    dataDir: join(folder, 'data'),
    homeDir: config.homeDir,
    toolPath: config.toolPath,
    allowUnsandboxed: false,
    crashpoint: () => Promise.resolve(),
  });
  const { baseCommit } = await workspaces.resolve({ repository });
  const branch = 'ado/test';
  const workspace = await workspaces.prepare({
    key: 'test',
    repository,
    baseCommit,
    headCommit: baseCommit,
    branch,
  });
  mkdirSync(join(folder, 'agent'));
  const { events, end, durationMs } = await playTurn({
    workspaces,
    workspace,
    agent,
    installed,
    folder: join(folder, 'agent'),
    modelPort: Number(modelPort),
    turn: {
      prompt,
      model,
      sessionId: undefined,
      exec: undefined,
      instructions: agentInstructions([]),
    },
    sandbox: 'bubblewrap',
    timeoutMs,
  });
  const { diffStat, patch } = await workspaces.commit(workspace, {
    message: 'Test',
    date: new Date(0),
    effectId: 'test',
    branch,
    baseCommit,
  });
  const toolCalls = events
    .filter((event) => event.kind === 'tool-call')
    .map((call) => call.summary);
  return { version: installed.version, durationMs, end, toolCalls, diffStat, patch };
}
