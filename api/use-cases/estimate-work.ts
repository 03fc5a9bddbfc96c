/** What work will cost, as far as that can be known before it begins. */
import type { Actor, CallRoute } from '../../adapters/ports.ts';
import type { Plan } from '../../contracts/batch.schema.ts';
import { codeOf } from '../../contracts/errors.ts';
import { systemPrompt } from '../../contracts/system-prompt.ts';
import type { ApiDeps } from '../deps.ts';

/** Tokens of a character of English prose, which is what prompts and descriptions of tools are. */
const tokensPerCharacter = 0.25;
/** Output tokens of a task's first answer that does little: a few tool calls, or some sentences. */
const fewOutputTokens = 300;
/** Of fewer earlier tasks, one that went wrong would speak for all. */
const tellingTasks = 5;

/** Work to be estimated. */
interface WorkToEstimate {
  readonly actor: Actor;
  readonly model: string | undefined;
  /** Of each item that would run. */
  readonly prompts: readonly string[];
  /** All that may be spent; 0: nothing is bought. */
  readonly worstMicroUsd: number;
}

/**
 * Estimates work: at least the first call of each item, with all that it sends; at most what nine of ten earlier tasks of
 * the same model cost, once there are five, else all that may be spent.
 */
export async function estimateWork(
  deps: Pick<ApiDeps, 'models' | 'toolDefinitions' | 'usage' | 'clock'>,
  { actor, model, prompts, worstMicroUsd }: WorkToEstimate,
): Promise<Plan['estimate']> {
  if (model === undefined || worstMicroUsd === 0)
    return { lowMicroUsd: 0, highMicroUsd: worstMicroUsd, worstMicroUsd, basedOnTasks: 0 };
  const [[route], earlier] = await Promise.all([
    deps.models.routesOf(model),
    deps.usage.findTaskCosts(actor, model),
  ]);
  const firstCalls = await firstCallsOf(deps, { actor, route, prompts });
  const lowMicroUsd = Math.min(worstMicroUsd, firstCalls);
  const isTelling = earlier.tasks >= tellingTasks;
  const usual = isTelling ? earlier.p90MicroUsd * prompts.length : worstMicroUsd;
  return {
    lowMicroUsd,
    highMicroUsd: Math.min(worstMicroUsd, Math.max(lowMicroUsd, usual)),
    worstMicroUsd,
    basedOnTasks: isTelling ? earlier.tasks : 0,
  };
}

/** What the first calls of all items cost, on the account that is tried first. */
async function firstCallsOf(
  deps: Pick<ApiDeps, 'models' | 'toolDefinitions' | 'clock'>,
  items: Pick<WorkToEstimate, 'actor' | 'prompts'> & { readonly route: CallRoute },
): Promise<number> {
  const { actor, route, prompts } = items;
  const at = new Date(deps.clock.now());
  const fixed = systemPrompt.length + JSON.stringify(deps.toolDefinitions).length;
  // Many items have prompts of the same length: each length is priced once.
  const lengths = Map.groupBy(prompts, ({ length }) => fixed + length);
  try {
    const costs = await Promise.all(
      [...lengths].map(async ([characters, { length: count }]) => {
        const inputTokens = Math.ceil(characters * tokensPerCharacter);
        const call = { inputTokens, outputTokens: fewOutputTokens, at };
        return count * (await deps.models.estimateCost(actor.tenantId, route, call));
      }),
    );
    return costs.reduce((sum, cost) => sum + cost, 0);
  } catch (error) {
    // Such a call is not made either: the work ends before it costs anything.
    if (codeOf(error) === 'PRICE_UNKNOWN') return 0;
    throw error;
  }
}
