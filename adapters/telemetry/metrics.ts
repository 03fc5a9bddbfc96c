/** Every metric of the platform, and the calls that set them. */
import { collectDefaultMetrics, type Gauge, Registry } from 'prom-client';
import { approvalKinds, approvalStatuses, type ApprovalKind } from '../../contracts/approval.ts';
import { stepKinds } from '../../contracts/event.schema.ts';
import type { PoolState } from '../../contracts/fleet.schema.ts';
import { routes, type RouteName } from '../../contracts/http.schema.ts';
import type { OutboxMessage } from '../../contracts/messages.ts';
import { pools } from '../../contracts/names.ts';
import { egressOutcomes, type EgressOutcome } from '../egress/egress-proxy.ts';
import { tokenKinds } from '../models/usage-cost.ts';
import type { OpenTasks, TokenKind } from '../ports.ts';
import { createMakers, type MetricDefinition } from './metric-table.ts';
import { createModelMetrics, modelMetricDefinitions, type ModelMetrics } from './model-metrics.ts';

/** From 5 ms, where a refilled slot should be, to 5 minutes, where a model call or a test run may be. */
const workBuckets = [0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300];
const requestBuckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.15, 0.25, 0.5, 1, 2.5, 5];

const outboxKinds = [
  'start-task',
  'wake-batch',
  'cancel-workflow',
  'decide-approval',
] as const satisfies readonly OutboxMessage['kind'][];
const statusClasses = ['2xx', '3xx', '4xx', '5xx'] as const;

/** What happens to an approval: its statuses, and each reminder. */
const approvalMoves = [...approvalStatuses, 'reminded'] as const;

const poolGauge = (help: string) =>
  ({
    kind: 'gauge',
    help: `${help} Every API process tells the same.`,
    labels: { pool: pools },
  }) as const;

/** What a pool is scaled by; docs/scaling.md says what counts as a slot of which pool. */
const poolDefinitions = {
  ado_task_queue_length: poolGauge(
    'Tasks that wait in the Temporal queues of a pool, as Temporal estimates it.',
  ),
  ado_task_queue_backlog_age_seconds: poolGauge('How long the oldest of them has waited.'),
  ado_task_queue_pollers: poolGauge('Processes that asked for work of the pool within a minute.'),
  ado_pool_busy_slots: poolGauge('Slots taken in the workers of a pool, stopping ones too.'),
  ado_pool_slots_per_worker: poolGauge('Slots of one worker of the pool.'),
  ado_pool_workers: poolGauge('Workers of a pool that take work.'),
  ado_pool_desired_workers: poolGauge(
    'Workers that backlog and busy slots of a pool take: their sum by the slots of one, rounded up.',
  ),
} as const satisfies Record<string, MetricDefinition>;

const platformDefinitions = {
  ado_tasks_total: {
    kind: 'counter',
    help: 'Attempts of tasks that ended, by final status.',
    labels: { status: ['succeeded', 'failed', 'cancelled'] },
  },
  ado_slot_wait_seconds: {
    kind: 'histogram',
    help: 'Time from a prepared workspace to its slot.',
    labels: {},
    buckets: workBuckets,
  },
  ado_slot_refill_seconds: {
    kind: 'histogram',
    help: 'Time from a freed slot, as a waiting worker hears of it, to its next holder.',
    labels: {},
    buckets: workBuckets,
  },
  ado_steps_total: {
    kind: 'counter',
    help: 'Finished steps.',
    labels: { kind: stepKinds, status: ['succeeded', 'failed'] },
  },
  ado_step_duration_seconds: {
    kind: 'histogram',
    help: 'Duration of finished steps.',
    labels: { kind: stepKinds },
    buckets: workBuckets,
  },
  ado_price_missing_total: {
    kind: 'counter',
    help: 'Answers of models with tokens that have no known price and were booked at the ceiling.',
    labels: { kind: tokenKinds },
  },
  ado_approvals_total: {
    kind: 'counter',
    help: 'Questions to people by what happened to them: asked (pending), reminded, answered, expired. Not those that ended with their task.',
    labels: { kind: approvalKinds, move: approvalMoves },
  },
  ado_pending_tasks: {
    kind: 'gauge',
    help: 'Tasks of all tenants that were accepted and whose work has not begun. Every API process tells the same.',
    labels: {},
  },
  ado_oldest_running_task_seconds: {
    kind: 'gauge',
    help: 'How long the task of all tenants has worked that has worked longest, in its current attempt; 0 when none runs. Waits, for models or people, do not count. Every API process tells the same.',
    labels: {},
  },
  ado_egress_decisions_total: {
    kind: 'counter',
    help: 'Wishes of sandboxed programs to reach a host, by what became of them.',
    labels: { outcome: egressOutcomes },
  },
  ...poolDefinitions,
  ado_http_request_duration_seconds: {
    kind: 'histogram',
    help: 'Time to answer requests; an event stream counts until its first byte.',
    labels: { method: ['get', 'post', 'patch'], route: Object.keys(routes), status: statusClasses },
    buckets: requestBuckets,
  },
  ado_outbox_delivered_total: {
    kind: 'counter',
    help: 'Messages delivered to Temporal.',
    labels: { kind: outboxKinds },
  },
  ado_sse_clients: { kind: 'gauge', help: 'Open event streams.', labels: {} },
} as const satisfies Record<string, MetricDefinition>;

