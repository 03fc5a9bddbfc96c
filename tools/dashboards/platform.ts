/** The first look: is the platform well, and is work done? */
import { inNamespace as ns, type Dashboard } from './dashboard.ts';

/** Dashboard `platform`. */
export const platform: Dashboard = {
  name: 'platform',
  title: 'Platform',
  description: 'The first look: is everything up, is work done, does somebody have to act?',
  rows: [
    {
      title: 'Now',
      panels: [
        {
          kind: 'stat',
          title: 'API processes up',
          description: 'API processes that answer. 0: nothing can be submitted or looked at.',
          unit: 'short',
          queries: [[`sum(up{job="ado-api",${ns}})`, 'up']],
        },
        {
          kind: 'stat',
          title: 'Workers up',
          description: 'Worker processes that answer.',
          unit: 'short',
          queries: [[`sum(up{job="ado-worker",${ns}})`, 'up']],
        },
        {
          kind: 'stat',
          title: 'Temporal servers up',
          description: 'Empty where Temporal is run by somebody else.',
          unit: 'short',
          queries: [[`sum(up{job="ado-temporal",${ns}})`, 'up']],
        },
        {
          kind: 'stat',
          title: 'Tasks that wait',
          description: 'Accepted, and their work has not begun.',
          unit: 'short',
          queries: [[`sum(max by (namespace) (ado_pending_tasks{${ns}}))`, 'waiting']],
        },
        {
          kind: 'stat',
          title: 'Succeeded in the last hour',
          description: 'Share of attempts that ended well, of those that ended well or failed.',
          unit: 'percentunit',
          queries: [
            [
              `sum(increase(ado_tasks_total{status="succeeded",${ns}}[1h])) / sum(increase(ado_tasks_total{status=~"succeeded|failed",${ns}}[1h]))`,
              'succeeded',
            ],
          ],
        },
        {
          kind: 'stat',
          title: 'Spent in 24 h',
          description: 'Cost of model calls, as booked.',
          unit: 'currencyUSD',
          queries: [[`sum(increase(ado_llm_cost_usd_total{${ns}}[24h]))`, 'spent']],
        },
      ],
    },
    {
      title: 'Work',
      panels: [
        {
          title: 'Tasks per hour',
          description: 'Attempts that ended, by how. A flat line while tasks wait is bad.',
          unit: 'short',
          stacked: true,
          queries: [
            [
              `3600 * sum by (status) (rate(ado_tasks_total{${ns}}[$__rate_interval]))`,
              '{{status}}',
            ],
          ],
        },
        {
          title: 'Success rate',
          description:
            'Of attempts that ended well or failed. Below 90 % HighTaskFailureRate fires.',
          unit: 'percentunit',
          queries: [[`1 - namespace:ado_tasks_failed:ratio_rate5m{${ns}}`, '{{namespace}}']],
        },
        {
          title: 'Age of the oldest waiting work',
          description: 'By pool. Above a minute TaskQueueOld fires.',
          unit: 's',
          thresholds: [30, 60],
          queries: [
            [
              `max by (namespace, pool) (ado_task_queue_backlog_age_seconds{${ns}})`,
              '{{namespace}} {{pool}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Error budget of the API',
      panels: [
        {
          kind: 'stat',
          title: 'Availability in 30 days',
          description: 'Share of requests that were not answered 5xx. The aim is 99.9 %.',
          unit: 'percentunit',
          queries: [
            [
              `1 - (sum(increase(ado_http_request_duration_seconds_count{status="5xx",${ns}}[30d])) or vector(0)) / sum(increase(ado_http_request_duration_seconds_count{${ns}}[30d]))`,
              'available',
            ],
          ],
        },
        {
          kind: 'stat',
          title: 'Error budget left in 30 days',
          description:
            'Of the 0.1 % of requests that may fail; at 0 changes wait until it is back.',
          unit: 'percentunit',
          queries: [
            [
              `1 - ((sum(increase(ado_http_request_duration_seconds_count{status="5xx",${ns}}[30d])) or vector(0)) / sum(increase(ado_http_request_duration_seconds_count{${ns}}[30d]))) / 0.001`,
              'left',
            ],
          ],
        },
        {
          kind: 'stat',
          title: 'Questions that wait for people',
          description:
            'Asked and neither answered nor expired in the last day: ado approvals lists them.',
          unit: 'short',
          queries: [
            [
              `clamp_min(sum(increase(ado_approvals_total{move="pending",${ns}}[1d])) - (sum(increase(ado_approvals_total{move=~"approved|rejected|expired|withdrawn",${ns}}[1d])) or vector(0)), 0)`,
              'open',
            ],
          ],
        },
      ],
    },
  ],
};
