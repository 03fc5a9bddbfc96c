/**
 * A turn's model call. The answer is on record before anything is done with it: a repeated call of the same step finds it
 * in the transcript and buys nothing. An answer that came and could not be recorded (the worker died between) is paid
 * again, once.
 */
import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { AssistantMessage, CollectedAnswer } from '../adapters/models/collect-stream.ts';
import type { ConsideredRoute, KeyedMessage, TaskRecord } from '../adapters/ports.ts';
import type { CallHold, ModelActivities } from '../contracts/activities.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { systemPrompt } from '../contracts/system-prompt.ts';
import { askClient } from './ask-client.ts';
import type { BoughtAnswer, PlannedCall } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { charactersOf } from './estimate-call.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs } from './remaining-time.ts';
import { recordAnswer } from './record-answer.ts';
import { inTask, type TaskSession } from './task-session.ts';
import { tellAgent } from './tell-agent.ts';
import { holdOf, orderRoutes, tryUntil } from './try-routes.ts';
import { lastLine } from './telling-line.ts';

/** Longest text shown live at once. */
const deltaMaxChars = 2_000;
/** Longest time for one answer; a provider that is silent for longer is asked again. */
export const answerTimeoutMs = 600_000;

/** Makes the activity `callModel`, for the turns of hosts that ask no models themselves. */
export function createCallModel(deps: ActivityDeps): ModelActivities['callModel'] {
  return (ref) =>
    inTask(deps, ref, {
      ended: () => undefined,
      work: async (session) => {
        session.holdSlot();
        const before = await deps.journal.listMessages(ref);
        const transcript = await tellAgent(deps, session, { ref, transcript: before });
        if (findAnswer(transcript, ref.step) !== undefined) return undefined;
        const asked = await askModel(deps, session, { step: ref.step, transcript });
        return 'hold' in asked ? asked.hold : undefined;
      },
    });
}

/** An answer of the model. */
export interface Answer {
  readonly message: AssistantMessage;
  /** It ended at its longest length without a tool call; the model has been told to go on. */
  readonly isCut: boolean;
}

/** The recorded answer of a step. */
export function findAnswer(transcript: readonly KeyedMessage[], step: number): Answer | undefined {
  const found = transcript.find(({ key }) => key === answerKey(step))?.message;
  if (found?.role !== 'assistant') return undefined;
  return { message: found, isCut: transcript.some(({ key }) => key === cutKey(step)) };
}

/**
 * Asks the task's model, on the first of its routes that can answer, and records the answer, with the conversation's
 * beginning when that is not on record yet. Where none can answer now: short waits are waited here, longer ones are an
 * error that says when to try again, and what takes more than five minutes, or a person's word, is the workflow's.
 */
export async function askModel(
  deps: ActivityDeps,
  session: TaskSession,
  { step, transcript }: { readonly step: number; readonly transcript: readonly KeyedMessage[] },
): Promise<Answer | { readonly hold: CallHold }> {
  const { task } = session;
  const routes = orderRoutes(await deps.models.routesOf(task.model ?? ''), task.route);
  const opening = transcript.length === 0 ? openingOf(task) : [];
  const options = {
    prompt: [...opening, ...transcript].map(({ message }) => message),
    tools: [...deps.tools.definitions],
  };
  const considered: ConsideredRoute[] = [];
  const onText = (text: string): void => {
    deps.live.publish({ kind: 'delta', taskId: task.ref.taskId }, text.slice(0, deltaMaxChars));
  };
  const call: PlannedCall<CollectedAnswer> = {
    effectId: effectIdOf(task.ref, step, 'model'),
    characters: charactersOf(options),
    ask: askClient(deps, options, onText),
    timeoutMs: () => Math.min(answerTimeoutMs, remainingMs(session, deps.clock)),
    purchase: { number: 0, lost: 0 },
  };
  const told = recordOutput(step, (entry) => session.record(entry), {
    activity: `asks ${routes[0].name}`,
  });
  const startedAt = new Date(deps.clock.now());
  try {
    const round = await tryUntil(deps, session, { call, routes, considered });
    if (round.kind !== 'answered') return { hold: await holdOf(deps, session, round) };
    await deps.crashpoint('llm.afterResponse.beforeLedger');
    const asked = { step, opening, bought: round, considered, startedAt };
    return await recordAsked(deps, session, { ...asked, told: await told.rest() });
  } finally {
    await told.rest();
  }
}

interface AskedModel {
  readonly step: number;
  readonly opening: readonly KeyedMessage[];
  readonly bought: BoughtAnswer<CollectedAnswer>;
  readonly considered: readonly ConsideredRoute[];
  readonly startedAt: Date;
  readonly told: readonly NewEvent[];
}

async function recordAsked(
  deps: ActivityDeps,
  session: TaskSession,
  { step, opening, bought, considered, startedAt, told }: AskedModel,
): Promise<Answer> {
  const { answer } = bought;
  const isCut = answer.finishReason === 'length' && !hasToolCalls(answer.message);
  await recordAnswer(deps, session, {
    step,
    effectId: effectIdOf(session.task.ref, step, 'model'),
    bought,
    considered,
    startedAt,
    summary: summaryOf(answer.message),
    messages: [
      ...opening,
      { key: answerKey(step), message: answer.message },
      ...(isCut ? [{ key: cutKey(step), message: goOn }] : []),
    ],
    told,
    said: saidBy(answer.message, step),
  });
  await deps.crashpoint('llm.afterLedger.beforeReturn');
  // Only now: an answer that has come is paid, and goes on record whatever stops the task.
  session.signal.throwIfAborted();
  return { message: answer.message, isCut };
}

/** Follows an answer that was cut at its longest length. */
const goOn: LanguageModelV4Message = {
  role: 'user',
  content: [{ type: 'text', text: 'Your answer was cut off at its longest length. Go on.' }],
};

function cutKey(step: number): string {
  return `${answerKey(step)}-cut`;
}

function hasToolCalls(message: AssistantMessage): boolean {
  return message.content.some((part) => part.type === 'tool-call');
}

function answerKey(step: number): string {
  return `step-${String(step)}`;
}

function openingOf(task: TaskRecord): KeyedMessage[] {
  return [
    { key: 'system', message: { role: 'system', content: systemPrompt } },
    {
      key: 'prompt',
      message: { role: 'user', content: [{ type: 'text', text: task.prompt }] },
    },
  ];
}

function saidBy(message: AssistantMessage, step: number): NewEvent[] {
  const text = textOf(message);
  if (text === '') return [];
  return [{ type: 'output', data: { step, source: 'model', text: `${text}\n` } }];
}

/** One line that tells of an answer: the tools that it asks for, else its last line. */
function summaryOf(message: AssistantMessage): string {
  const calls = message.content.filter((part) => part.type === 'tool-call');
  const names = calls.map((part) => part.toolName).join(', ');
  return names === '' ? lastLine(textOf(message)) : names;
}

/** The text of an answer, without reasoning and tool calls. */
export function textOf(message: AssistantMessage): string {
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
