-- How long the running task has worked that has worked longest, over all tenants: a figure for whoever operates the platform.
--
-- Guarantee: the system role learns of running tasks when each began and how long it waited; neither whose it is nor what it is.

create policy times_of_running on tasks for select to ado_system using (status = 'running');
grant select (started_at, waiting_since, waited_ms) on tasks to ado_system;
