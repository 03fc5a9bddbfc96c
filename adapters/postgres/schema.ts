/** The tables as Kysely sees them; migrations/ makes them and says what the columns mean. */
import type { JSONObject, LanguageModelV4Message } from '@ai-sdk/provider';
import type { ColumnType, Generated, GeneratedAlways, Selectable } from 'kysely';
import type {
  ApprovalDecision,
  ApprovalKind,
  ApprovalQuestion,
  ApprovalStatus,
} from '../../contracts/approval.ts';
import type { Batch } from '../../contracts/batch.schema.ts';
import type { ErrorCode } from '../../contracts/errors.ts';
import type { EventType } from '../../contracts/event.schema.ts';
import type { Scope } from '../../contracts/http.schema.ts';
import type { OutboxMessage } from '../../contracts/messages.ts';
import type { Finding, Step } from '../../contracts/step.schema.ts';
import type { DiffStat, Policy, Task } from '../../contracts/task.schema.ts';
import type {
  BatchStatus,
  FailureClass,
  Outcome,
  TaskStatus,
  WaitReason,
} from '../../contracts/task-status.ts';
import type { Charges, ConsideredRoute, ContextTier, ReservationState } from '../ports.ts';

/** A JSON column: written as text, read parsed. */
type Json<T> = ColumnType<T, string, string>;
/** The same where NULL is allowed. */
type OptionalJson<T> = ColumnType<T | null, string | null | undefined, string | null>;
/** A column that is set when the row is made and never changed. */
type Fixed<T> = ColumnType<T, T, never>;

interface TenantsTable {
  tenant_id: Fixed<string>;
  name: string;
  created_at: Fixed<Date>;
}

interface ApiKeysTable {
  tenant_id: Fixed<string>;
  id: Fixed<string>;
  sha256: Fixed<Buffer>;
  scopes: Fixed<Scope[]>;
  created_at: Fixed<Date>;
  expires_at: Date | null;
  revoked_at: Date | null;
}

interface BatchesTable {
  tenant_id: Fixed<string>;
  id: Fixed<string>;
  name: Fixed<string>;
  prompt: Fixed<string>;
  agent: Fixed<Task['agent']>;
  model: Fixed<string | null>;
  parallel: number;
  failure_budget: number | null;
  timeout_ms: Fixed<number>;
  max_cost_micro_usd: Fixed<number | null>;
  priority: Fixed<number>;
  total: Fixed<number>;
  created_at: Fixed<Date>;
  status: Generated<BatchStatus>;
  round: Generated<number>;
  result: NonNullable<Batch['result']> | null;
  event_seq: Generated<number>;
  cancel_requested_at: Date | null;
  started_at: Date | null;
  ended_at: Date | null;
}

interface TasksTable {
  tenant_id: Fixed<string>;
  id: Fixed<string>;
  batch_id: Fixed<string | null>;
  item_index: Fixed<number | null>;
  prompt: Fixed<string>;
  repository: Fixed<string>;
  base_ref: Fixed<string | null>;
  base_commit: Fixed<string>;
  branch: string;
  agent: Fixed<Task['agent']>;
  exec: Fixed<string | null>;
  model: Fixed<string | null>;
  policy: Fixed<Policy>;
  gates: Json<Task['gates']>;
  gate_profile: Fixed<Task['gateProfile']>;
  setup: Fixed<string | null>;
  allow_hosts: Json<Task['allowHosts']>;
  delivery: Json<Task['delivery']>;
  variables: Json<Task['variables']>;
  labels: Json<Task['labels']>;
  priority: Fixed<number>;
  sandbox: Fixed<Task['sandbox']>;
  timeout_ms: Fixed<number>;
  max_cost_micro_usd: Fixed<number>;
  content_key: Fixed<string>;
  reuse: Fixed<boolean>;
  skip: Fixed<'optout' | null>;
  created_at: Fixed<Date>;
  status: Generated<TaskStatus>;
  attempt: Generated<number>;
  fence: Generated<number>;
  claim: string | null;
  worker: string | null;
  activity: string | null;
  waiting_reason: WaitReason | null;
  waiting_until: Date | null;
  waiting_detail: string | null;
  waiting_since: Date | null;
  waited_ms: Generated<number>;
  cancel_requested_at: Date | null;
  steps: Generated<number>;
  message_seq: Generated<number>;
  attempt_cost_micro_usd: Generated<number>;
  started_at: Date | null;
  outcome: Outcome | null;
  failure_class: FailureClass | null;
  reason: string | null;
  error_code: ErrorCode | null;
  error: string | null;
  summary: string | null;
  changed: boolean | null;
  source_task_id: string | null;
  ended_at: Date | null;
  event_seq: Generated<number>;
  cost_micro_usd: Generated<number>;
  confirmed_cost_micro_usd: Generated<number>;
  cost_refused: Generated<boolean>;
  route: string | null;
  cached_tokens: Generated<number>;
  input_tokens: Generated<number>;
  output_tokens: Generated<number>;
  head_commit: string | null;
  diff_stat: OptionalJson<DiffStat>;
  diff_sha256: string | null;
  pull_request_url: string | null;
  published_commit: string | null;
}

interface ApprovalsTable {
  tenant_id: Fixed<string>;
  id: Fixed<string>;
  task_id: Fixed<string>;
  attempt: Fixed<number>;
  batch_id: Fixed<string | null>;
  kind: Fixed<ApprovalKind>;
  key: Fixed<string>;
  title: Fixed<string>;
  facts: Json<ApprovalQuestion['facts']>;
  default_decision: Fixed<ApprovalDecision>;
  status: Generated<ApprovalStatus>;
  created_at: Fixed<Date>;
  deadline_at: Fixed<Date>;
  reminders: Fixed<Date[]>;
  reminded: Generated<number>;
  decided_by: string | null;
  decided_at: Date | null;
  reason: string | null;
}

