-- What a task's work is checked by, what it may reach, and how it is delivered.
--
-- Guarantee: a task of an earlier version goes on as it was: no checks but its gates, no network, delivered as a branch.

alter table tasks add column gate_profile text not null default 'none';
alter table tasks add column setup text;
alter table tasks add column allow_hosts json not null default '[]';
alter table tasks add column delivery json not null default '{"mode": "branch"}';
