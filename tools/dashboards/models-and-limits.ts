/** How providers answer, and where the limits of accounts stand. */
import { inNamespace as ns, quantiles, type Dashboard } from './dashboard.ts';

/** Dashboard `models-and-limits`. */
export const modelsAndLimits: Dashboard = {
  name: 'models-and-limits',
  title: 'Models and limits',
  description:
    'How providers answer, where the limits of accounts stand, and where calls go instead.',
  rows: [
    {
      title: 'Calls',
      panels: [
        {
          title: 'Calls per minute',
          description: 'By outcome. More than a tenth failed is ProviderErrors.',
          unit: 'short',
          stacked: true,
          queries: [
            [
              `60 * sum by (provider, outcome) (rate(ado_llm_requests_total{${ns}}[$__rate_interval]))`,
              '{{provider}} {{outcome}}',
            ],
          ],
        },
        {
          title: 'Tokens per minute',
          description: 'By kind; tokens read from a cache cost a tenth.',
          unit: 'short',
          stacked: true,
          queries: [
            [
              `60 * sum by (kind) (rate(ado_llm_tokens_total{${ns}}[$__rate_interval]))`,
              '{{kind}}',
            ],
          ],
        },
        {
          title: 'Time to the first token, p95',
          description: 'Above 30 s HighProviderLatency fires.',
          unit: 's',
          thresholds: [15, 30],
          queries: quantiles('ado_llm_ttft_seconds', { by: ['model'], shares: [0.95] }),
        },
        {
          title: 'Duration of calls',
          description: 'From the request to the end of the answer.',
          unit: 's',
          queries: quantiles('ado_llm_call_seconds', { by: ['provider'] }),
        },
      ],
    },
    {
      title: 'Limits',
      panels: [
        {
          title: 'Use of limits',
          description: 'Share of each limit; above 1 is debt. Every worker tells the same.',
          unit: 'percentunit',
          thresholds: [0.8, 1],
          queries: [
            [
              `max by (account, scope, dim) (ado_ratelimit_utilization{${ns}})`,
              '{{account}} {{scope}} {{dim}}',
            ],
          ],
        },
        {
          title: 'Wait for limits',
          description: 'Of calls that had to wait.',
          unit: 's',
          queries: quantiles('ado_ratelimit_wait_seconds'),
        },
        {
          title: 'What holds calls back',
          description: 'Answers of the limiter other than go, by limit.',
          unit: 'ops',
          queries: [
            [
              `sum by (decision, scope, dim) (rate(ado_ratelimit_decision_total{decision!="go",${ns}}[$__rate_interval]))`,
              '{{decision}} {{scope}} {{dim}}',
            ],
          ],
        },
        {
          title: 'Turned away by providers',
          description:
            'Calls an hour that met a limit. Not predicted: our limits are wrong, or others use the account.',
          unit: 'short',
          queries: [
            [
              `3600 * sum by (predicted) (rate(ado_provider_429_total{${ns}}[$__rate_interval]))`,
              'predicted: {{predicted}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Where calls go',
      panels: [
        {
          title: 'Breakers',
          description: '0 closed, 1 half open, 2 open: the account is passed over.',
          unit: 'short',
          thresholds: [1, 2],
          queries: [
            [`max by (account, model) (ado_breaker_state{${ns}})`, '{{account}} {{model}}'],
          ],
        },
        {
          title: 'Passed on to another account',
          description: 'Calls a minute, from where, to where, why.',
          unit: 'short',
          queries: [
            [
              `60 * sum by (from, to, reason) (rate(ado_route_fallback_total{${ns}}[$__rate_interval]))`,
              '{{from}} → {{to}}: {{reason}}',
            ],
          ],
        },
        {
          title: 'Subscriptions',
          description: 'Share of the window that is used, as the last answer told.',
          unit: 'percentunit',
          thresholds: [0.8, 0.95],
          queries: [
            [
              `max by (account, window) (ado_subscription_utilization{${ns}})`,
              '{{account}} {{window}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'The limiter',
      panels: [
        {
          title: 'Round trip to Redis',
          description: 'Of reserve and settle.',
          unit: 's',
          queries: quantiles('ado_ratelimit_script_seconds', { shares: [0.5, 0.99] }),
        },
        {
          title: 'Workers without Redis',
          description: 'They keep to a safe share of the limits for a minute; paid calls wait.',
          unit: 'short',
          thresholds: [1, 2],
          queries: [[`sum by (namespace) (ado_ratelimit_degraded{${ns}})`, '{{namespace}}']],
        },
        {
          title: 'Estimate by actual use, median',
          description: '1 is exact; far above it, limits lie idle.',
          unit: 'short',
          queries: quantiles('ado_llm_estimate_error_ratio', { by: ['dim'], shares: [0.5] }),
        },
        {
          title: 'Debt of accounts',
          description: 'Time until what was used above the limits is made up for.',
          unit: 's',
          queries: [[`max by (account) (ado_ratelimit_debt_seconds{${ns}})`, '{{account}}']],
        },
      ],
    },
  ],
};
