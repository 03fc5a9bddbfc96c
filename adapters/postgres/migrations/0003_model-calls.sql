-- Which account a call was made on, what waiting tasks wait for, and how far spending was confirmed by a person.

alter table usage_records
  -- Name of the account in providers.yaml; null for scripted models.
  add column account text,
  -- The accounts that were considered for the call, in order, and what each answered.
  add column routes json;
-- What windows of an account (a day, five hours) begin with when Redis has lost them.
create index usage_records_of_account on usage_records (account, at) where account is not null;
create index usage_records_by_time on usage_records (tenant_id, at);

alter table reservations
  add column account text,
  -- What the call was expected to count as in the account's limits: {"requests": 1, "input": 1200, …}
  add column charges json;
create index reservations_of_account on reservations (account, reserved_at) where account is not null;

alter table tasks
  -- What the task waits for, in a few words for people.
  add column waiting_detail text,
  -- Since when; the time of a wait that is over is added to `waited_ms` and is not the work's.
  add column waiting_since timestamptz,
  add column waited_ms bigint not null default 0,
  -- Spending up to here needs nobody's word; an approval raises it.
  add column confirmed_cost_micro_usd bigint not null default 0,
  -- Somebody said no, or nobody answered: nothing above that is spent, and nobody is asked again in this attempt.
  add column cost_refused boolean not null default false,
  -- Account and model of the last answer: the next turn finds its beginning in that provider's cache.
  add column route text,
  -- Input tokens of the last answer that were read from the cache, or written to it.
  add column cached_tokens bigint not null default 0;

-- Null: the batch has no budget of its own.
alter table batches alter column max_cost_micro_usd drop not null;

-- Windows of an account are counted over all tenants that use it: numbers only, nothing that says whose they are.
grant select (account, model, at, input_tokens, output_tokens, cache_read_tokens, cost_micro_usd) on usage_records to ado_system;
grant select (account, reserved_at, state, charges) on reservations to ado_system;
create policy numbers_of_accounts on usage_records for select to ado_system using (account is not null);
create policy numbers_of_accounts on reservations for select to ado_system using (account is not null);
