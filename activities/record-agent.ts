/**
 * What a program agent tells while it works, as the rows and events of the builtin agent: its words, its tool calls, its
 * name of the conversation. Gathered for half a second, so that a chatty agent costs few writes; bounded, as it is hostile.
 */
import type { AgentEvent, JournalEntry, KeyedMessage, StepEntry } from '../adapters/ports.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { sessionMessage } from './agent-conversation.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import type { TaskSession } from './task-session.ts';

const gatherMs = 500;
/** Entries after which a write goes out at once. */
const gatherEntries = 200;
/** Kept of what one turn says, and of one result of a tool. */
const keptChars = 1_048_576;
const keptResultChars = 8_192;
/** Tool calls of a turn that become steps; the rest is counted. */
const keptCalls = 2_000;
/** Longest text shown live at once. */
const deltaMaxChars = 2_000;

/** Records one turn. */
export interface AgentRecorder {
  take(event: AgentEvent): void;
  /** Writes what is left, and answers how many events were of an unknown kind, or too many to be kept. */
  end(): Promise<{ readonly unknown: number; readonly dropped: number }>;
}

/** Starts recording. A write that fails is told to `onFailure`; nothing is written after it. */
export function recordAgent(
  deps: ActivityDeps,
  session: TaskSession,
  { step, onFailure }: { readonly step: number; readonly onFailure: (error: unknown) => void },
): AgentRecorder {
  const { task, fence } = session;
  const began = new Map<string, { readonly summary: string; readonly at: Date }>();
  let [steps, events, messages]: [StepEntry[], NewEvent[], KeyedMessage[]] = [[], [], []];
  let activity: string | undefined;
  let [calls, chars, unknown, dropped] = [0, 0, 0, 0];
  let sessionId: string | undefined;
  let timer: NodeJS.Timeout | undefined;
  let saving: Promise<unknown> = Promise.resolve();
  let isBroken = false;

  const flush = (): void => {
    clearTimeout(timer);
    timer = undefined;
    const entry: JournalEntry = { steps, events, messages };
    if (steps.length + events.length + messages.length === 0) return;
    [steps, events, messages] = [[], [], []];
    const doing = activity;
    saving = saving.then(async () => {
      if (isBroken) return;
      try {
        await session.record(doing === undefined ? entry : { ...entry, activity: doing });
      } catch (error) {
        isBroken = true;
        onFailure(error);
      }
    });
  };
  const gathered = (): void => {
    if (steps.length + events.length + messages.length >= gatherEntries) flush();
    else timer ??= setTimeout(flush, gatherMs);
  };
  const say = (source: 'model' | 'tool', text: string): void => {
    if (chars + text.length > keptChars) {
      dropped += 1;
      return;
    }
    chars += text.length;
    events.push({ type: 'output', data: { step, source, text: `${text}\n` } });
  };
  const endCall = ({
    callId,
    text,
    isError,
  }: Extract<AgentEvent, { kind: 'tool-result' }>): void => {
    const begun = began.get(callId);
    if (begun === undefined) return;
    began.delete(callId);
    const endedAt = new Date(deps.clock.now());
    const durationMs = endedAt.getTime() - begun.at.getTime();
    const { summary } = begun;
    steps.push({
      step,
      kind: 'tools',
      // An agent's name of a call is its own: another turn of it may use the same.
      effectId: effectIdOf(task.ref, step, 'tools', `${String(fence.number)}.${callId}`),
      status: isError ? 'failed' : 'succeeded',
      summary,
      startedAt: begun.at,
      endedAt,
    });
    say('tool', text.slice(0, keptResultChars));
    const data = { step, kind: 'tools' as const, summary, ok: !isError, durationMs };
    events.push({ type: 'step-finished', data });
    deps.metrics.stepFinished('tools', !isError, durationMs);
  };
  return {
    take(event) {
      switch (event.kind) {
        case 'session':
          if (event.sessionId === sessionId) return;
          sessionId = event.sessionId;
          session.tellConversation(sessionId);
          messages.push(sessionMessage(task, { step, fence: fence.number, sessionId }));
          break;
        case 'text':
          deps.live.publish(
            { kind: 'delta', taskId: task.ref.taskId },
            event.text.slice(0, deltaMaxChars),
          );
          say('model', event.text);
          break;
        case 'tool-call': {
          calls += 1;
          if (calls > keptCalls) {
            dropped += 1;
            return;
          }
          const summary = event.summary.slice(0, 200);
          activity = summary;
          began.set(event.callId, { summary, at: new Date(deps.clock.now()) });
          events.push({ type: 'step-started', data: { step, kind: 'tools', summary } });
          break;
        }
        case 'tool-result':
          endCall(event);
          break;
        case 'unknown':
          unknown += 1;
          return;
      }
      gathered();
    },
    async end() {
      flush();
      await saving;
      return { unknown, dropped };
    },
  };
}
