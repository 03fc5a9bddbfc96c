/** What tasks do, how long their steps take, and what they cost. */
import { inNamespace as ns, quantiles, type Dashboard } from './dashboard.ts';

/** Dashboard `runs-and-cost`. */
export const runsAndCost: Dashboard = {
  name: 'runs-and-cost',
  title: 'Runs and cost',
  description: 'What tasks do, where they fail, how long their steps take, and what they cost.',
  rows: [
    {
      title: 'Tasks and steps',
      panels: [
        {
          title: 'Tasks per hour',
          description: 'Attempts that ended, by how.',
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
          title: 'Steps per minute',
          description: 'Finished steps by kind: what the fleet is busy with.',
          unit: 'short',
          stacked: true,
          queries: [
            [`60 * sum by (kind) (rate(ado_steps_total{${ns}}[$__rate_interval]))`, '{{kind}}'],
          ],
        },
        {
          title: 'Steps that fail',
          description: 'Share of each kind. Gates send work back; four fifths are GatesFailing.',
          unit: 'percentunit',
          queries: [
            [
              `sum by (kind) (rate(ado_steps_total{status="failed",${ns}}[$__rate_interval])) / sum by (kind) (rate(ado_steps_total{${ns}}[$__rate_interval]))`,
              '{{kind}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Durations',
      panels: [
        {
          title: 'Duration of steps, p95',
          description: 'By kind. Models and gates may take minutes, a workspace should not.',
          unit: 's',
          queries: quantiles('ado_step_duration_seconds', { by: ['kind'], shares: [0.95] }),
        },
        {
          title: 'Longest work of a running task',
          description:
            'Of its current attempt, waits not counted. Over an hour is LongRunningTask.',
          unit: 's',
          queries: [
            [`max by (namespace) (ado_oldest_running_task_seconds{${ns}})`, '{{namespace}}'],
          ],
        },
        {
          title: 'Duration of tasks',
          description: 'From the start of the workflow to its end, waits included.',
          unit: 's',
          queries: quantiles('temporal_workflow_endtoend_latency_seconds', {
            where: ',workflow_type="agentTask"',
          }),
        },
      ],
    },
    {
      title: 'Cost',
      panels: [
        {
          title: 'Cost per hour',
          description:
            'US dollars an hour by provider. Twice the mean of the day is HourlyCostSpike.',
          unit: 'currencyUSD',
          stacked: true,
          queries: [
            [
              `3600 * sum by (provider) (rate(ado_llm_cost_usd_total{${ns}}[$__rate_interval]))`,
              '{{provider}}',
            ],
          ],
        },
        {
          title: 'Cost per succeeded task',
          description: 'Of the last hour. It rises when work is repaired again and again.',
          unit: 'currencyUSD',
          queries: [
            [
              `sum(increase(ado_llm_cost_usd_total{${ns}}[1h])) / sum(increase(ado_tasks_total{status="succeeded",${ns}}[1h]))`,
              'a task',
            ],
          ],
        },
        {
          title: 'Left of the budgets',
          description:
            'Of the tenant that paid last; the tightest of all processes. 0 holds its paid calls.',
          unit: 'currencyUSD',
          queries: [
            [
              `min by (namespace, budget) (ado_budget_remaining_usd{${ns}})`,
              '{{namespace}} {{budget}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'This month, and people',
      panels: [
        {
          kind: 'stat',
          title: 'Spent in 30 days',
          description: 'Cost of model calls, as booked.',
          unit: 'currencyUSD',
          queries: [[`sum(increase(ado_llm_cost_usd_total{${ns}}[30d]))`, 'spent']],
        },
        {
          kind: 'stat',
          title: 'A month at the pace of this week',
          description: 'What the last seven days lead to in thirty.',
          unit: 'currencyUSD',
          queries: [[`sum(increase(ado_llm_cost_usd_total{${ns}}[7d])) * 30 / 7`, 'a month']],
        },
        {
          kind: 'stat',
          title: 'Answers booked without a price',
          description: 'In 24 h, at the ceiling; any is PriceMissing.',
          unit: 'short',
          queries: [[`sum(increase(ado_price_missing_total{${ns}}[24h]))`, 'answers']],
        },
        {
          kind: 'stat',
          title: 'Questions without an answer',
          description: 'Approvals of the last 24 h that ended by their default.',
          unit: 'short',
          queries: [[`sum(increase(ado_approvals_total{move="expired",${ns}}[24h]))`, 'expired']],
        },
      ],
    },
  ],
};
