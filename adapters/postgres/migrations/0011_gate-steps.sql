-- The name of the gate that a step tells of. How a gate went on the base commit and what all come to are kinds of their own.
--
-- Guarantee: an older program goes on beside it; it neither reads nor writes the column. Steps that it wrote have no name,
-- and nothing tells their kinds apart: they are shown as they were recorded.

alter table steps add column gate text;
