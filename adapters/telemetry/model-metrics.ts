/** The metrics of model calls and of the limits of accounts. */
import type { Registry } from 'prom-client';
import { chargeRules, providerNames, type ChargeRule } from '../../config/providers-config.ts';
import type { SeenLimits } from '../models/limit-looks.ts';
import { toTokenCounts } from '../models/token-counts.ts';
import { tokenKinds } from '../models/usage-cost.ts';
import type { LimitScope, ModelCallMetrics } from '../ports.ts';
import { createMakers, type MetricDefinition } from './metric-table.ts';

/** Models that get a label of their own; names come from tasks, so there has to be a bound. */
const namedModels = 100;

const providers = [...providerNames, 'scripted'] as const;
const accountNames = 'names in providers.yaml, or `scripted`';
const modelNames = `the first ${namedModels} that were asked, then \`other\`; \`scripted\` for all scripts`;
const modelLabels = { provider: providers, model: modelNames } as const;
const limitDimensions = [...chargeRules, 'none'] as const;
/** A call is always one request: nothing to estimate. */
const estimated = chargeRules.filter((rule) => rule !== 'requests');

/** The table. docs/metrics.md is printed from it. */
export const modelMetricDefinitions = {
  ado_llm_requests_total: {
    kind: 'counter',
    help: 'Model calls that ended; `route` is the account.',
    labels: {
      ...modelLabels,
      route: accountNames,
      outcome: [
        'success',
        'rate_limited',
        'overloaded',
        'failed',
        'rejected',
        'not_sent',
        'unknown',
      ],
    },
  },
  ado_llm_tokens_total: {
    kind: 'counter',
    help: 'Tokens that providers reported, each counted once.',
    labels: { ...modelLabels, kind: tokenKinds },
  },
  ado_llm_cost_usd_total: {
    kind: 'counter',
    help: 'Cost of model calls in US dollars, as booked.',
    labels: modelLabels,
  },
  ado_llm_ttft_seconds: {
    kind: 'histogram',
    help: 'Time from a request to the first piece of its answer.',
    labels: modelLabels,
    buckets: [0.1, 0.25, 0.5, 0.75, 1, 1.5, 2.5, 5, 10, 20, 60],
  },
  ado_llm_call_seconds: {
    kind: 'histogram',
    help: 'Time from a request to the end of its answer, or to its failure.',
    labels: modelLabels,
    buckets: [0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80, 160, 320, 600],
  },
  ado_llm_estimate_error_ratio: {
    kind: 'histogram',
    help: 'What was reserved for a call divided by what it used: 1 is exact, above it limits lie idle.',
    labels: { dim: estimated },
    buckets: [0.1, 0.25, 0.5, 0.75, 0.9, 1, 1.1, 1.25, 1.5, 2, 4, 10, 20],
  },
  ado_ratelimit_decision_total: {
    kind: 'counter',
    help: 'Answers of the limiter, with the limit that held a call back.',
    labels: {
      scope: ['account', 'model', 'tenant', 'none'],
      dim: limitDimensions,
      decision: ['go', 'slot', 'limit', 'window', 'concurrency', 'paused', 'breaker'],
    },
  },
  ado_ratelimit_wait_seconds: {
    kind: 'histogram',
    help: 'Time that calls waited for limits until they could go.',
    labels: {},
    buckets: [0.05, 0.1, 0.25, 0.5, 1, 2, 5, 10, 30, 60, 120, 300],
  },
  ado_ratelimit_utilization: {
    kind: 'gauge',
    help: 'Share of a limit that is used up, above 1 is debt; of models the one that has used most. Every worker tells the same.',
    labels: { account: accountNames, scope: ['account', 'model'], dim: chargeRules },
  },
  ado_ratelimit_debt_seconds: {
    kind: 'gauge',
    help: 'Time until an account has made up for what was used above its limits; the longest of its limits.',
    labels: { account: accountNames },
  },
  ado_ratelimit_script_seconds: {
    kind: 'histogram',
    help: 'Time of a round trip to the limiter in Redis, failed ones too.',
    labels: {},
    buckets: [0.0002, 0.0005, 0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1],
  },
  ado_ratelimit_degraded: {
    kind: 'gauge',
    help: '1 while the limiter is lost and this process keeps to its safe share of the limits.',
    labels: {},
  },
  ado_provider_429_total: {
    kind: 'counter',
    help: 'Calls that a provider turned away for a limit; `predicted` when the limiter knew of it.',
    labels: { predicted: ['true', 'false'] },
  },
  ado_breaker_state: {
    kind: 'gauge',
    help: 'Breaker of a model of an account: 0 closed, 1 half open, 2 open.',
    labels: { account: accountNames, model: modelNames },
  },
  ado_budget_remaining_usd: {
    kind: 'gauge',
    help: 'US dollars left of the budget of the tenant that paid last; below 0 when it was exceeded.',
    labels: { budget: ['day', 'tenant'] },
  },
  ado_route_fallback_total: {
    kind: 'counter',
    help: 'Accounts that were passed over for the next one.',
    labels: {
      from: accountNames,
      to: accountNames,
      reason: [
        ...(['limit', 'window', 'concurrency', 'paused', 'breaker', 'budget'] as const),
        ...(['wait', 'overloaded', 'fallback', 'money', 'final'] as const),
      ],
    },
  },
  ado_subscription_utilization: {
    kind: 'gauge',
    help: "Share of a subscription's window that is used, 0 to 1, as its last answer told.",
    labels: { account: accountNames, window: ['5h', '7d'] },
  },
} as const satisfies Record<string, MetricDefinition>;

