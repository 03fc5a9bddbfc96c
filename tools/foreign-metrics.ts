/**
 * The metrics of others that alerts and dashboards read. Those of Temporal are held to running processes by
 * tests/e2e/metrics.test.ts; those of Kubernetes come from its own exporters, and what needs them is optional.
 */

/** A metric that ado reads and does not make. */
export interface ForeignMetric {
  readonly kind: 'counter' | 'gauge' | 'histogram';
  readonly help: string;
  /** Labels that are of use. */
  readonly labels: readonly string[];
}

type Table = Readonly<Record<string, ForeignMetric>>;

/** Of Temporal's SDK, in every worker. */
export const temporalSdkMetrics = {
  temporal_activity_execution_latency_seconds: {
    kind: 'histogram',
    help: 'Time that attempts of activities took.',
    labels: ['task_queue', 'activity_type'],
  },
  temporal_activity_schedule_to_start_latency_seconds: {
    kind: 'histogram',
    help: 'Time that activities waited in their queue for a slot of a worker.',
    labels: ['task_queue'],
  },
  temporal_workflow_task_schedule_to_start_latency_seconds: {
    kind: 'histogram',
    help: 'Time that workflow tasks waited in their queue.',
    labels: ['task_queue'],
  },
  temporal_workflow_task_replay_latency_seconds: {
    kind: 'histogram',
    help: 'Time to replay a workflow that was not in the cache.',
    labels: ['workflow_type'],
  },
  temporal_workflow_task_execution_failed_total: {
    kind: 'counter',
    help: 'Workflow tasks that failed: a defect, or code that does not fit the history.',
    labels: ['workflow_type', 'failure_reason'],
  },
  temporal_workflow_endtoend_latency_seconds: {
    kind: 'histogram',
    help: 'Time from the start of a workflow to its end.',
    labels: ['workflow_type'],
  },
  temporal_worker_task_slots_used: {
    kind: 'gauge',
    help: 'Slots taken.',
    labels: ['task_queue', 'worker_type'],
  },
  temporal_worker_task_slots_available: {
    kind: 'gauge',
    help: 'Slots free.',
    labels: ['task_queue', 'worker_type'],
  },
  temporal_num_pollers: {
    kind: 'gauge',
    help: 'Long polls under way.',
    labels: ['task_queue', 'poller_type'],
  },
  temporal_sticky_cache_size: {
    kind: 'gauge',
    help: 'Workflows in the cache.',
    labels: ['task_queue'],
  },
  temporal_request_latency_seconds: {
    kind: 'histogram',
    help: 'Time of calls to Temporal.',
    labels: ['operation'],
  },
} as const satisfies Table;

/** Of the Temporal server. */
export const temporalServerMetrics = {
  service_requests: {
    kind: 'counter',
    help: 'Requests to a service.',
    labels: ['service_name', 'operation', 'namespace'],
  },
  service_error_with_type: {
    kind: 'counter',
    help: 'Requests that failed, those refused with good reason too.',
    labels: ['service_name', 'operation', 'error_type'],
  },
  service_latency: {
    kind: 'histogram',
    help: 'Seconds to answer requests; long polls count whole.',
    labels: ['service_name', 'operation'],
  },
  persistence_requests: {
    kind: 'counter',
    help: 'Calls to the database.',
    labels: ['service_name', 'operation'],
  },
  persistence_error_with_type: {
    kind: 'counter',
    help: 'Calls to the database that failed.',
    labels: ['service_name', 'operation', 'error_type'],
  },
  persistence_latency: {
    kind: 'histogram',
    help: 'Seconds of calls to the database.',
    labels: ['service_name', 'operation'],
  },
  persistence_sql_in_use: {
    kind: 'gauge',
    help: 'Connections to the database in use.',
    labels: ['service_name', 'db_kind'],
  },
  persistence_sql_max_open_conn: {
    kind: 'gauge',
    help: 'Most connections to the database.',
    labels: ['service_name', 'db_kind'],
  },
  sharditem_created_count: {
    kind: 'counter',
    help: 'History shards taken over by a server.',
    labels: ['service_name'],
  },
  numshards_gauge: {
    kind: 'gauge',
    help: 'History shards that a server owns.',
    labels: ['service_name'],
  },
  poll_success: {
    kind: 'counter',
    help: 'Polls that got a task.',
    labels: ['taskqueue', 'task_type'],
  },
  poll_success_sync: {
    kind: 'counter',
    help: 'Polls that got a task without its way through the database.',
    labels: ['taskqueue', 'task_type'],
  },
  state_transition_count: {
    kind: 'histogram',
    help: 'State transitions of workflows, by batches: what Temporal does is counted in them.',
    labels: ['namespace'],
  },
} as const satisfies Table;

/** Of kubelet and kube-state-metrics. */
export const kubernetesMetrics = {
  kube_horizontalpodautoscaler_status_current_replicas: {
    kind: 'gauge',
    help: 'Replicas that an autoscaler sees (kube-state-metrics).',
    labels: ['namespace', 'horizontalpodautoscaler'],
  },
  kube_horizontalpodautoscaler_spec_max_replicas: {
    kind: 'gauge',
    help: 'Its maximum (kube-state-metrics).',
    labels: ['namespace', 'horizontalpodautoscaler'],
  },
  kube_pod_container_status_last_terminated_reason: {
    kind: 'gauge',
    help: '1 for the reason of the last end of a container (kube-state-metrics).',
    labels: ['namespace', 'pod', 'container', 'reason'],
  },
  kube_pod_container_status_restarts_total: {
    kind: 'counter',
    help: 'Restarts of a container (kube-state-metrics).',
    labels: ['namespace', 'pod', 'container'],
  },
  kubelet_volume_stats_available_bytes: {
    kind: 'gauge',
    help: 'Bytes left of a persistent volume (kubelet).',
    labels: ['namespace', 'persistentvolumeclaim'],
  },
  kubelet_volume_stats_capacity_bytes: {
    kind: 'gauge',
    help: 'Its size (kubelet).',
    labels: ['namespace', 'persistentvolumeclaim'],
  },
} as const satisfies Table;
