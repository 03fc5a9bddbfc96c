-- What is open: money that is held or was lost from sight, and tasks that wait for accounts, are few among many.

create index reservations_open on reservations (tenant_id, reserved_at desc, call_id desc)
  where state in ('reserved', 'unknown');
create index tasks_waiting on tasks (tenant_id)
  where status in ('queued', 'running') and waiting_reason in ('limit', 'provider', 'window');