/** The metrics of model calls, and what the gauges of limits are set from. */
export interface ModelMetrics extends ModelCallMetrics {
  /** Models that this process has asked of an account; as many as have a label of their own. */
  listAskedModels(account: string): readonly string[];
  /** Sets the gauges of limits and breakers anew. */
  limitsSeen(limits: readonly SeenLimits[]): void;
}

const breakerNumbers = { closed: 0, half_open: 1, open: 2 } as const;

/** Makes the metrics of model calls, all at zero. */
export function createModelMetrics(registry: Registry): ModelMetrics {
  const { counter, gauge, histogram } = createMakers(modelMetricDefinitions, registry);
  const requests = counter('ado_llm_requests_total');
  const tokens = counter('ado_llm_tokens_total');
  const cost = counter('ado_llm_cost_usd_total');
  const ttft = histogram('ado_llm_ttft_seconds');
  const duration = histogram('ado_llm_call_seconds');
  const estimates = histogram('ado_llm_estimate_error_ratio');
  const decisions = counter('ado_ratelimit_decision_total');
  const waits = histogram('ado_ratelimit_wait_seconds');
  const utilization = gauge('ado_ratelimit_utilization');
  const debt = gauge('ado_ratelimit_debt_seconds');
  const scripts = histogram('ado_ratelimit_script_seconds');
  const degraded = gauge('ado_ratelimit_degraded');
  const turnedAway = counter('ado_provider_429_total');
  const breakers = gauge('ado_breaker_state');
  const budgets = gauge('ado_budget_remaining_usd');
  const fallbacks = counter('ado_route_fallback_total');
  const subscriptions = gauge('ado_subscription_utilization');
  const asked = new AskedModels();

  return {
    listAskedModels: (account) => asked.of(account),
    callEnded(call) {
      const { provider, account, outcome, ttftMs, durationMs } = call;
      const isScripted = provider === 'scripted';
      const route = isScripted ? provider : account;
      const model = isScripted ? provider : asked.labelOf(account, call.model);
      requests.inc({ provider, model, route, outcome });
      duration.observe({ provider, model }, durationMs / 1_000);
      cost.inc({ provider, model }, call.costMicroUsd / 1_000_000);
      if (ttftMs !== undefined) ttft.observe({ provider, model }, ttftMs / 1_000);
      if (call.tokens === undefined) return;
      const counts = toTokenCounts(call.tokens);
      for (const kind of tokenKinds) tokens.inc({ provider, model, kind }, counts[kind]);
    },
    limitDecided(answer, scopes) {
      if (answer.kind === 'go') {
        decisions.inc({ scope: 'none', dim: 'none', decision: 'go' });
        return;
      }
      const scope = scopes.find(({ name }) => name === answer.scope);
      const dimension = scope?.dimensions.find(({ name }) => name === answer.dimension);
      decisions.inc({
        scope: scope === undefined ? 'none' : kindOf(scope),
        dim: dimension?.charge ?? 'none',
        decision: answer.kind === 'slot' ? 'slot' : answer.reason,
      });
    },
    limitWaited: (waitedMs) => waits.observe(waitedMs / 1_000),
    limiterAsked: (durationMs) => scripts.observe(durationMs / 1_000),
    limiterBecame: (state) => degraded.set(state === 'degraded' ? 1 : 0),
    estimateWas(estimate, actual) {
      for (const dim of estimated) {
        // Nothing used of it: there is no ratio.
        if (actual[dim] > 0) estimates.observe({ dim }, estimate[dim] / actual[dim]);
      }
    },
    rateLimited: (how) => turnedAway.inc({ predicted: how === 'predicted' ? 'true' : 'false' }),
    fellBack: ({ from, to, reason }) => fallbacks.inc({ from, to, reason }),
    budgetStands: ({ kind, remainingMicroUsd }) =>
      budgets.set({ budget: kind }, remainingMicroUsd / 1_000_000),
    subscriptionStands: ({ account, window, usedShare }) =>
      subscriptions.set({ account, window }, usedShare),
    limitsSeen(limits) {
      for (const one of [utilization, debt, breakers]) one.reset();
      for (const [{ account, scope, dim }, used] of highest(limits))
        utilization.set({ account, scope, dim }, used);
      for (const { account, model, state } of limits) {
        if (model === undefined) continue;
        const labels = { account, model: asked.labelOf(account, model) };
        breakers.set(labels, breakerNumbers[state.breaker]);
      }
      for (const account of new Set(limits.map((seen) => seen.account)))
        debt.set(
          { account },
          Math.max(...limits.filter((seen) => seen.account === account).map(debtSeconds)),
        );
    },
  };
}

