-- Questions of tasks to people, and what became of them.
--
-- Guarantee: an approval leaves `pending` once. Who changes it holds the lock of its task's row, and changes it only
-- `where status = 'pending'`; the effect of the decision is in the same transaction. A task that waits for a person has
-- the status awaiting_approval and exactly one pending approval; one in any other status has none.

create table approvals (
  tenant_id uuid not null,
  -- `approval-<uuid>`
  id text collate "C" not null,
  task_id text collate "C" not null,
  attempt integer not null,
  batch_id text collate "C",
  kind text not null,
  -- Names the question within the attempt: it is asked once.
  key text collate "C" not null,
  title text not null,
  -- What a person needs to decide, by kind.
  facts json not null,
  default_decision text not null check (default_decision in ('approve', 'reject')),
  status text not null default 'pending'
    check (status in ('pending', 'approved', 'rejected', 'expired', 'withdrawn')),
  created_at timestamptz not null,
  deadline_at timestamptz not null,
  -- When people are reminded, the earliest first; `reminded` counts those that were told.
  reminders timestamptz[] not null,
  reminded integer not null default 0,
  -- Id of the key that decided; null when nobody did.
  decided_by text,
  decided_at timestamptz,
  reason text,
  primary key (tenant_id, id),
  unique (tenant_id, task_id, attempt, key),
  foreign key (tenant_id, task_id) references tasks,
  check ((status = 'pending') = (decided_at is null)),
  check ((status in ('approved', 'rejected')) = (decided_by is not null))
);
create unique index approvals_pending on approvals (tenant_id, task_id) where status = 'pending';
create index approvals_by_age on approvals (tenant_id, status, created_at desc, id desc);
create index approvals_of_batch on approvals (tenant_id, batch_id, created_at desc, id desc) where batch_id is not null;

alter table approvals enable row level security;
alter table approvals force row level security;
create policy rows_of_tenant on approvals to ado_app
  using (tenant_id = nullif(current_setting('ado.tenant', true), '')::uuid);
grant select, insert, update on approvals to ado_app;
