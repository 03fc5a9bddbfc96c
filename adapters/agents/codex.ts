/** Codex, started for one turn by `codex exec --json` and understood by its events. */
import type { AgentEvent, AgentLaunch, AgentTurn, CodingAgent, InstalledAgent } from '../ports.ts';
import { answerPatienceMs, ownRetries } from './call-patience.ts';
import { shareContextFile } from './context-file.ts';
import { findText, listIn, objectIn, textOf, type JsonLine } from './json-lines.ts';
import { modelKey } from './model-key.ts';
import { createTurnReader, describeCall, type TurnRecord } from './turn-record.ts';

const contextFile = 'AGENTS.md';

/** Codex. `find` says where it is. */
export function createCodex(find: () => Promise<InstalledAgent>): CodingAgent {
  return {
    kind: 'codex',
    wire: 'openai',
    contextFile,
    find,
    launch,
    shareContext: (run) => shareContextFile(contextFile, run),
    createReader: () => createTurnReader(readLine),
  };
}

function launch(installed: InstalledAgent, turn: AgentTurn): AgentLaunch {
  // The prompt comes on standard input: a list of processes shows arguments to everyone, and they have a limit.
  const words =
    turn.sessionId === undefined ? ['exec', '-'] : ['exec', 'resume', turn.sessionId, '-'];
  return {
    argv: [
      ...installed.argv,
      ...words,
      // Its own sandbox cannot be made inside of ours, which holds it already.
      ...['--json', '--skip-git-repo-check', '--dangerously-bypass-approvals-and-sandbox'],
    ],
    env: { ADO_MODEL_KEY: modelKey },
    input: turn.prompt,
    homeFiles: { '.codex/config.toml': configOf(turn), '.codex/AGENTS.md': turn.instructions },
  };
}

/**
 * The values are JSON texts, which are TOML texts too. By default a stream may pause for 5 min, is asked for 6 times, and each
 * of these requests is made 5 times; how long it takes until a stream begins is not bounded.
 */
function configOf({ model, gatewayUrl, workPath }: AgentTurn): string {
  return `model = ${JSON.stringify(model)}
model_provider = "ado"
approval_policy = "never"
check_for_update_on_startup = false
web_search = "disabled"

[model_providers.ado]
name = "ado"
base_url = ${JSON.stringify(`${gatewayUrl}/v1`)}
env_key = "ADO_MODEL_KEY"
wire_api = "responses"
request_max_retries = 0
stream_max_retries = ${String(ownRetries)}
stream_idle_timeout_ms = ${String(answerPatienceMs)}

[analytics]
enabled = false

[projects.${JSON.stringify(workPath)}]
trust_level = "trusted"
`;
}

function readLine(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  switch (line['type']) {
    case 'thread.started': {
      const sessionId = findText(line['thread_id']);
      if (sessionId === undefined) return [];
      record.sessionId = sessionId;
      return [{ kind: 'session', sessionId }];
    }
    case 'item.started':
      return readItem(objectIn(line['item']), 'started', record);
    case 'item.completed':
      return readItem(objectIn(line['item']), 'completed', record);
    case 'turn.completed':
      record.ending = { ok: true };
      return [];
    case 'turn.failed': {
      const why = findText(objectIn(line['error'])['message']) ?? record.lastError;
      record.ending = { ok: false, why: why ?? 'The turn failed.' };
      return [];
    }
    case 'error':
      record.lastError = textOf(line['message']);
      return [];
    case 'turn.started':
    case 'item.updated':
      return [];
    default:
      return [{ kind: 'unknown', type: String(line['type']) }];
  }
}

function readItem(
  item: JsonLine,
  stage: 'started' | 'completed',
  record: TurnRecord,
): readonly AgentEvent[] {
  switch (item['type']) {
    case 'agent_message': {
      const text = findText(item['text']);
      if (text === undefined || stage === 'started') return [];
      record.lastText = text;
      return [{ kind: 'text', text }];
    }
    case 'command_execution':
      return readCall(
        item,
        { stage, record },
        {
          name: 'shell',
          input: { command: item['command'] },
          text: textOf(item['aggregated_output']),
        },
      );
    case 'mcp_tool_call':
      return readCall(
        item,
        { stage, record },
        {
          name: textOf(item['tool']),
          input: objectIn(item['arguments']),
          text: textOf(objectIn(item['error'])['message'] ?? objectIn(item['result'])['content']),
        },
      );
    case 'file_change': {
      // Told of once, when it is done.
      if (stage === 'started') return [];
      const input = { path: listIn(item['changes']).map((one) => textOf(objectIn(one)['path'])) };
      const change = { name: 'apply_patch', input, text: textOf(item['status']) };
      return [
        ...readCall(item, { stage: 'started', record }, change),
        ...readCall(item, { stage: 'completed', record }, change),
      ];
    }
    case 'error':
      record.lastError = textOf(item['message']);
      return [];
    case 'reasoning':
    case 'todo_list':
    case 'web_search':
      return [];
    default:
      return [{ kind: 'unknown', type: `item.${String(item['type'])}` }];
  }
}

interface Call {
  readonly name: string;
  readonly input: JsonLine;
  readonly text: string;
}

function readCall(
  item: JsonLine,
  { stage, record }: { readonly stage: 'started' | 'completed'; readonly record: TurnRecord },
  { name, input, text }: Call,
): readonly AgentEvent[] {
  const callId = textOf(item['id']);
  const summary = describeCall(name, input);
  if (stage === 'started') return [{ kind: 'tool-call', callId, name, input, summary }];
  const status = item['status'];
  if (status === 'declined') record.deniedCalls.push(summary);
  return [{ kind: 'tool-result', callId, text, isError: status !== 'completed' }];
}
