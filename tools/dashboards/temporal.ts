/** The Temporal server and its database, and what the SDK tells of workers. */
import { inNamespace as ns, quantiles, type Dashboard } from './dashboard.ts';

/** Dashboard `temporal`. */
export const temporal: Dashboard = {
  name: 'temporal',
  title: 'Temporal',
  description: 'The Temporal server and its database, and what its SDK tells of the workers.',
  rows: [
    {
      title: 'Server',
      panels: [
        {
          title: 'State transitions per second',
          description: 'What Temporal does is counted in them; each takes about 4 ms of CPU.',
          unit: 'ops',
          queries: [
            [
              `sum by (namespace) (rate(state_transition_count_sum{${ns}}[$__rate_interval]))`,
              '{{namespace}}',
            ],
          ],
        },
        {
          title: 'Errors of the frontend by type',
          description:
            "Unavailable, Internal and ResourceExhausted are the server's; 5 % of all requests are TemporalErrors.",
          unit: 'ops',
          queries: [
            [
              `sum by (error_type) (rate(service_error_with_type{service_name="frontend",${ns}}[$__rate_interval]))`,
              '{{error_type}}',
            ],
          ],
        },
        {
          title: 'Answers of the frontend, p95',
          description: 'Without long polls, which wait on purpose.',
          unit: 's',
          queries: quantiles('service_latency', {
            by: ['operation'],
            where:
              ',service_name="frontend",operation!~"Poll.*|GetWorkflowExecutionHistory|UpdateWorkflowExecution"',
            shares: [0.95],
          }),
        },
      ],
    },
    {
      title: 'Database',
      panels: [
        {
          title: 'Calls to the database, p95',
          description:
            'Above 0.5 s TemporalDatabaseSlow fires: every step of every task waits for them.',
          unit: 's',
          thresholds: [0.2, 0.5],
          queries: quantiles('persistence_latency', { by: ['service_name'], shares: [0.95] }),
        },
        {
          title: 'Failed calls to the database',
          description: 'By type. Conditions that fail are normal, connections that fail are not.',
          unit: 'ops',
          queries: [
            [
              `sum by (error_type) (rate(persistence_error_with_type{${ns}}[$__rate_interval]))`,
              '{{error_type}}',
            ],
          ],
        },
        {
          title: 'Connections in use',
          description:
            'Share of the most that a service may open. Above 90 % TemporalConnectionsShort fires.',
          unit: 'percentunit',
          thresholds: [0.7, 0.9],
          queries: [
            [
              `max by (service_name, db_kind) (persistence_sql_in_use{${ns}} / persistence_sql_max_open_conn{${ns}})`,
              '{{service_name}} {{db_kind}}',
            ],
          ],
        },
        {
          title: 'Shards taken over',
          description: 'In the last five minutes: after a restart all of them, else none.',
          unit: 'short',
          queries: [
            [`sum by (namespace) (increase(sharditem_created_count{${ns}}[5m]))`, '{{namespace}}'],
          ],
        },
      ],
    },
    {
      title: 'Queues',
      panels: [
        {
          title: 'Activities: wait for a slot, p95',
          description: 'Above 30 s HighScheduleToStart fires.',
          unit: 's',
          thresholds: [10, 30],
          queries: quantiles('temporal_activity_schedule_to_start_latency_seconds', {
            by: ['task_queue'],
            where: ',task_queue!~".*@.*"',
            shares: [0.95],
          }),
        },
        {
          title: 'Workflow tasks: wait, p95',
          description: 'More than a second: the workflows pool is too small.',
          unit: 's',
          thresholds: [0.2, 1],
          queries: quantiles('temporal_workflow_task_schedule_to_start_latency_seconds', {
            shares: [0.95],
          }),
        },
        {
          title: 'Tasks handed over at once',
          description:
            'Share of polls that got a task without its way through the database; low: too few free slots.',
          unit: 'percentunit',
          queries: [
            [
              `sum by (taskqueue) (rate(poll_success_sync{taskqueue=~"ado_.*",${ns}}[$__rate_interval])) / sum by (taskqueue) (rate(poll_success{taskqueue=~"ado_.*",${ns}}[$__rate_interval]))`,
              '{{taskqueue}}',
            ],
          ],
        },
      ],
    },
    {
      title: 'Workers, as the SDK sees them',
      panels: [
        {
          title: 'Slots in use',
          description: "By queue and kind of worker; queues of single hosts count with the pool's.",
          unit: 'percentunit',
          thresholds: [0.8, 0.95],
          queries: [
            [`task_queue:temporal_slot_utilization:ratio{${ns}}`, '{{task_queue}} {{worker_type}}'],
          ],
        },
        {
          title: 'Workflow tasks that fail',
          description:
            'Any is WorkflowTasksFailing: code that does not fit a history, or a defect.',
          unit: 'ops',
          queries: [
            [
              `sum by (workflow_type, failure_reason) (rate(temporal_workflow_task_execution_failed_total{${ns}}[$__rate_interval]))`,
              '{{workflow_type}} {{failure_reason}}',
            ],
          ],
        },
        {
          title: 'Replays, p95',
          description: 'Time to bring a workflow back that was not in the cache.',
          unit: 's',
          queries: quantiles('temporal_workflow_task_replay_latency_seconds', { shares: [0.95] }),
        },
        {
          title: 'Calls to Temporal, p95',
          description: 'As workers see them, by operation.',
          unit: 's',
          queries: quantiles('temporal_request_latency_seconds', {
            by: ['operation'],
            shares: [0.95],
          }),
        },
      ],
    },
    {
      title: 'Activities',
      panels: [
        {
          title: 'Duration of activities, p95',
          description: 'By type; takeTurn and performCommandTask wait for their slot in it.',
          unit: 's',
          queries: quantiles('temporal_activity_execution_latency_seconds', {
            by: ['activity_type'],
            shares: [0.95],
          }),
        },
        {
          title: 'Workflows in the caches',
          description: 'At the size of the cache (ADO_WORKFLOW_CACHE) replays begin.',
          unit: 'short',
          queries: [[`sum by (pod) (temporal_sticky_cache_size{${ns}})`, '{{pod}}']],
        },
        {
          title: 'Polls under way',
          description: 'Long polls by queue and kind.',
          unit: 'short',
          queries: [
            [
              `sum by (task_queue, poller_type) (temporal_num_pollers{task_queue!~".*@.*",${ns}})`,
              '{{task_queue}} {{poller_type}}',
            ],
          ],
        },
      ],
    },
  ],
};
