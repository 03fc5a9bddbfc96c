/** Gemini CLI, started for one turn and understood by its `stream-json`. */
import type { AgentEvent, AgentLaunch, AgentTurn, CodingAgent, InstalledAgent } from '../ports.ts';
import { answerPatienceMs, ownRetries } from './call-patience.ts';
import { shareContextFile } from './context-file.ts';
import { findText, objectIn, textOf, type JsonLine } from './json-lines.ts';
import { createMessagePieces } from './message-pieces.ts';
import { modelKey } from './model-key.ts';
import { createTurnReader, describeCall, type TurnRecord } from './turn-record.ts';

const contextFile = 'GEMINI.md';

/** Its id of the flag that says how many seconds it waits for an answer to begin, else 60. Looked up in 0.61.0. */
const requestTimeoutFlag = 45_773_134;
const flagsFile = '.gemini/flags.json';

/** Shell text that has it read its flags. A file is the only way to set one, and only a shell inside knows where home is. */
export const exportGeminiFlags = `export GEMINI_EXP="$HOME/${flagsFile}"`;

/** Gemini CLI. `find` says where it is. */
export function createGemini(find: () => Promise<InstalledAgent>): CodingAgent {
  return {
    kind: 'gemini',
    wire: 'google',
    contextFile,
    find,
    launch,
    shareContext: (run) => shareContextFile(contextFile, run),
    createReader: createGeminiReader,
  };
}

function launch(installed: InstalledAgent, turn: AgentTurn): AgentLaunch {
  const { model, sessionId } = turn;
  return {
    argv: [
      ...['sh', '-c', `${exportGeminiFlags}; exec "$0" "$@"`],
      ...installed.argv,
      ...['-o', 'stream-json', '--approval-mode', 'yolo', '-m', model],
      ...(sessionId === undefined ? [] : ['--resume', sessionId]),
    ],
    env: {
      GOOGLE_GEMINI_BASE_URL: turn.gatewayUrl,
      GEMINI_API_KEY: modelKey,
      GEMINI_CLI_TRUST_WORKSPACE: 'true',
      // Else it starts itself once more for a larger heap.
      GEMINI_CLI_NO_RELAUNCH: 'true',
    },
    input: turn.prompt,
    homeFiles: {
      '.gemini/settings.json': `${JSON.stringify(settings, null, 2)}\n`,
      '.gemini/GEMINI.md': turn.instructions,
      [flagsFile]: JSON.stringify({ flags: [patience], experimentIds: [] }),
    },
  };
}

const patience = { flagId: requestTimeoutFlag, intValue: String(answerPatienceMs / 1_000) };

const settings = {
  security: { auth: { selectedType: 'gemini-api-key' } },
  general: {
    enableAutoUpdate: false,
    enableAutoUpdateNotification: false,
    maxAttempts: 1 + ownRetries,
  },
  privacy: { usageStatisticsEnabled: false },
  telemetry: { enabled: false },
};

function createGeminiReader(): ReturnType<CodingAgent['createReader']> {
  const pieces = createMessagePieces();
  return createTurnReader((line, record) => {
    if (line['type'] !== 'message') return [...pieces.flush(), ...readLine(line, record)];
    if (line['role'] !== 'assistant') return [];
    const full = pieces.add(textOf(line['content']));
    record.lastText = pieces.text() || record.lastText;
    return line['delta'] === true ? full : [...full, ...pieces.flush()];
  });
}

function readLine(line: JsonLine, record: TurnRecord): readonly AgentEvent[] {
  switch (line['type']) {
    case 'init': {
      const sessionId = findText(line['session_id']);
      if (sessionId === undefined) return [];
      record.sessionId = sessionId;
      return [{ kind: 'session', sessionId }];
    }
    case 'tool_use': {
      const name = textOf(line['tool_name']);
      const input = objectIn(line['parameters']);
      const summary = describeCall(name, input);
      return [{ kind: 'tool-call', callId: textOf(line['tool_id']), name, input, summary }];
    }
    case 'tool_result': {
      const said = findText(line['output']) ?? textOf(objectIn(line['error'])['message']);
      const isError = line['status'] !== 'success';
      const callId = textOf(line['tool_id']);
      if (objectIn(line['error'])['type'] === 'policy_violation') record.deniedCalls.push(said);
      return [{ kind: 'tool-result', callId, text: said, isError }];
    }
    case 'error':
      record.lastError = textOf(line['message']);
      return [];
    case 'result': {
      const why = findText(objectIn(line['error'])['message']) ?? record.lastError;
      record.ending =
        line['status'] === 'success' ? { ok: true } : { ok: false, why: why ?? 'The turn failed.' };
      return [];
    }
    default:
      return [{ kind: 'unknown', type: String(line['type']) }];
  }
}
