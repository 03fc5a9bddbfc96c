/** What is remembered of a turn while its output is read, and what that says about how it ended. */
import type { AgentEvent, AgentReader, AgentTurnEnd } from '../ports.ts';
import { createLineReader, type JsonLine } from './json-lines.ts';

/** Kept of an agent's last words; they become the task's summary. */
const maxTextChars = 65_536;
/** Kept of a tool's answer, as of the builtin agent's tools. */
const maxResultChars = 65_536;

/** Kept of the calls that were not allowed; the first say enough. */
const maxDeniedCalls = 20;

/** What one turn has told so far. An adapter sets it as it reads. */
export interface TurnRecord {
  sessionId: string | undefined;
  /** The last that the agent said to its user. */
  lastText: string;
  /** The program's own word that the turn is over: that it went well, or what was wrong. */
  ending:
    | { readonly ok: true }
    | { readonly ok: false; readonly why: string; readonly hasDied?: true }
    | undefined;
  /** The last error that it told of; it may have gone on after it. */
  lastError: string | undefined;
  readonly deniedCalls: string[];
}

/** Makes a reader out of what an adapter knows of one line. `readLine` answers events and notes in the record what stays. */
export function createTurnReader(
  readLine: (line: JsonLine, record: TurnRecord) => readonly AgentEvent[],
): AgentReader {
  const lines = createLineReader();
  const record: TurnRecord = {
    sessionId: undefined,
    lastText: '',
    ending: undefined,
    lastError: undefined,
    deniedCalls: [],
  };
  const readAll = (read: readonly JsonLine[]): readonly AgentEvent[] => {
    const events = read.flatMap((line) => readLine(line, record)).map(shorten);
    record.deniedCalls.splice(maxDeniedCalls);
    return events;
  };
  return {
    read: (text) => readAll(lines.read(text)),
    end(exit) {
      readAll(lines.end());
      return endOf(record, exit);
    },
  };
}

/** A program that ends well without having said so is not believed: it was cut off, or is of an unknown make. */
function endOf(
  { ending, lastText, lastError, sessionId, deniedCalls }: TurnRecord,
  { exitCode, stderr }: { readonly exitCode: number | undefined; readonly stderr: string },
): AgentTurnEnd {
  const known = { sessionId, deniedCalls: deniedCalls.map((call) => cut(call, 200)) };
  if (ending?.ok === true && exitCode === 0)
    return { outcome: 'done', text: cut(lastText, maxTextChars), ...known };
  if (ending?.ok === false) {
    const outcome = ending.hasDied === true ? 'died' : 'failed';
    return { outcome, text: cut(plain(ending.why), maxTextChars), ...known };
  }
  const how =
    exitCode === undefined ? 'It was ended before its turn was over.' : `Exit code ${exitCode}.`;
  // Programs write warnings to standard error at every start: it counts where nothing better is known.
  const said = lastError === undefined ? lastLines(stderr) : plain(lastError);
  return { outcome: 'died', text: cut(`${how} ${said}`.trim(), maxTextChars), ...known };
}

/** What a provider said, where an agent tells of an error by repeating the whole answer. */
function plain(error: string): string {
  const said = /"message":\s*("(?:[^"\\]|\\.)*")/.exec(error)?.[1];
  if (said === undefined) return error;
  try {
    return String(JSON.parse(said));
  } catch {
    return error;
  }
}

function shorten(event: AgentEvent): AgentEvent {
  return event.kind === 'tool-result' ? { ...event, text: cut(event.text, maxResultChars) } : event;
}

function cut(text: string, maxChars: number): string {
  return text.length <= maxChars ? text : `${text.slice(0, maxChars)} …`;
}

function lastLines(stderr: string): string {
  return stderr.trim().split('\n').slice(-5).join('\n').slice(-2_000);
}

/** What tools act on, by the names that the vendors' agents give it; the first that is there says most. */
const telling = ['command', 'file_path', 'absolute_path', 'path', 'pattern', 'query', 'url'];

/** A tool call in one line for people: the tool, and what it acts on. */
export function describeCall(name: string, input: JsonLine): string {
  const words = telling.map((key) => input[key]).find((value) => value !== undefined);
  const about = Array.isArray(words) ? words.join(' ') : words;
  if (typeof about !== 'string') return name;
  const line = about.replaceAll(/\s+/g, ' ').trim();
  return `${name} ${line.length > 150 ? `${line.slice(0, 150)} …` : line}`;
}
