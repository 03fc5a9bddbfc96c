-- How many tasks wait to begin, over all tenants: a figure for whoever scales the platform.
--
-- Guarantee: the system role learns of tasks how many are queued; neither whose they are nor what they are.

create index tasks_queued on tasks (status) where status = 'queued';
create policy number_of_queued on tasks for select to ado_system using (status = 'queued');
grant select (status) on tasks to ado_system;
