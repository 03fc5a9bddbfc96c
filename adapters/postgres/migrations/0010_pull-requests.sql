-- The pull request that a task's branch has, at the host of its repository.
--
-- Guarantee: an older program goes on beside it; it neither reads nor writes the column.

alter table tasks add column pull_request_url text;
