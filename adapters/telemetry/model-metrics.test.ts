// The metrics of model calls.
//   - every metric of the table is set by a call, in base units
//   - no label holds a tenant, and names of models have a bound
//   - the gauges of limits are looked at once in five seconds, and go away when Redis does
import { providersConfigSchema, type ProviderAccount } from '../../config/providers-config.ts';
import { AppError } from '../../contracts/errors.ts';
import { createLimitLooks } from '../models/limit-looks.ts';
import { createLimitScopes } from '../models/limit-scopes.ts';
import type { Charges, LimitAnswer, LimitState, RateLimiter } from '../ports.ts';
import { createLimitGauges } from './limit-gauges.ts';
import { measureLimiter } from './measured-limiter.ts';
import { createMetrics } from './metrics.ts';
import { modelMetricDefinitions } from './model-metrics.ts';

const account = anAccount({
  models: ['sonnet'],
  tenantShare: 0.5,
  limits: [
    { charge: 'requests', limit: 60, per: 'minute', burst: 10 },
    { charge: 'total', limit: 1_000, per: 'day', scope: 'model' },
  ],
});
const scopes = createLimitScopes(() => Promise.resolve(0))(account, 'sonnet', 'tenant-4711');

function anAccount(changes: object): ProviderAccount {
  const credential = { env: 'KEY' };
  const [parsed] = providersConfigSchema.parse({
    accounts: [{ name: 'work', provider: 'anthropic', access: 'api', credential, ...changes }],
  }).accounts;
  if (parsed === undefined) throw new Error('there is one account');
  return parsed;
}

function charges(change: Partial<Charges>): Charges {
  return {
    requests: 1,
    input: 0,
    uncached_input: 0,
    output_actual: 0,
    max_tokens: 0,
    total: 0,
    micro_usd: 0,
    ...change,
  };
}

/** Four requests in debt, a quarter of the day's tokens used, the breaker open. */
function aState(seen: typeof scopes): LimitState {
  return {
    pausedForMs: 0,
    speed: 1,
    breaker: 'open',
    scopes: seen.map(({ name, dimensions }) => ({
      name,
      concurrent: 0,
      dimensions: dimensions.map((dimension) => ({
        name: dimension.name,
        remaining: dimension.kind === 'rate' ? -4 : 750,
        lineMs: 0,
      })),
    })),
  };
}

const peek: RateLimiter['peek'] = (_account, _model, seen) => Promise.resolve(aState(seen));

const aCall = {
  provider: 'anthropic',
  account: 'work',
  model: 'sonnet',
  outcome: 'success',
  ttftMs: 500,
  durationMs: 4_000,
  tokens: {
    inputTokens: 100,
    outputTokens: 30,
    cacheReadTokens: 60,
    cacheWriteTokens: 10,
    cacheWriteHourTokens: 4,
    reasoningTokens: 5,
  },
  costMicroUsd: 250_000,
} as const;

test('every metric of the table is set by a call, in base units', async () => {
  const metrics = createMetrics();
  const go: LimitAnswer = { kind: 'go', grant: 1, redisTimeUs: 0 };
  const limiter = measureLimiter(
    { peek, reserve: () => Promise.resolve(go) } as unknown as RateLimiter,
    metrics,
  );
  metrics.callEnded(aCall);
  await limiter.reserve({
    account: 'work',
    model: 'sonnet',
    id: 'a',
    scopes,
    estimate: charges({}),
    priority: 'normal',
    horizonMs: 0,
  });
  metrics.limitWaited(1_500);
  metrics.limiterBecame('degraded');
  metrics.estimateWas(charges({ total: 300 }), charges({ total: 100, input: 0 }));
  metrics.rateLimited('unforeseen');
  metrics.fellBack({ from: 'work', to: 'spare', reason: 'breaker' });
  metrics.budgetStands({ kind: 'day', remainingMicroUsd: -500_000 });
  metrics.subscriptionStands({ account: 'plan', window: '5h', usedShare: 0.8 });
  metrics.limitsSeen(await createLimitLooks(limiter)({ account, models: ['sonnet'] }));

  const { text } = await metrics.read();

  for (const name of Object.keys(modelMetricDefinitions))
    expect(text).toMatch(new RegExp(`^${name}(_sum|_count)?(\\{[^}]*\\})? -?[0-9.e-]+$`, 'm'));
  const labels = 'provider="anthropic",model="sonnet"';
  for (const line of [
    `ado_llm_requests_total{${labels},route="work",outcome="success"} 1`,
    `ado_llm_tokens_total{${labels},kind="input"} 30`,
    `ado_llm_tokens_total{${labels},kind="cacheWrite5m"} 6`,
    `ado_llm_cost_usd_total{${labels}} 0.25`,
    `ado_llm_ttft_seconds_sum{${labels}} 0.5`,
    `ado_llm_call_seconds_sum{${labels}} 4`,
    'ado_llm_estimate_error_ratio_sum{dim="total"} 3',
    'ado_ratelimit_decision_total{scope="none",dim="none",decision="go"} 1',
    'ado_ratelimit_wait_seconds_sum 1.5',
    'ado_ratelimit_utilization{account="work",scope="account",dim="requests"} 1.4',
    'ado_ratelimit_utilization{account="work",scope="model",dim="total"} 0.25',
    'ado_ratelimit_debt_seconds{account="work"} 4',
    'ado_ratelimit_degraded 1',
    'ado_provider_429_total{predicted="false"} 1',
    'ado_breaker_state{account="work",model="sonnet"} 2',
    'ado_budget_remaining_usd{budget="day"} -0.5',
    'ado_route_fallback_total{from="work",to="spare",reason="breaker"} 1',
    'ado_subscription_utilization{account="plan",window="5h"} 0.8',
  ])
    expect(text.split('\n')).toContain(line);
  expect(text).not.toContain('dim="input"');
});

