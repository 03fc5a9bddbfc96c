/**
 * A turn's model call. The answer is on record before anything is done with it: a repeated call of the same step finds it
 * in the transcript and buys nothing. An answer that came and could not be recorded (the worker died between) is paid
 * again, once.
 */
import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { AssistantMessage } from '../adapters/models/collect-stream.ts';
import type {
  CallRoute,
  ConsideredRoute,
  KeyedMessage,
  MovedBudget,
  TaskRecord,
} from '../adapters/ports.ts';
import type { CallHold, ModelActivities } from '../contracts/activities.ts';
import type { NewEvent } from '../contracts/event.schema.ts';
import { systemPrompt } from '../contracts/system-prompt.ts';
import { bookedTo } from './after-failure.ts';
import type { BoughtAnswer, PlannedCall } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { charactersOf } from './estimate-call.ts';
import { askOtherApproach } from './other-approach.ts';
import { recordOutput } from './output-recorder.ts';
import { remainingMs } from './remaining-time.ts';
import { roomOf } from './hold-money.ts';
import { inTask, type TaskSession } from './task-session.ts';
import { holdOf, orderRoutes, tryUntil } from './try-routes.ts';
import { lastLine } from './telling-line.ts';

/** Longest text shown live at once. */
const deltaMaxChars = 2_000;
/** Longest time for one answer; a provider that is silent for longer is asked again. */
const answerTimeoutMs = 600_000;

/** Makes the activity `callModel`, for the turns of hosts that ask no models themselves. */
export function createCallModel(deps: ActivityDeps): ModelActivities['callModel'] {
  return (ref) =>
    inTask(deps, ref, {
      ended: () => undefined,
      work: async (session) => {
        session.holdSlot();
        const before = await deps.journal.listMessages(ref);
        const transcript = await askOtherApproach(session, ref, before);
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
  const call: PlannedCall = {
    effectId: effectIdOf(task.ref, step, 'model'),
    options,
    characters: charactersOf(options),
    timeoutMs: () => Math.min(answerTimeoutMs, remainingMs(session, deps.clock)),
    onText: (text) => {
      deps.live.publish({ kind: 'delta', taskId: task.ref.taskId }, text.slice(0, deltaMaxChars));
    },
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
    return await recordAnswer(deps, session, { ...asked, told: await told.rest() });
  } finally {
    await told.rest();
  }
}

interface AskedModel {
  readonly step: number;
  readonly opening: readonly KeyedMessage[];
  readonly bought: BoughtAnswer;
  readonly considered: readonly ConsideredRoute[];
  readonly startedAt: Date;
  readonly told: readonly NewEvent[];
}

async function recordAnswer(
  deps: ActivityDeps,
  session: TaskSession,
  { step, opening, bought, considered, startedAt, told }: AskedModel,
): Promise<Answer> {
  const { task } = session;
  const { answer, route, callId, costMicroUsd, priceId } = bought;
  const summary = summaryOf(answer.message);
  const endedAt = new Date(deps.clock.now());
  const durationMs = endedAt.getTime() - startedAt.getTime();
  const effectId = effectIdOf(task.ref, step, 'model');
  const isCut = answer.finishReason === 'length' && !hasToolCalls(answer.message);
  const moved = await session.record({
    messages: [
      ...opening,
      { key: answerKey(step), message: answer.message },
      ...(isCut ? [{ key: cutKey(step), message: goOn }] : []),
    ],
    usage: {
      ...answer.usage,
      ...bookedTo(route),
      effectId,
      requestId: answer.responseId,
      costMicroUsd,
      priceId,
      routes: considered,
      ...(callId === undefined ? {} : { callId }),
      ...(answer.serviceTier === undefined ? {} : { serviceTier: answer.serviceTier }),
    },
    steps: [
      {
        step,
        kind: 'model',
        effectId,
        status: 'succeeded',
        summary,
        costMicroUsd,
        startedAt,
        endedAt,
      },
    ],
    events: [
      ...told,
      ...changeOfRoute(task, { step, route, considered }),
      ...saidBy(answer.message, step),
      { type: 'step-finished', data: { step, kind: 'model', summary, ok: true, durationMs } },
    ],
    activity: summary,
    waitingFor: null,
  });
  await bought.settleLimits();
  await tellBudgets(deps, session, moved);
  deps.metrics.stepFinished('model', true, durationMs);
  await deps.crashpoint('llm.afterLedger.beforeReturn');
  // Only now: an answer that has come is paid, and goes on record whatever stops the task.
  session.signal.throwIfAborted();
  return { message: answer.message, isCut };
}

/** Tells of budgets that a purchase has brought to a new level. */
async function tellBudgets(
  deps: ActivityDeps,
  session: TaskSession,
  moved: readonly MovedBudget[],
): Promise<void> {
  for (const budget of moved) {
    const kind = /^(tenant$|day:)/.exec(budget.id) && (budget.id === 'tenant' ? 'tenant' : 'day');
    if (kind !== null) deps.metrics.budgetStands({ kind, remainingMicroUsd: roomOf(budget) });
  }
  const events = moved.flatMap(({ id, reached, spentMicroUsd, limitMicroUsd }): NewEvent[] =>
    reached === undefined || reached === 'ok'
      ? []
      : [
          {
            type: 'budget-reached',
            data: { budget: id, level: reached, spentMicroUsd, limitMicroUsd },
          },
        ],
  );
  // A warning that is lost with its worker is still in the budget's own state.
  if (events.length > 0) await session.record({ events });
}

function changeOfRoute(
  { route: before }: TaskRecord,
  answered: {
    readonly step: number;
    readonly route: CallRoute;
    readonly considered: readonly ConsideredRoute[];
  },
): NewEvent[] {
  const { step, route, considered } = answered;
  if (before === undefined || before === route.name) return [];
  const verdict = considered.findLast((one) => one.route === before)?.verdict;
  const reason = verdict ?? 'an account of a better kind can be used again';
  return [{ type: 'route-changed', data: { step, from: before, to: route.name, reason } }];
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
