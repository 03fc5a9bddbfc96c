-- Prices, budgets, and the books of what model calls cost. All money is in millionths of a US dollar.
--
-- Guarantee: for each purchase and budget, what one movement takes from accounts it puts into others, so that all
-- accounts of a budget together are 0 at any time; a movement is written at most once. The books are only added to.
--
-- A movement's entries are written by one INSERT: the trigger looks at what a statement added, not at the whole table.

-- What operators set in place of the prices that ship with ado. Rates are for a million tokens; null is: not known.
create table price_overrides (
  tenant_id uuid not null,
  id bigint generated always as identity,
  provider text not null,
  -- '*' is every model of the provider.
  model text not null,
  service_tier text not null,
  effective_from timestamptz not null,
  input_micro_usd bigint check (input_micro_usd >= 0),
  cache_read_micro_usd bigint check (cache_read_micro_usd >= 0),
  cache_write_5m_micro_usd bigint check (cache_write_5m_micro_usd >= 0),
  cache_write_1h_micro_usd bigint check (cache_write_1h_micro_usd >= 0),
  output_micro_usd bigint check (output_micro_usd >= 0),
  reasoning_micro_usd bigint check (reasoning_micro_usd >= 0),
  -- Rates for long inputs: [{"aboveInputTokens": 200000, "rates": {"input": 6000000, …}}]
  context_tiers json not null,
  source text not null,
  recorded_at timestamptz not null,
  primary key (tenant_id, id)
);

create table budgets (
  tenant_id uuid not null,
  -- task:<id>, batch:<id>, tenant, day:<date>@<time zone>
  id text collate "C" not null,
  limit_micro_usd bigint not null check (limit_micro_usd >= 0),
  -- Sums of the budget's accounts in ledger_entries, kept beside them so that one statement can test and add. Not bound
  -- to the limit here: a call may cost more than was held for it, and is booked all the same.
  reserved_micro_usd bigint not null default 0 check (reserved_micro_usd >= 0),
  spent_micro_usd bigint not null default 0 check (spent_micro_usd >= 0),
  unknown_micro_usd bigint not null default 0 check (unknown_micro_usd >= 0),
  created_at timestamptz not null,
  primary key (tenant_id, id)
)
-- The rows that all calls of a tenant change: room for many versions on a page, none of them in an index (HOT).
with (fillfactor = 50);

create table reservations (
  tenant_id uuid not null,
  call_id text collate "C" not null,
  task_id text collate "C" not null,
  state text not null default 'reserved' check (state in ('reserved', 'settled', 'released', 'unknown')),
  amount_micro_usd bigint not null check (amount_micro_usd >= 0),
  cost_micro_usd bigint check (cost_micro_usd >= 0),
  -- The budgets that the call is paid from, in the order in which their rows are locked.
  budget_ids text[] not null,
  reserved_at timestamptz not null,
  -- When it was settled, released or given up, last.
  ended_at timestamptz,
  primary key (tenant_id, call_id),
  foreign key (tenant_id, task_id) references tasks,
  check ((state = 'settled') = (cost_micro_usd is not null)),
  check ((state = 'reserved') = (ended_at is null))
);
create index reservations_of_task on reservations (tenant_id, task_id, reserved_at);

-- Double entry: an account is named by `account` and `budget_id`. `budget` is what a budget gave away, so it is negative.
create table ledger_entries (
  tenant_id uuid not null,
  call_id text collate "C" not null,
  movement text not null check (movement in ('reserve', 'settle', 'release', 'unknown')),
  budget_id text collate "C" not null,
  account text not null check (account in ('budget', 'reserved', 'spent', 'unknown')),
  amount_micro_usd bigint not null check (amount_micro_usd <> 0),
  at timestamptz not null,
  -- Also what makes a movement happen once, whatever the code does.
  primary key (tenant_id, call_id, movement, budget_id, account)
);

create function refuse_unbalanced_entries() returns trigger language plpgsql as $$
begin
  if exists (
    select from added group by tenant_id, call_id, movement, budget_id having sum(amount_micro_usd) <> 0
  ) then
    raise exception 'a movement in the ledger does not sum to 0' using errcode = 'check_violation';
  end if;
  return null;
end
$$;
create trigger entries_balance after insert on ledger_entries
  referencing new table as added for each statement execute function refuse_unbalanced_entries();

alter table usage_records
  -- Of cache_write_tokens, those that are kept for an hour.
  add column cache_write_1h_tokens bigint not null default 0,
  -- As the answer reports it.
  add column service_tier text,
  add column price_id text,
  -- The purchase in reservations.
  add column call_id text collate "C",
  -- The provider's own report.
  add column raw json;

do $$
declare
  table_name text;
begin
  foreach table_name in array array['price_overrides', 'budgets', 'reservations', 'ledger_entries'] loop
    execute format('alter table %I enable row level security', table_name);
    execute format('alter table %I force row level security', table_name);
    execute format(
      'create policy rows_of_tenant on %I to ado_app using (tenant_id = nullif(current_setting(''ado.tenant'', true), '''')::uuid)',
      table_name
    );
  end loop;
end
$$;

-- Prices and entries are only ever added.
grant select, insert on price_overrides, ledger_entries to ado_app;
grant select, insert, update on budgets, reservations to ado_app;