test('a limit that holds a call back is told by its kind, never by whose it is', async () => {
  const metrics = createMetrics();
  const held = { kind: 'refuse', waitMs: 10, redisTimeUs: 0 } as const;
  metrics.limitDecided(
    { ...held, reason: 'limit', scope: 'tenant:tenant-4711', dimension: 'requests a minute' },
    scopes,
  );
  metrics.limitDecided(
    { ...held, kind: 'slot', scope: 'model:sonnet', dimension: 'total a day of the model' },
    scopes,
  );
  metrics.limitDecided(
    { ...held, reason: 'breaker', scope: undefined, dimension: undefined },
    scopes,
  );

  const { text } = await metrics.read();

  expect(text).toContain('{scope="tenant",dim="requests",decision="limit"} 1');
  expect(text).toContain('{scope="model",dim="total",decision="slot"} 1');
  expect(text).toContain('{scope="none",dim="none",decision="breaker"} 1');
  expect(text).not.toContain('tenant-4711');
});

test('models beyond the bound share a label, and the script of a scripted model is none', async () => {
  const metrics = createMetrics();
  for (let index = 0; index < 103; index += 1)
    metrics.callEnded({ ...aCall, model: `model-${index}` });
  metrics.callEnded({ ...aCall, provider: 'scripted', account: 'scripted', model: '/tmp/x.yaml' });

  const { text } = await metrics.read();

  expect(text).toContain('model="other",route="work",outcome="success"} 3');
  expect(text).toContain('model="scripted",route="scripted",outcome="success"} 1');
  expect(text).not.toContain('/tmp/x.yaml');
  expect(metrics.listAskedModels('work')).toHaveLength(100);
});

test('a round trip that failed is timed too, and the failure is given on', async () => {
  const metrics = createMetrics();
  const lost = () => Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'gone'));
  const limiter = measureLimiter({ pause: lost } as unknown as RateLimiter, metrics);

  await expect(limiter.pause('work', 'sonnet', 5)).rejects.toThrow('gone');

  expect((await metrics.read()).text).toContain('ado_ratelimit_script_seconds_count 1');
});

test('gauges are looked at once in five seconds, for listed and asked models, and go away with Redis', async () => {
  const metrics = createMetrics();
  const clock = { nowMs: 0, now: () => clock.nowMs };
  const looked: string[] = [];
  let isLost = false;
  const look = createLimitGauges({
    accounts: [account, anAccount({ name: 'bare' })],
    lookAt: createLimitLooks({
      peek: (name, model, seen) => {
        if (isLost) return Promise.reject(new AppError('LIMITER_UNAVAILABLE', 'gone'));
        looked.push(`${name}:${model}`);
        expect(seen.map((scope) => scope.name)).not.toContain('tenant:');
        return peek(name, model, seen);
      },
    }),
    metrics,
    clock,
  });
  metrics.callEnded({ ...aCall, model: 'opus' });

  await look();
  clock.nowMs = 4_999;
  await look();

  expect(looked).toEqual(['work:sonnet', 'work:opus', 'bare:']);
  expect((await metrics.read()).text).toContain('ado_breaker_state{account="work",model="opus"} 2');

  clock.nowMs = 5_000;
  isLost = true;
  await look();

  expect((await metrics.read()).text).not.toMatch(/^ado_breaker_state\{/m);
});