/** The table. docs/metrics.md is printed from it. */
export const metricDefinitions = { ...platformDefinitions, ...modelMetricDefinitions } as const;

/** What happened, in the words of the domain. Each call has one place that makes it. */
export interface Metrics extends ModelMetrics {
  /** By the activity that ends an attempt. */
  taskEnded(status: 'succeeded' | 'failed' | 'cancelled'): void;
  /** By the activity that waited for a slot. */
  slotTaken(waitedMs: number): void;
  /** By the slot leases, when a release let somebody in. */
  slotRefilled(afterMs: number): void;
  /** By the activity that recorded the step. */
  stepFinished(kind: (typeof stepKinds)[number], ok: boolean, durationMs: number): void;
  /** By the prices, once for each kind of tokens of an answer that has no known price. */
  priceMissing(kind: TokenKind): void;
  /** By the activity or the request that did it, once for each. */
  approvalMoved(kind: ApprovalKind, move: (typeof approvalMoves)[number]): void;
  /** By the worker, for each wish that an egress proxy decided on. */
  egressDecided(outcome: EgressOutcome): void;
  /** By the API, whenever its metrics are read. Gauges of pools that are not among them go away. */
  poolsSeen(seen: readonly PoolState[]): void;
  /** By the API, whenever its metrics are read. Undefined when nobody knows. */
  openTasksSeen(tasks: OpenTasks | undefined): void;
  /** By the API's request log. */
  httpAnswered(route: RouteName, status: number, durationMs: number): void;
  /** By the API's outbox relay. */
  outboxDelivered(kind: OutboxMessage['kind']): void;
  /** By the API: 1 when an event stream opens, −1 when it closes. */
  sseClientsChanged(by: 1 | -1): void;
  /** The text form that Prometheus scrapes, with the defaults of the Node.js process. */
  read(): Promise<{ readonly contentType: string; readonly text: string }>;
}

/** The metrics of one process, all at zero. */
export function createMetrics(): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const { counter, gauge, histogram } = createMakers(platformDefinitions, registry);

  const tasks = counter('ado_tasks_total');
  const slotWait = histogram('ado_slot_wait_seconds');
  const slotRefill = histogram('ado_slot_refill_seconds');
  const steps = counter('ado_steps_total');
  const stepDuration = histogram('ado_step_duration_seconds');
  const priceMissing = counter('ado_price_missing_total');
  const approvals = counter('ado_approvals_total');
  const egress = counter('ado_egress_decisions_total');
  const pending = gauge('ado_pending_tasks');
  const longestWork = gauge('ado_oldest_running_task_seconds');
  // A gauge without labels begins with 0, which only the API knows to be so.
  pending.remove();
  longestWork.remove();
  const ofPool: readonly (readonly [Gauge, (pool: PoolState) => number])[] = [
    [gauge('ado_task_queue_length'), ({ backlog }) => backlog],
    [gauge('ado_task_queue_backlog_age_seconds'), (pool) => pool.backlogAgeSeconds],
    [gauge('ado_task_queue_pollers'), ({ pollers }) => pollers],
    [gauge('ado_pool_busy_slots'), ({ busySlots }) => busySlots],
    [gauge('ado_pool_slots_per_worker'), ({ slotsPerWorker }) => slotsPerWorker],
    [gauge('ado_pool_workers'), ({ workers }) => workers],
    [gauge('ado_pool_desired_workers'), ({ desired }) => desired],
  ];
  const requests = histogram('ado_http_request_duration_seconds');
  const delivered = counter('ado_outbox_delivered_total');
  const sseClients = gauge('ado_sse_clients');

  return {
    ...createModelMetrics(registry),
    taskEnded: (status) => tasks.inc({ status }),
    slotTaken: (waitedMs) => slotWait.observe(waitedMs / 1_000),
    slotRefilled: (afterMs) => slotRefill.observe(afterMs / 1_000),
    stepFinished(kind, ok, durationMs) {
      steps.inc({ kind, status: ok ? 'succeeded' : 'failed' });
      stepDuration.observe({ kind }, durationMs / 1_000);
    },
    priceMissing: (kind) => priceMissing.inc({ kind }),
    approvalMoved: (kind, move) => approvals.inc({ kind, move }),
    egressDecided: (outcome) => egress.inc({ outcome }),
    poolsSeen(seen) {
      for (const [metric, read] of ofPool) {
        metric.reset();
        for (const pool of seen) metric.set({ pool: pool.name }, read(pool));
      }
    },
    openTasksSeen(tasks) {
      pending.remove();
      longestWork.remove();
      if (tasks === undefined) return;
      pending.set(tasks.pending);
      longestWork.set(tasks.longestWorkMs / 1_000);
    },
    httpAnswered: (route, status, durationMs) =>
      requests.observe(
        { method: routes[route].method, route, status: `${Math.floor(status / 100)}xx` },
        durationMs / 1_000,
      ),
    outboxDelivered: (kind) => delivered.inc({ kind }),
    sseClientsChanged: (by) => sseClients.inc(by),
    read: async () => ({ contentType: registry.contentType, text: await registry.metrics() }),
  };
}
