/**
 * One model call. The answer is on record before the activity returns: a repeated call of the same step answers from the
 * record and buys nothing. An answer that came and could not be recorded (the worker died between) is paid again, once.
 */
import type { LanguageModelV4Message } from '@ai-sdk/provider';
import type { ModelActivities, ModelTurn } from '../contracts/activities.ts';
import { AppError } from '../contracts/errors.ts';
import type { ActivityDeps } from './deps.ts';
import { effectIdOf } from './effect-id.ts';
import { remainingMs } from './remaining-time.ts';
import { inTask, type TaskSession } from './task-session.ts';
import { lastLine } from './telling-line.ts';

/** Longest text shown live at once. */
const deltaMaxChars = 2_000;

/** Makes the activity `callModel`. */
export function createCallModel(deps: ActivityDeps): ModelActivities['callModel'] {
  return (step) =>
    inTask(deps, step, {
      ended: () => ({ toolCalls: 0, costMicroUsd: 0, summary: 'the task has ended' }),
      work: async (session) => {
        session.holdSlot();
        const effectId = effectIdOf(step, step.step, 'model');
        const messages = await deps.journal.listMessages(step);
        const done = await deps.journal.findStep(step, effectId);
        const last = messages.at(-1);
        if (done !== undefined && last !== undefined) return turnOf(last, done.costMicroUsd ?? 0);
        return await call(deps, session, { step: step.step, effectId, messages });
      },
    });
}

interface Call {
  readonly step: number;
  readonly effectId: string;
  readonly messages: readonly LanguageModelV4Message[];
}

async function call(
  deps: ActivityDeps,
  session: TaskSession,
  { step, effectId, messages }: Call,
): Promise<ModelTurn> {
  const { task } = session;
  const name = task.model ?? '';
  const startedAt = new Date(deps.clock.now());
  const model = await deps.models.languageModel(name);
  const abortSignal = AbortSignal.any([
    session.signal,
    AbortSignal.timeout(remainingMs(task, deps.clock)),
  ]);
  await session.record({ activity: `asks ${model.provider}` });
  const { stream } = await model.doStream({
    prompt: [...messages],
    tools: [...deps.tools.definitions],
    abortSignal,
  });
  const answer = await deps.collectStream(stream, (text) => {
    deps.live.publish({ kind: 'delta', taskId: task.ref.taskId }, text.slice(0, deltaMaxChars));
  });
  session.signal.throwIfAborted();
  if (answer.finishReason === 'error' || answer.finishReason === 'interrupted') {
    throw new AppError('MODEL_UNAVAILABLE', "the model's answer was cut off");
  }
  await deps.crashpoint('llm.afterResponse.beforeLedger');

  const costMicroUsd = deps.models.costOf(name, answer.usage);
  const turn = turnOf(answer.message, costMicroUsd);
  const endedAt = new Date(deps.clock.now());
  await session.record({
    messages: [{ key: `step-${String(step)}`, message: answer.message }],
    usage: {
      ...answer.usage,
      effectId,
      provider: model.provider,
      model: model.modelId,
      requestId: answer.responseId,
      costMicroUsd,
    },
    steps: [
      {
        step,
        kind: 'model',
        effectId,
        status: 'succeeded',
        summary: turn.summary,
        costMicroUsd,
        startedAt,
        endedAt,
      },
    ],
    events: [
      ...(textOf(answer.message) === ''
        ? []
        : [
            {
              type: 'output' as const,
              data: { step, source: 'model' as const, text: `${textOf(answer.message)}\n` },
            },
          ]),
      {
        type: 'step-finished',
        data: {
          step,
          kind: 'model',
          summary: turn.summary,
          ok: true,
          durationMs: endedAt.getTime() - startedAt.getTime(),
        },
      },
    ],
    activity: turn.summary,
  });
  deps.metrics.modelAnswered(
    model.provider,
    answer.usage.inputTokens,
    answer.usage.outputTokens,
    costMicroUsd,
  );
  deps.metrics.stepFinished('model', true, endedAt.getTime() - startedAt.getTime());
  await deps.crashpoint('llm.afterLedger.beforeReturn');
  return turn;
}

/** What the workflow is told of an answer. */
function turnOf(message: LanguageModelV4Message, costMicroUsd: number): ModelTurn {
  const calls =
    message.role === 'assistant' ? message.content.filter((part) => part.type === 'tool-call') : [];
  const names = calls.map((part) => part.toolName).join(', ');
  return {
    toolCalls: calls.length,
    costMicroUsd,
    summary: names === '' ? lastLine(textOf(message)) : names,
  };
}

/** The text of a message, without reasoning and tool calls. */
export function textOf(message: LanguageModelV4Message): string {
  if (message.role !== 'assistant') return '';
  return message.content.map((part) => (part.type === 'text' ? part.text : '')).join('');
}
