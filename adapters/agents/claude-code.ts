/** Claude Code, started for one turn by `claude -p` and understood by its `stream-json`. */
import type { AgentEvent, AgentLaunch, AgentTurn, CodingAgent, InstalledAgent } from '../ports.ts';
import { answerPatienceMs, ownRetries } from './call-patience.ts';
import { shareContextFile } from './context-file.ts';
import { findText, listIn, objectIn, textOf, type JsonLine } from './json-lines.ts';
import { modelKey } from './model-key.ts';
import { createTurnReader, describeCall, type TurnRecord } from './turn-record.ts';

const contextFile = 'CLAUDE.md';

/** Claude Code. `find` says where it is. */
export function createClaudeCode(find: () => Promise<InstalledAgent>): CodingAgent {
  return {
    kind: 'claude-code',
    wire: 'anthropic',
    contextFile,
    find,
    launch,
    shareContext: (run) => shareContextFile(contextFile, run),
    createReader: () => createTurnReader(readLine),
  };
}

function launch(installed: InstalledAgent, turn: AgentTurn): AgentLaunch {
  const { model, sessionId } = turn;
  return {
    argv: [
      ...installed.argv,
      '-p',
      ...['--output-format', 'stream-json', '--verbose'],
      // Nobody is there to be asked, and the sandbox bounds what it does.
      ...['--permission-mode', 'bypassPermissions', '--model', model],
      ...(sessionId === undefined ? [] : ['--resume', sessionId]),
    ],
    env: {
      ANTHROPIC_BASE_URL: turn.gatewayUrl,
      ANTHROPIC_API_KEY: modelKey,
      // Its side tasks (titles, summaries) ask the task's model too: no other is in the task's budget.
      ANTHROPIC_SMALL_FAST_MODEL: model,
      ANTHROPIC_DEFAULT_HAIKU_MODEL: model,
      // Else it refuses to work unasked where its user is root, as with `--sandbox none` in a container.
      IS_SANDBOX: '1',
      DISABLE_AUTOUPDATER: '1',
      DISABLE_TELEMETRY: '1',
      DISABLE_ERROR_REPORTING: '1',
      CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: '1',
      // By default the whole of a request has 10 min, its first byte and each pause 3 to 5; and it is made 11 times.
      API_TIMEOUT_MS: String(answerPatienceMs),
      CLAUDE_STREAM_FIRST_BYTE_TIMEOUT_MS: String(answerPatienceMs),
      CLAUDE_STREAM_IDLE_TIMEOUT_MS: String(answerPatienceMs),
      CLAUDE_CODE_MAX_RETRIES: String(ownRetries),
    },
    input: turn.prompt,
    homeFiles: { '.claude/CLAUDE.md': turn.instructions },
  };
}

function readLine(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  switch (line['type']) {
    case 'system':
      return line['subtype'] === 'init' ? readStart(line, record) : [];
    case 'assistant':
      return partsOf(line).flatMap((part) => readSaid(part, record));
    case 'user':
      return partsOf(line).flatMap(readResult);
    case 'result':
      return readEnd(line, record);
    default:
      return [{ kind: 'unknown', type: String(line['type']) }];
  }
}

function readStart(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  record.sessionId = findText(line['session_id']) ?? record.sessionId;
  return record.sessionId === undefined ? [] : [{ kind: 'session', sessionId: record.sessionId }];
}

function partsOf(line: JsonLine): readonly JsonLine[] {
  return listIn(objectIn(line['message'])['content']).map(objectIn);
}

function readSaid(part: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  switch (part['type']) {
    case 'text': {
      const text = findText(part['text']);
      if (text === undefined) return [];
      record.lastText = text;
      return [{ kind: 'text', text }];
    }
    case 'tool_use': {
      const name = textOf(part['name']);
      const input = objectIn(part['input']);
      const summary = describeCall(name, input);
      return [{ kind: 'tool-call', callId: textOf(part['id']), name, input, summary }];
    }
    case 'thinking':
    case 'redacted_thinking':
      return [];
    default:
      return [{ kind: 'unknown', type: `assistant.${String(part['type'])}` }];
  }
}

function readResult(part: JsonLine): readonly AgentEvent[] {
  if (part['type'] !== 'tool_result') return [];
  return [
    {
      kind: 'tool-result',
      callId: textOf(part['tool_use_id']),
      text: textOf(part['content']),
      isError: part['is_error'] === true,
    },
  ];
}

/** An answer of the model's provider that is an error comes as a `success` with `is_error`. */
function readEnd(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  const said = findText(line['result']);
  const errors = listIn(line['errors']).map(textOf).join('; ');
  record.sessionId = findText(line['session_id']) ?? record.sessionId;
  record.deniedCalls.push(...listIn(line['permission_denials']).map((one) => describeDenied(one)));
  if (line['subtype'] === 'success' && line['is_error'] !== true) {
    record.lastText = said ?? record.lastText;
    record.ending = { ok: true };
  } else {
    const why = said ?? (errors === '' ? `It ended with ${textOf(line['subtype'])}.` : errors);
    record.ending = { ok: false, why };
  }
  return [];
}

function describeDenied(denial: unknown): string {
  const { tool_name: name, tool_input: input } = objectIn(denial);
  return describeCall(textOf(name), objectIn(input));
}
