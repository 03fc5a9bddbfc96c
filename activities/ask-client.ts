/** A question put by a provider's client, as the builtin agent's turns do; its answer is a message. */
import type { LanguageModelV4CallOptions } from '@ai-sdk/provider';
import type { CollectedAnswer } from '../adapters/models/collect-stream.ts';
import { AppError } from '../contracts/errors.ts';
import type { PlannedCall } from './buy-answer.ts';
import type { ActivityDeps } from './deps.ts';

/** Makes the `ask` of a call: streams the model's answer, tells each piece of its text, and collects the whole. */
export function askClient(
  { collectStream }: Pick<ActivityDeps, 'collectStream'>,
  options: LanguageModelV4CallOptions,
  onText: (text: string) => void,
): PlannedCall<CollectedAnswer>['ask'] {
  return async ({ model }, { maxOutputTokens, signal, onHeaders, onBegin }) => {
    const { stream, response } = await model.doStream({
      ...options,
      ...(maxOutputTokens === undefined ? {} : { maxOutputTokens }),
      abortSignal: signal,
    });
    onHeaders(response?.headers ?? {});
    const answer = await collectStream(stream, onText, onBegin);
    if (answer.finishReason === 'error' || answer.finishReason === 'interrupted')
      throw new AppError('MODEL_UNAVAILABLE', "the model's answer was cut off");
    return answer;
  };
}
