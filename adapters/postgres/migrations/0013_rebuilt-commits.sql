-- What it takes to make a commit again, where the host that has it is gone: what it stands on, and the change up to it.
--
-- Guarantee: both are null for commits of before, and for those that an older program makes beside this one; they cannot be
-- made again.

alter table checkpoints
  -- The commit before; null of the first one, which stands on the task's base commit.
  add column parent text,
  -- The patch from the base commit.
  add column diff_sha256 text collate "C";
