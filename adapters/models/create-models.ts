/** The ModelProvider port: which models there are. */
import { isAbsolute } from 'node:path';
import type { ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import type { CallRoute, Clock, ModelProvider, Prices, TokenCounts } from '../ports.ts';
import { findRoutes, type ModelRoute } from './find-routes.ts';
import { readLimitHeaders } from './limit-headers.ts';
import { ModelCallError } from './model-call-error.ts';
import { loadModelScript, type ScriptedPrice } from './model-script.ts';
import { createProviderModel } from './provider-client.ts';
import { countTurns, createScriptedModel } from './scripted.ts';
import { findContextTokens } from './seed-prices.ts';
import { toTokenCounts } from './token-counts.ts';

const prefix = 'scripted:';

/**
 * Models that are kept from call to call. Clients build their schemas anew with each: 0.8 ms of a call's 1.6 ms with
 * openai-compatible. Bounded, because names come from tasks.
 */
const keptModels = 200;

/** Which models may be used. */
export interface ModelsOptions {
  /** Whether `scripted:<file>` may be used: such a file is read, and an `.mjs` one executed, by the worker. */
  readonly scriptedModels: boolean;
  readonly accounts: readonly ProviderAccount[];
  readonly clock: Clock;
  readonly prices: Pick<Prices, 'costOf' | 'estimateOf'>;
}

/** The models that tasks may use: `<account or provider>:<model>`, and `scripted:<absolute path>` where it is allowed. */
export function createModels(options: ModelsOptions): ModelProvider {
  const { accounts, clock, prices } = options;
  const scriptPrices = new Map<string, ScriptedPrice>();
  const kept = new Map<string, CallRoute>();

  function keptRoute({ account, modelId }: ModelRoute): CallRoute {
    const name = `${account.name}:${modelId}`;
    const known = kept.get(name);
    if (known !== undefined) return known;
    const route = {
      name,
      account,
      modelId,
      model: createProviderModel(account, modelId, clock),
      // Paid by the month, or not at all.
      isFree: account.access !== 'api',
      contextTokens: findContextTokens(account.provider, modelId, new Date(clock.now())),
    };
    const [oldest] = kept.keys();
    if (kept.size >= keptModels && oldest !== undefined) kept.delete(oldest);
    kept.set(name, route);
    return route;
  }

  async function scriptedRoute(name: string): Promise<CallRoute> {
    const file = scriptOf(name, options);
    const script = await loadModelScript(file);
    scriptPrices.set(name, script.price);
    const { inputMicroUsd, outputMicroUsd } = script.price;
    return {
      name,
      account: undefined,
      modelId: file,
      model: createScriptedModel(file, script),
      isFree: inputMicroUsd === 0 && outputMicroUsd === 0,
      contextTokens: undefined,
    };
  }

  return {
    async routesOf(name) {
      if (name.startsWith(prefix)) return [await scriptedRoute(name)];
      const [first, ...rest] = findRoutes(accounts, name);
      return [keptRoute(first), ...rest.map(keptRoute)];
    },
    findFailure: (error) => (error instanceof ModelCallError ? error : undefined),
    readLimits: (headers) => readLimitHeaders(headers, clock.now()),
    isFree(name) {
      const price = scriptPrices.get(name);
      if (price !== undefined) return price.inputMicroUsd === 0 && price.outputMicroUsd === 0;
      return findRoutes(accounts, name).every(({ account }) => account.access !== 'api');
    },
    async costOf(tenantId, { name, account, modelId }, { usage, servedModel, serviceTier, at }) {
      const price = scriptPrices.get(name);
      if (price !== undefined)
        return { costMicroUsd: costByScript(price, usage), priceId: 'script' };
      if (account?.access !== 'api') return { costMicroUsd: 0, priceId: account?.access ?? 'free' };
      return prices.costOf(tenantId, {
        provider: account.provider,
        model: servedModel ?? modelId,
        usage: { tokens: toTokenCounts(usage), serviceTier },
        at,
      });
    },
    async estimateCost(tenantId, { name, account, modelId, isFree }, call) {
      const price = scriptPrices.get(name);
      if (price !== undefined) return costByScript(price, call);
      if (isFree || account === undefined) return 0;
      const { inputTokens, outputTokens, at } = call;
      // The dearest way in which input can be counted: Anthropic charges more for what it puts into its cache.
      const input = account.provider === 'anthropic' ? 'cacheWrite5m' : 'input';
      const tokens = { ...noTokens, [input]: inputTokens, output: outputTokens };
      const usage = { tokens, serviceTier: undefined };
      const { provider } = account;
      const cost = await prices.estimateOf(tenantId, { provider, model: modelId, usage, at });
      return cost.costMicroUsd;
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

const noTokens: TokenCounts = {
  input: 0,
  cacheRead: 0,
  cacheWrite5m: 0,
  cacheWrite1h: 0,
  output: 0,
  reasoning: 0,
};

function costByScript(
  price: ScriptedPrice,
  { inputTokens, outputTokens }: { readonly inputTokens: number; readonly outputTokens: number },
): number {
  const total = inputTokens * price.inputMicroUsd + outputTokens * price.outputMicroUsd;
  return Math.ceil(total / 1_000_000);
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
