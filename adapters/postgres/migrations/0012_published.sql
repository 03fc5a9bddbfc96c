-- Which commit of a task its repository has: work for a repository on another host is kept until it is asked for.
--
-- Guarantee: what earlier versions delivered counts as published. An older program goes on beside it; what it delivers
-- meanwhile is told as kept until `ado publish` looks.

alter table tasks add column published_commit text;

-- The policies hold for the owner too: they are lifted for this one statement, under the lock of this transaction.
alter table tasks no force row level security;
update tasks set published_commit = head_commit
  where outcome = 'succeeded' and head_commit is not null and delivery ->> 'mode' <> 'patch';
alter table tasks force row level security;
