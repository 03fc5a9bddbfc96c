/**
 * Any agent that speaks the Agent Client Protocol. The task names the command that starts it; a small program of ours
 * (acp-driver-main.ts), made of the protocol's own library, is its partner inside the sandbox.
 */
import { existsSync } from 'node:fs';
import { createRequire } from 'node:module';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { installableAgents, type AgentPlaces } from '../../config/agent-programs.ts';
import { typeStrippingFlags } from '../workspaces/launcher.ts';
import type { AgentEvent, AgentLaunch, AgentTurn, CodingAgent, InstalledAgent } from '../ports.ts';
import { shareContextFile } from './context-file.ts';
import { exportGeminiFlags } from './gemini.ts';
import { findText, listIn, objectIn, textOf, type JsonLine } from './json-lines.ts';
import { createMessagePieces } from './message-pieces.ts';
import { createTurnReader, describeCall, type TurnRecord } from './turn-record.ts';

const contextFile = 'AGENTS.md';

/** Calls of a turn that are remembered as told; many more than a turn makes. */
const maxKnownCalls = 10_000;

const extension = extname(fileURLToPath(import.meta.url));
const driver = fileURLToPath(new URL(`acp-driver-main${extension}`, import.meta.url));
/** What the driver imports: the library, and what that does. */
const driverPackages = ['@agentclientprotocol/sdk', 'zod'];

/** Agents by their protocol. `vendors` are those whose settings it is given too, as the command may start one of them. */
export function createAcp(
  { agentsDir }: AgentPlaces,
  vendors: readonly Pick<CodingAgent, 'launch'>[],
): CodingAgent {
  const folders = installableAgents.map((agent) => join(agentsDir, agent, 'node_modules', '.bin'));

  const launch = (installed: InstalledAgent, turn: AgentTurn): AgentLaunch => {
    const launches = vendors.map((vendor) => vendor.launch(installed, turn));
    const start = `PATH="$PATH:${folders.join(':')}"\n${exportGeminiFlags}\n${turn.exec ?? ''}`;
    return {
      argv: [...installed.argv, turn.sessionId ?? '', start],
      env: {
        ...joined(launches.map(({ env }) => env)),
        ANTHROPIC_MODEL: turn.model,
        GEMINI_MODEL: turn.model,
      },
      input: turn.prompt,
      homeFiles: joined(launches.map(({ homeFiles }) => homeFiles)),
    };
  };
  return {
    kind: 'acp',
    wire: undefined,
    contextFile,
    find: () => Promise.resolve(installed(agentsDir)),
    launch,
    shareContext: (run) => shareContextFile(contextFile, run),
    createReader: createAcpReader,
  };
}

function joined(records: readonly Readonly<Record<string, string>>[]): Record<string, string> {
  return Object.fromEntries(records.flatMap((record) => Object.entries(record)));
}

/** The driver is part of ado: it is always there. */
function installed(agentsDir: string): InstalledAgent {
  // Without its package.json Node.js looks at the file's words to see that it is a module, and says so.
  const flags = [
    ...typeStrippingFlags(),
    '--disable-warning=ExperimentalWarning',
    '--disable-warning=MODULE_TYPELESS_PACKAGE_JSON',
  ];
  return {
    version: 'protocol 1',
    argv: [process.execPath, ...flags, driver],
    readable: [process.execPath, driver, ...driverPackages.flatMap(findPackage), agentsDir],
  };
}

/** Where the driver finds a package; by the path that it looks at, as inside a link that leads there is none. */
function findPackage(name: string): readonly string[] {
  const modules = createRequire(driver).resolve.paths(name) ?? [];
  return modules
    .map((folder) => join(folder, name))
    .filter((folder) => existsSync(folder))
    .slice(0, 1);
}

function createAcpReader(): ReturnType<CodingAgent['createReader']> {
  const pieces = createMessagePieces();
  const told = new Set<string>();
  return createTurnReader((line, record) => {
    const update = objectIn(line['update']);
    if (update['sessionUpdate'] === 'agent_message_chunk') {
      const full = pieces.add(textOf(objectIn(update['content'])['text']));
      record.lastText = pieces.text() || record.lastText;
      return full;
    }
    const events = line['type'] === 'update' ? readUpdate(update, told) : readLine(line, record);
    const asked = line['type'] === 'asked' ? readCall(objectIn(line['call']), told) : [];
    return [...pieces.flush(), ...asked, ...events];
  });
}

function readLine(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  switch (line['type']) {
    case 'session':
      record.sessionId = findText(line['sessionId']);
      return record.sessionId === undefined
        ? []
        : [{ kind: 'session', sessionId: record.sessionId }];
    case 'asked':
      return [];
    case 'denied':
      record.deniedCalls.push(textOf(line['call']));
      return [];
    case 'died':
      record.ending = { ok: false, why: textOf(line['why']), hasDied: true };
      return [];
    case 'end': {
      const { stopReason, error } = line;
      const why = findText(error) ?? `The agent stopped: ${textOf(stopReason)}.`;
      record.ending = stopReason === 'end_turn' ? { ok: true } : { ok: false, why };
      return [];
    }
    default:
      return [{ kind: 'unknown', type: String(line['type']) }];
  }
}

function readUpdate(update: JsonLine, told: Set<string>): readonly AgentEvent[] {
  switch (update['sessionUpdate']) {
    case 'tool_call':
    case 'tool_call_update':
      return [...readCall(update, told), ...readOutcome(update)];
    case 'agent_thought_chunk':
    case 'user_message_chunk':
    case 'plan':
    case 'available_commands_update':
    case 'current_mode_update':
      return [];
    default:
      return [{ kind: 'unknown', type: `update.${String(update['sessionUpdate'])}` }];
  }
}

/** A call is told of when it is begun, when it is asked for, or only when it is done; the first counts. */
function readCall(call: JsonLine, told: Set<string>): readonly AgentEvent[] {
  const callId = textOf(call['toolCallId']);
  if (told.has(callId)) return [];
  if (told.size >= maxKnownCalls) told.clear();
  told.add(callId);
  const input = objectIn(call['rawInput']);
  const name = findText(call['kind']) ?? 'tool';
  const summary = findText(call['title']) ?? describeCall(name, input);
  return [{ kind: 'tool-call', callId, name, input, summary }];
}

function readOutcome(update: JsonLine): readonly AgentEvent[] {
  const { status } = update;
  const callId = textOf(update['toolCallId']);
  if (status !== 'completed' && status !== 'failed') return [];
  const parts = listIn(update['content']).map((part) => objectIn(part));
  const text = parts
    .map((part) => textOf(objectIn(part['content'])['text'] ?? part['path']))
    .filter((part) => part !== '')
    .join('\n');
  return [{ kind: 'tool-result', callId, text, isError: status === 'failed' }];
}
