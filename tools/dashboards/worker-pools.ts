/** Whether the pools have as many workers as their work takes. */
import { inNamespace as ns, quantiles, type Dashboard } from './dashboard.ts';

/** A gauge of which every API process tells the same. */
const ofPool = (metric: string) => `max by (namespace, pool) (${metric}{${ns}})`;
const legend = '{{namespace}} {{pool}}';

/** Dashboard `worker-pools`. */
export const workerPools: Dashboard = {
  name: 'worker-pools',
  title: 'Worker pools and scaling',
  description:
    'Whether the pools have as many workers as their work takes, and what holds them up.',
  rows: [
    {
      title: 'Scaling',
      panels: [
        {
          title: 'Workers: there, and wanted',
          description: 'Wanted is what backlog and busy slots take. Apart for long: PoolTooSmall.',
          unit: 'short',
          queries: [
            [ofPool('ado_pool_workers'), `${legend} there`],
            [ofPool('ado_pool_desired_workers'), `${legend} wanted`],
          ],
        },
        {
          title: 'Slots in use',
          description: 'Share of the slots of a pool. Above 90 % HighWorkerUtilization fires.',
          unit: 'percentunit',
          thresholds: [0.8, 0.9],
          queries: [[`namespace_pool:ado_pool_utilization:ratio{${ns}}`, legend]],
        },
      ],
    },
    {
      title: 'Queues',
      panels: [
        {
          title: 'Queue length',
          description: 'Tasks in the Temporal queue of a pool. Above 100 TaskQueueBacklog fires.',
          unit: 'short',
          queries: [[ofPool('ado_task_queue_length'), legend]],
        },
        {
          title: 'Age of the oldest',
          description: 'How long the first in the queue has waited.',
          unit: 's',
          thresholds: [30, 60],
          queries: [[ofPool('ado_task_queue_backlog_age_seconds'), legend]],
        },
        {
          title: 'Processes that ask for work',
          description: 'None, while work waits, is TaskQueueWithoutWorkers.',
          unit: 'short',
          queries: [[ofPool('ado_task_queue_pollers'), legend]],
        },
      ],
    },
    {
      title: 'From a slot to the next',
      panels: [
        {
          title: 'Wait for a slot',
          description:
            'From a prepared workspace to the slot of batch and tenant: long where work is bounded on purpose.',
          unit: 's',
          queries: quantiles('ado_slot_wait_seconds'),
        },
        {
          title: 'Refill of a freed slot',
          description: 'From a freed slot to its next holder; a p99 above 100 ms wastes slots.',
          unit: 's',
          thresholds: [0.05, 0.1],
          queries: quantiles('ado_slot_refill_seconds', { shares: [0.5, 0.99] }),
        },
      ],
    },
    {
      title: 'Processes',
      panels: [
        {
          title: 'CPU by process',
          description: 'Cores in use.',
          unit: 'short',
          queries: [
            [
              `sum by (job, pod) (rate(process_cpu_seconds_total{job=~"ado-api|ado-worker",${ns}}[$__rate_interval]))`,
              '{{job}} {{pod}}',
            ],
          ],
        },
        {
          title: 'Memory by process',
          description:
            'Resident memory of the Node.js process; agents, builds and tests beside it come on top.',
          unit: 'bytes',
          queries: [
            [
              `max by (job, pod) (process_resident_memory_bytes{job=~"ado-api|ado-worker",${ns}})`,
              '{{job}} {{pod}}',
            ],
          ],
        },
        {
          title: 'Event loop, p99 of its lag',
          description:
            'Above a second EventLoopBlocked fires; beyond 14 s work is taken from the process.',
          unit: 's',
          thresholds: [0.25, 1],
          queries: [
            [
              `max by (job, pod) (nodejs_eventloop_lag_p99_seconds{job=~"ado-api|ado-worker",${ns}})`,
              '{{job}} {{pod}}',
            ],
          ],
        },
      ],
    },
  ],
};
