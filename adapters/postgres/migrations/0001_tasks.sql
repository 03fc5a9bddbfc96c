-- Tasks, batches and all that is kept of them.
--
-- Guarantee: whoever works as role ado_app sees and writes rows of one tenant only, the one named by the setting
-- `ado.tenant` of its transaction; without the setting it sees nothing. ado_system sees the rows of all tenants in
-- tenants, api_keys and outbox, and nothing else. Policies hold for the owner of the tables too (FORCE).
--
-- Only api_keys refers to tenants: a foreign key takes a share lock on the tenant's row, and as every write of a tenant
-- would take it, that row would become the one place that all of them pass through.
--
-- Ids are `task-<uuid>` and `batch-<uuid>`, compared byte by byte (COLLATE "C"). Times come from the writer's clock in
-- whole milliseconds, so that a time read by JavaScript is the time stored. Money is in millionths of a US dollar.

-- Roles belong to the whole cluster: two databases may be migrated at once, and an administrator may have made them.
do $$
declare
  role_name text;
begin
  foreach role_name in array array['ado_app', 'ado_system'] loop
    if not exists (select from pg_roles where rolname = role_name) then
      begin
        execute format('create role %I nologin', role_name);
      exception when duplicate_object or unique_violation then null;
      end;
    end if;
    -- 'MEMBER' would be true for who made the role under PostgreSQL 16, although it may not SET ROLE yet.
    if not (select rolsuper from pg_roles where rolname = current_user) then
      begin
        execute format('grant %I to current_user', role_name);
      exception
        when unique_violation or internal_error then null;
        when insufficient_privilege then
          if not pg_has_role(current_user, role_name, 'member') then raise; end if;
      end;
    end if;
  end loop;
end
$$;

create table tenants (
  tenant_id uuid primary key,
  name text not null,
  created_at timestamptz not null
);

create table api_keys (
  tenant_id uuid not null references tenants,
  -- The middle part of the key; finds the row.
  id text collate "C" primary key,
  -- SHA-256 of the whole key, which holds 256 random bits: no slow hash is needed.
  sha256 bytea not null,
  scopes text[] not null,
  created_at timestamptz not null,
  expires_at timestamptz,
  revoked_at timestamptz
);

create table batches (
  tenant_id uuid not null,
  id text collate "C" not null,
  name text not null,
  prompt text not null,
  agent text not null,
  model text,
  parallel integer not null,
  -- A count, or a share of all items below 1.
  failure_budget double precision,
  timeout_ms integer not null,
  max_cost_micro_usd bigint not null,
  priority smallint not null,
  total integer not null,
  created_at timestamptz not null,
  status text not null default 'queued'
    check (status in ('queued', 'running', 'succeeded', 'failed', 'cancelled')),
  round integer not null default 1,
  result text,
  -- Last sequence number of the batch's event stream.
  event_seq integer not null default 0,
  cancel_requested_at timestamptz,
  -- Both of the current round.
  started_at timestamptz,
  ended_at timestamptz,
  primary key (tenant_id, id),
  check ((result is null) = (ended_at is null)),
  check ((result is null) = (status in ('queued', 'running')))
);
create index batches_by_age on batches (tenant_id, created_at desc, id desc);

create table tasks (
  tenant_id uuid not null,
  id text collate "C" not null,
  batch_id text collate "C",
  item_index integer,

  -- The request
  prompt text not null,
  repository text not null,
  base_ref text,
  base_commit text not null,
  branch text not null,
  agent text not null,
  exec text,
  model text,
  policy text not null,
  gates json not null,
  variables json not null,
  labels jsonb not null,
  priority smallint not null,
  sandbox text not null,
  timeout_ms integer not null,
  max_cost_micro_usd bigint not null,
  content_key text collate "C" not null,
  reuse boolean not null,
  skip text,
  created_at timestamptz not null,

  -- The current attempt
  status text not null default 'queued'
    check (status in ('queued', 'running', 'awaiting_approval', 'paused', 'succeeded', 'failed', 'cancelled')),
  attempt integer not null default 1,
  -- Number of the last activity attempt that may write.
  fence integer not null default 0,
  -- Key of the page that handed the item to its batch's workflow.
  claim text,
  worker text,
  activity text,
  waiting_reason text,
  waiting_until timestamptz,
  cancel_requested_at timestamptz,
  steps integer not null default 0,
  message_seq integer not null default 0,
  attempt_cost_micro_usd bigint not null default 0,
  started_at timestamptz,

  -- How it ended
  outcome text,
  failure_class text,
  reason text,
  error_code text,
  error text,
  summary text,
  changed boolean,
  source_task_id text collate "C",
  ended_at timestamptz,

  -- Over all attempts
  -- Last sequence number of the task's event stream.
  event_seq integer not null default 0,
  cost_micro_usd bigint not null default 0,
  input_tokens bigint not null default 0,
  output_tokens bigint not null default 0,
  -- Last recorded commit of the task's branch.
  head_commit text,
  diff_stat json,
  -- The patch, in blobs.
  diff_sha256 text collate "C",

  primary key (tenant_id, id),
  foreign key (tenant_id, batch_id) references batches,
  check ((batch_id is null) = (item_index is null)),
  check ((outcome is null) = (status not in ('succeeded', 'failed', 'cancelled'))),
  check ((outcome is null) = (ended_at is null))
)
-- Room for new versions of a row beside the old one: most updates change no indexed column (HOT).
with (fillfactor = 85);
create index tasks_by_age on tasks (tenant_id, created_at desc, id desc);
create index single_tasks_by_age on tasks (tenant_id, created_at desc, id desc) where batch_id is null;
create unique index tasks_of_batch on tasks (tenant_id, batch_id, item_index) where batch_id is not null;
-- What takeItems looks for: without it, each page would walk over all items that are done.
create index tasks_to_take on tasks (tenant_id, batch_id, item_index) where status = 'queued' and claim is null;
create index tasks_claimed on tasks (tenant_id, batch_id, claim) where claim is not null and outcome is null;
create index tasks_running on tasks (tenant_id, batch_id) where status = 'running';
create index tasks_results on tasks (tenant_id, content_key) where outcome = 'succeeded';