interface StepsTable {
  tenant_id: string;
  task_id: string;
  attempt: number;
  seq: number;
  effect_id: string;
  step: number;
  kind: Step['kind'];
  gate: string | null;
  status: Step['status'];
  summary: string;
  exit_code: number | null;
  findings: OptionalJson<Finding[]>;
  commit: string | null;
  diff_stat: OptionalJson<DiffStat>;
  cost_micro_usd: number;
  started_at: Date;
  ended_at: Date;
}

interface MessagesTable {
  tenant_id: string;
  task_id: string;
  attempt: number;
  seq: number;
  key: string;
  message: Json<LanguageModelV4Message>;
  at: Date;
}

interface EventsTable {
  tenant_id: string;
  stream_id: string;
  seq: number;
  type: EventType;
  data: Json<Record<string, unknown>>;
  at: Date;
}

interface UsageRecordsTable {
  tenant_id: string;
  task_id: string;
  attempt: number;
  effect_id: string;
  provider: string;
  model: string;
  request_id: string | null;
  input_tokens: number;
  output_tokens: number;
  cache_read_tokens: number;
  cache_write_tokens: number;
  reasoning_tokens: number;
  cost_micro_usd: number;
  cache_write_1h_tokens: Generated<number>;
  service_tier: string | null;
  price_id: string | null;
  call_id: string | null;
  account: string | null;
  routes: OptionalJson<ConsideredRoute[]>;
  raw: OptionalJson<JSONObject>;
  at: Date;
}

interface CheckpointsTable {
  tenant_id: string;
  task_id: string;
  attempt: number;
  seq: number;
  step: number;
  commit: string;
  message_seq: number;
  at: Date;
  parent: string | null;
  diff_sha256: string | null;
}

interface BlobsTable {
  tenant_id: string;
  sha256: string;
  content: string;
  at: Date;
}

interface IdempotencyKeysTable {
  tenant_id: string;
  key: string;
  request_hash: string;
  resource_id: string;
  at: Date;
}

interface OutboxTable {
  tenant_id: Fixed<string>;
  id: GeneratedAlways<number>;
  workflow_id: Fixed<string>;
  message: Json<OutboxMessage>;
  attempts: Generated<number>;
  due_at: Date;
  error: string | null;
}

interface AuditLogTable {
  tenant_id: string;
  id: GeneratedAlways<number>;
  key_id: string;
  action: string;
  target_id: string;
  detail: Json<Record<string, unknown>>;
  at: Date;
}

interface PriceOverridesTable {
  tenant_id: Fixed<string>;
  id: GeneratedAlways<number>;
  provider: Fixed<string>;
  model: Fixed<string>;
  service_tier: Fixed<string>;
  effective_from: Fixed<Date>;
  input_micro_usd: Fixed<number | null>;
  cache_read_micro_usd: Fixed<number | null>;
  cache_write_5m_micro_usd: Fixed<number | null>;
  cache_write_1h_micro_usd: Fixed<number | null>;
  output_micro_usd: Fixed<number | null>;
  reasoning_micro_usd: Fixed<number | null>;
  context_tiers: Json<ContextTier[]>;
  source: Fixed<string>;
  recorded_at: Fixed<Date>;
}

interface BudgetsTable {
  tenant_id: Fixed<string>;
  id: Fixed<string>;
  limit_micro_usd: number;
  reserved_micro_usd: Generated<number>;
  spent_micro_usd: Generated<number>;
  unknown_micro_usd: Generated<number>;
  created_at: Fixed<Date>;
}

interface ReservationsTable {
  tenant_id: Fixed<string>;
  call_id: Fixed<string>;
  task_id: Fixed<string>;
  state: Generated<ReservationState>;
  amount_micro_usd: Fixed<number>;
  cost_micro_usd: number | null;
  budget_ids: Fixed<string[]>;
  reserved_at: Fixed<Date>;
  account: Fixed<string | null>;
  charges: OptionalJson<Charges>;
  ended_at: Date | null;
}

interface LedgerEntriesTable {
  tenant_id: Fixed<string>;
  call_id: Fixed<string>;
  movement: Fixed<'reserve' | 'settle' | 'release' | 'unknown'>;
  budget_id: Fixed<string>;
  account: Fixed<'budget' | 'reserved' | 'spent' | 'unknown'>;
  amount_micro_usd: Fixed<number>;
  at: Fixed<Date>;
}

/** Every table. */
export interface Tables {
  tenants: TenantsTable;
  api_keys: ApiKeysTable;
  batches: BatchesTable;
  tasks: TasksTable;
  approvals: ApprovalsTable;
  steps: StepsTable;
  messages: MessagesTable;
  events: EventsTable;
  usage_records: UsageRecordsTable;
  checkpoints: CheckpointsTable;
  blobs: BlobsTable;
  idempotency_keys: IdempotencyKeysTable;
  outbox: OutboxTable;
  audit_log: AuditLogTable;
  price_overrides: PriceOverridesTable;
  budgets: BudgetsTable;
  reservations: ReservationsTable;
  ledger_entries: LedgerEntriesTable;
}

/** A row of `tasks`. */
export type TaskRow = Selectable<TasksTable>;
/** A row of `approvals`. */
export type ApprovalRow = Selectable<ApprovalsTable>;
/** A row of `batches`. */
export type BatchRow = Selectable<BatchesTable>;
/** A row of `steps`. */
export type StepRow = Selectable<StepsTable>;
/** A row of `budgets`. */
export type BudgetRow = Selectable<BudgetsTable>;
/** A row of `reservations`. */
export type ReservationRow = Selectable<ReservationsTable>;
