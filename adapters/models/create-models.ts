/** The ModelProvider port: which providers there are. */
import { isAbsolute } from 'node:path';
import { AppError } from '../../contracts/errors.ts';
import type { ModelProvider } from '../ports.ts';
import { loadModelScript, type ScriptedPrice } from './model-script.ts';
import { countTurns, createScriptedModel } from './scripted.ts';

const prefix = 'scripted:';

/**
 * The models that tasks may use: `scripted:<absolute path>`, where the policy allows it (such a file is read, and an
 * `.mjs` one executed, by the worker).
 */
export function createModels(policy: { readonly scriptedModels: boolean }): ModelProvider {
  const prices = new Map<string, ScriptedPrice>();

  function scriptOf(name: string): string {
    if (!name.startsWith(prefix))
      throw new AppError('MODEL_NOT_FOUND', `no provider offers the model "${name}"`);
    if (!policy.scriptedModels) {
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

  return {
    async languageModel(name) {
      const file = scriptOf(name);
      const script = await loadModelScript(file);
      prices.set(name, script.price);
      return createScriptedModel(file, script);
    },
    costOf(name, { inputTokens, outputTokens }) {
      const price = prices.get(name);
      if (price === undefined)
        throw new Error(`the price of ${name} is asked for before the model`);
      const total = inputTokens * price.inputMicroUsd + outputTokens * price.outputMicroUsd;
      return Math.ceil(total / 1_000_000);
    },
    async conversationEnded(name, messages) {
      const file = scriptOf(name);
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
