/** What callers of the API get, and how fast. */
import { inNamespace as ns, quantiles, type Dashboard } from './dashboard.ts';

/** Streams are counted to their first byte, which waits for news. */
const noStreams = ',route!~"follow.*|getLogs"';

/** Dashboard `api`. */
export const api: Dashboard = {
  name: 'api',
  title: 'API',
  description: 'What callers of the API get, how fast, and how much of the error budget is used.',
  rows: [
    {
      title: 'Requests',
      panels: [
        {
          title: 'Requests per second',
          description: 'By class of status. 5xx use up the error budget.',
          unit: 'reqps',
          stacked: true,
          queries: [
            [
              `sum by (status) (rate(ado_http_request_duration_seconds_count{${ns}}[$__rate_interval]))`,
              '{{status}}',
            ],
          ],
        },
        {
          title: 'Answers 5xx by route',
          description: 'The log tells each with its requestId.',
          unit: 'reqps',
          queries: [
            [
              `sum by (method, route) (rate(ado_http_request_duration_seconds_count{status="5xx",${ns}}[$__rate_interval]))`,
              '{{method}} {{route}}',
            ],
          ],
        },
        {
          title: 'Use of the error budget',
          description:
            'Times the pace that 99.9 % allow: 14.4 in an hour is ApiErrorBudgetBurnsFast, 3 in six hours ApiErrorBudgetBurns.',
          unit: 'short',
          thresholds: [3, 14.4],
          queries: [
            [`namespace:ado_http_errors:ratio_rate1h{${ns}} / 0.001`, '{{namespace}} 1 h'],
            [`namespace:ado_http_errors:ratio_rate6h{${ns}} / 0.001`, '{{namespace}} 6 h'],
          ],
        },
      ],
    },
    {
      title: 'Times',
      panels: [
        {
          title: 'Latency',
          description: 'Streams aside. A p95 above a second is HighApiLatency.',
          unit: 's',
          thresholds: [0.5, 1],
          queries: quantiles('ado_http_request_duration_seconds', {
            where: noStreams,
            shares: [0.5, 0.95, 0.99],
          }),
        },
        {
          title: 'Latency by route, p95',
          description: 'Plans and submits may ask hosts of repositories.',
          unit: 's',
          queries: quantiles('ado_http_request_duration_seconds', {
            by: ['route'],
            where: noStreams,
            shares: [0.95],
          }),
        },
        {
          title: 'Submit to 202, all values',
          description: 'The heat map of submitTask.',
          unit: 's',
          kind: 'heatmap',
          queries: [
            [
              `sum by (le) (increase(ado_http_request_duration_seconds_bucket{route="submitTask",${ns}}[$__rate_interval]))`,
              '{{le}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Streams and hand-over to Temporal',
      panels: [
        {
          title: 'Open event streams',
          description: 'By API process; each reader of a task or a batch holds one.',
          unit: 'short',
          queries: [[`sum by (pod) (ado_sse_clients{${ns}})`, '{{pod}}']],
        },
        {
          title: 'Messages delivered to Temporal',
          description: 'Starts, wake-ups, cancels. None, while tasks are submitted, is bad.',
          unit: 'ops',
          queries: [
            [
              `sum by (kind) (rate(ado_outbox_delivered_total{${ns}}[$__rate_interval]))`,
              '{{kind}}',
            ],
          ],
        },
        {
          title: 'API processes up',
          description: '0 is ApiDown.',
          unit: 'short',
          queries: [[`sum by (namespace) (up{job="ado-api",${ns}})`, '{{namespace}}']],
        },
      ],
    },
  ],
};