/** The models that have a label of their own, by account. */
class AskedModels {
  readonly #models = new Map<string, Set<string>>();
  #count = 0;

  of(account: string): readonly string[] {
    return [...(this.#models.get(account) ?? [])];
  }

  labelOf(account: string, model: string): string {
    const known = this.#models.get(account) ?? new Set();
    if (known.has(model)) return model;
    if (this.#count === namedModels) return 'other';
    this.#count += 1;
    this.#models.set(account, known.add(model));
    return model;
  }
}

/** What a scope is of, without the id in its name. */
function kindOf({ name }: LimitScope): 'account' | 'model' | 'tenant' {
  const [kind] = name.split(':');
  return kind === 'model' || kind === 'tenant' ? kind : 'account';
}

interface GaugeLabels {
  readonly account: string;
  readonly scope: 'account' | 'model' | 'tenant';
  readonly dim: ChargeRule;
}

/** The highest share for each set of labels: several models share one, and so do limits per minute and per day. */
function highest(limits: readonly SeenLimits[]): ReadonlyMap<GaugeLabels, number> {
  const byKey = new Map<string, readonly [GaugeLabels, number]>();
  for (const [labels, used] of limits.flatMap(usedShares)) {
    const key = JSON.stringify(labels);
    byKey.set(key, [labels, Math.max(used, byKey.get(key)?.[1] ?? 0)]);
  }
  return new Map(byKey.values());
}

function usedShares({ account, scopes, state }: SeenLimits): (readonly [GaugeLabels, number])[] {
  return scopes.flatMap((scope, scopeIndex) =>
    scope.dimensions.flatMap((dimension, index) => {
      const remaining = state.scopes[scopeIndex]?.dimensions[index]?.remaining;
      if (remaining === undefined) return [];
      const whole = dimension.kind === 'rate' ? dimension.burst : dimension.limit;
      const labels = { account, scope: kindOf(scope), dim: dimension.charge };
      return [[labels, 1 - remaining / whole] as const];
    }),
  );
}

/** How long the deepest debt of an account takes until it is made up for. */
function debtSeconds({ scopes, state }: SeenLimits): number {
  const debts = scopes.flatMap((scope, scopeIndex) =>
    scope.dimensions.map((dimension, index) => {
      const remaining = state.scopes[scopeIndex]?.dimensions[index]?.remaining ?? 0;
      if (dimension.kind !== 'rate' || remaining >= 0) return 0;
      return (-remaining * dimension.perMs) / dimension.limit / 1_000;
    }),
  );
  return Math.max(0, ...debts);
}
