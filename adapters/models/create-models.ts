/** The ModelProvider port: which models there are. */
import { isAbsolute } from 'node:path';
import type { LanguageModelV4 } from '@ai-sdk/provider';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { Clock, ModelProvider, Prices } from '../ports.ts';
import { findRoutes, type ModelRoute } from './find-routes.ts';
import { readLimitHeaders } from './limit-headers.ts';
import { ModelCallError } from './model-call-error.ts';
import { loadModelScript, type ScriptedPrice } from './model-script.ts';
import { createProviderModel } from './provider-client.ts';
import type { ProviderAnswer } from './provider-fetch.ts';
import { countTurns, createScriptedModel } from './scripted.ts';
import { toTokenCounts } from './token-counts.ts';

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
  readonly prices: Pick<Prices, 'costOf'>;
  /** Told of every answer's status and headers, of those that are errors too. */
  readonly onAnswer?: (answer: ProviderAnswer) => void;
}

/** The models that tasks may use: `<account or provider>:<model>`, and `scripted:<absolute path>` where it is allowed. */
export function createModels(options: ModelsOptions): ModelProvider {
  const { accounts, clock, onAnswer } = options;
  const scriptPrices = new Map<string, ScriptedPrice>();
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
      scriptPrices.set(name, script.price);
      return createScriptedModel(file, script);
    },
    findFailure: (error) => (error instanceof ModelCallError ? error : undefined),
    readLimits: (headers) => readLimitHeaders(headers, clock.now()),
    isFree(name) {
      const price = scriptPrices.get(name);
      return price?.inputMicroUsd === 0 && price.outputMicroUsd === 0;
    },
    async costOf(tenantId, name, { usage, servedModel, serviceTier, at }) {
      const price = scriptPrices.get(name);
      if (price !== undefined) {
        const total =
          usage.inputTokens * price.inputMicroUsd + usage.outputTokens * price.outputMicroUsd;
        return { costMicroUsd: Math.ceil(total / 1_000_000), priceId: 'script' };
      }
      const [{ account, modelId }] = findRoutes(accounts, name);
      // Paid by the month, or not at all.
      if (account.access !== 'api') return { costMicroUsd: 0, priceId: account.access };
      return options.prices.costOf(tenantId, {
        provider: account.provider,
        model: servedModel ?? modelId,
        usage: { tokens: toTokenCounts(usage), serviceTier },
        at,
      });
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