create table steps (
  tenant_id uuid not null,
  task_id text collate "C" not null,
  attempt integer not null,
  -- Order of recording within the attempt.
  seq integer not null,
  effect_id text collate "C" not null,
  step integer not null,
  kind text not null,
  status text not null,
  summary text not null,
  exit_code integer,
  findings json,
  commit text,
  diff_stat json,
  cost_micro_usd bigint not null,
  started_at timestamptz not null,
  ended_at timestamptz not null,
  primary key (tenant_id, task_id, attempt, seq),
  unique (tenant_id, task_id, attempt, effect_id),
  foreign key (tenant_id, task_id) references tasks
);

-- `message` is json, not jsonb: a transcript is given back byte for byte, and jsonb refuses NUL and lone surrogates.
create table messages (
  tenant_id uuid not null,
  task_id text collate "C" not null,
  attempt integer not null,
  seq integer not null,
  key text collate "C" not null,
  message json not null,
  at timestamptz not null,
  primary key (tenant_id, task_id, attempt, seq),
  unique (tenant_id, task_id, attempt, key),
  foreign key (tenant_id, task_id) references tasks
);

-- A stream belongs to a task or to a batch.
create table events (
  tenant_id uuid not null,
  stream_id text collate "C" not null,
  seq integer not null,
  type text not null,
  data json not null,
  at timestamptz not null,
  primary key (tenant_id, stream_id, seq)
);

create table usage_records (
  tenant_id uuid not null,
  task_id text collate "C" not null,
  attempt integer not null,
  effect_id text collate "C" not null,
  provider text not null,
  model text not null,
  request_id text,
  input_tokens bigint not null,
  output_tokens bigint not null,
  cache_read_tokens bigint not null,
  cache_write_tokens bigint not null,
  reasoning_tokens bigint not null,
  cost_micro_usd bigint not null,
  at timestamptz not null,
  primary key (tenant_id, task_id, attempt, effect_id),
  foreign key (tenant_id, task_id) references tasks
);

-- Where a task can be taken up or forked: a commit, and the transcript up to it.
create table checkpoints (
  tenant_id uuid not null,
  task_id text collate "C" not null,
  attempt integer not null,
  seq integer not null,
  step integer not null,
  commit text not null,
  message_seq integer not null,
  at timestamptz not null,
  primary key (tenant_id, task_id, attempt, seq),
  foreign key (tenant_id, task_id) references tasks
);

create table blobs (
  tenant_id uuid not null,
  sha256 text collate "C" not null,
  content text not null,
  at timestamptz not null,
  primary key (tenant_id, sha256)
);

create table idempotency_keys (
  tenant_id uuid not null,
  key text collate "C" not null,
  request_hash text not null,
  -- The task or batch that the first request made.
  resource_id text not null,
  at timestamptz not null,
  primary key (tenant_id, key)
);

-- Messages to Temporal, committed with the state they belong to. Rows are deleted when delivered.
create table outbox (
  tenant_id uuid not null,
  id bigint generated always as identity primary key,
  -- Messages of one workflow are delivered in order.
  workflow_id text collate "C" not null,
  message json not null,
  attempts integer not null default 0,
  due_at timestamptz not null,
  error text
);
create index outbox_due on outbox (due_at, id);
create index outbox_of_workflow on outbox (workflow_id, id);

create table audit_log (
  tenant_id uuid not null,
  id bigint generated always as identity primary key,
  key_id text not null,
  action text not null,
  target_id text not null,
  detail json not null,
  at timestamptz not null
);
create index audit_log_by_target on audit_log (tenant_id, target_id, id);

do $$
declare
  table_name text;
begin
  foreach table_name in array array['tenants', 'api_keys', 'batches', 'tasks', 'steps', 'messages', 'events',
    'usage_records', 'checkpoints', 'blobs', 'idempotency_keys', 'outbox', 'audit_log'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format(
      'create policy rows_of_tenant on %I to ado_app using (tenant_id = nullif(current_setting(''ado.tenant'', true), '''')::uuid)',
      table_name
    );
  end loop;
  foreach table_name in array array['tenants', 'api_keys', 'outbox'] loop
    execute format('create policy all_rows on %I to ado_system using (true)', table_name);
  end loop;
end
$$;

-- Nobody rewrites what happened: steps, messages, events, usage and audit rows are only ever added.
grant select, insert on tenants, api_keys, steps, messages, events, usage_records, checkpoints, blobs, idempotency_keys
  to ado_app;
grant select, insert, update on batches, tasks to ado_app;
grant select, insert on audit_log to ado_app;
grant insert on outbox to ado_app;
grant select on tenants, api_keys to ado_system;
grant select, update, delete on outbox to ado_system;
