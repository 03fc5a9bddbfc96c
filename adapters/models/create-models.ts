/** The ModelProvider port: which models there are. */
import { isAbsolute } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Clock, ModelProvider } from '../ports.ts';
import { findRoutes, type ModelRoute } from './find-routes.ts';
import { readLimitHeaders } from './limit-headers.ts';
import { ModelCallError } from './model-call-error.ts';
import { loadModelScript, type ScriptedPrice } from './model-script.ts';
import { createProviderModel } from './provider-client.ts';
import type { ProviderAnswer } from './provider-fetch.ts';
import { countTurns, createScriptedModel } from './scripted.ts';

const prefix = 'scripted:';

/**
 * Models that are kept from call to call. Clients build their schemas anew with each: 0.8 ms of a call's 1.6 ms with
 * openai-compatible. Bounded, because names come from tasks.
 */
const keptModels = 200;

/** Which models may be used, and who is told of answers. */
export interface ModelsOptions {
  /** Whether `scripted:<file>` may be used: such a file is read, and an `.mjs` one executed, by the worker. */
  readonly scriptedModels: boolean;
  readonly accounts: readonly ProviderAccount[];
  readonly clock: Clock;
  /** Told of every answer's status and headers, of those that are errors too. */
  readonly onAnswer?: (answer: ProviderAnswer) => void;
}

/** The models that tasks may use: `<account or provider>:<model>`, and `scripted:<absolute path>` where it is allowed. */
export function createModels(options: ModelsOptions): ModelProvider {
  const { accounts, clock, onAnswer } = options;
  const prices = new Map<string, ScriptedPrice>();
  const kept = new Map<string, LanguageModelV4>();

  function keptModel({ account, modelId }: ModelRoute): LanguageModelV4 {
    const key = `${account.name}:${modelId}`;
    const known = kept.get(key);
    if (known !== undefined) return known;
    const model = createProviderModel(account, modelId, { clock, onAnswer });
    const [oldest] = kept.keys();
    if (kept.size >= keptModels && oldest !== undefined) kept.delete(oldest);
    kept.set(key, model);
    return model;
  }

  return {
    async languageModel(name) {
      if (!name.startsWith(prefix)) {
        const [route] = findRoutes(accounts, name);
        return keptModel(route);
      }
      const file = scriptOf(name, options);
      const script = await loadModelScript(file);
      prices.set(name, script.price);
      return createScriptedModel(file, script);
    },
    findFailure: (error) => (error instanceof ModelCallError ? error : undefined),
    readLimits: (headers) => readLimitHeaders(headers, clock.now()),
    costOf(name, { inputTokens, outputTokens }) {
      const price = prices.get(name);
      if (price === undefined) throw new Error(`no price of ${name} is known`);
      const total = inputTokens * price.inputMicroUsd + outputTokens * price.outputMicroUsd;
      return Math.ceil(total / 1_000_000);
    },
    async conversationEnded(name, messages) {
      if (!name.startsWith(prefix)) return;
      const file = scriptOf(name, options);
      const { answerCount } = await loadModelScript(file);
      const turns = countTurns(messages);
      if (answerCount === undefined || turns >= answerCount) return;
      const left = answerCount - turns;
      throw new AppError(
        'SCRIPT_MISMATCH',
        `${file}: the conversation ended after turn ${turns}, ${left === 1 ? '1 answer is' : `${left} answers are`} left over`,
      );
    },
  };
}

/** The file of a scripted model. @throws MODEL_NOT_FOUND */
function scriptOf(name: string, { scriptedModels }: Pick<ModelsOptions, 'scriptedModels'>): string {
  if (!scriptedModels) {
    throw new AppError(
      'MODEL_NOT_FOUND',
      `"${name}": this server does not use scripted models (ADO_SCRIPTED_MODELS)`,
    );
  }
  const file = name.slice(prefix.length);
  if (!isAbsolute(file))
    throw new AppError('MODEL_NOT_FOUND', `"${name}": the path of a script is absolute`);
  return file;
}
