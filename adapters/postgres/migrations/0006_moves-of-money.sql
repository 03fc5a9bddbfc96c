-- The moves of the ledger, each in one call: between lock and commit nobody waits for an answer of the caller, so the rows
-- that all calls of a tenant change are locked for as long as PostgreSQL works, and a move is one round trip.
--
-- Guarantee: a move changes all budgets of a purchase or none, writes what it changed to the books, and is made once,
-- however often it is called. Both functions enter the tenant by themselves, under row-level security, so they need no
-- transaction around them; within one it must be the tenant's.
--
-- Locks: budgets in the order of `budget_ids`; a purchase that moves before its budgets, one that is new after them. One
-- that is there already is looked for before any lock is taken: to meet it afterwards is to wait for who moves it, and that
-- one may want these budgets.
--
-- Budgets are told as they were before the move, as a JSON array of rows.

-- {purchase, budgets} of a purchase that is not moved.
create function purchase_as_it_is(purchase reservations) returns json language sql stable as $$
  select json_build_object('purchase', purchase, 'budgets', (
    select json_agg(b) from budgets b
    where b.tenant_id = (purchase).tenant_id and b.id = any ((purchase).budget_ids)
  ))
$$;

-- Holds money for a call. Answers one of
--   {missing}            a budget has no row yet; nothing is written
--   {purchase, budgets}  there is such a purchase already; nothing is written
--   {has_room, budgets}  whether the money is held now
create function reserve_purchase(
  the_tenant uuid, the_call text, the_task text, the_amount bigint, the_budgets text[], the_account text,
  the_charges json, the_time timestamptz
) returns json language plpgsql as $$
declare
  before json;
  found_budgets integer;
  has_room boolean;
  purchase reservations;
begin
  perform set_config('role', 'ado_app', true), set_config('ado.tenant', the_tenant::text, true);

  select * into purchase from reservations where tenant_id = the_tenant and call_id = the_call;
  if found then return purchase_as_it_is(purchase); end if;

  -- A row that was waited for is read as it is when the lock is held.
  select json_agg(held), count(*), bool_and(
      held.reserved_micro_usd + held.spent_micro_usd + held.unknown_micro_usd + the_amount <= held.limit_micro_usd
    ) into before, found_budgets, has_room
  from (
    select * from budgets where tenant_id = the_tenant and id = any (the_budgets)
    order by array_position(the_budgets, id) for no key update
  ) as held;
  if found_budgets < cardinality(the_budgets) then return json_build_object('missing', true); end if;

  if has_room then
    insert into reservations
      (tenant_id, call_id, task_id, amount_micro_usd, budget_ids, reserved_at, account, charges)
    values (the_tenant, the_call, the_task, the_amount, the_budgets, the_time, the_account, the_charges)
    on conflict do nothing;
  end if;
  if not has_room or not found then
    -- Another attempt may have been faster by a moment.
    select * into purchase from reservations where tenant_id = the_tenant and call_id = the_call;
    if found then return purchase_as_it_is(purchase); end if;
    return json_build_object('has_room', false, 'budgets', before);
  end if;

  update budgets set reserved_micro_usd = reserved_micro_usd + the_amount
  where tenant_id = the_tenant and id = any (the_budgets);
  if the_amount <> 0 then
    insert into ledger_entries (tenant_id, call_id, movement, budget_id, account, amount_micro_usd, at)
    select the_tenant, the_call, 'reserve', name, entry.account, entry.amount, the_time
    from unnest(the_budgets) as name
      cross join (values ('budget', -the_amount), ('reserved', the_amount)) as entry (account, amount);
  end if;
  return json_build_object('has_room', true, 'budgets', before);
end
$$;

-- Ends a purchase: `settled` for a cost, `released` or `unknown`. Answers {purchase, change, budgets}: the purchase as
-- it was, and what its end adds to each budget; {purchase, budgets} when it comes too late; null when there is no such
-- purchase. A paid answer is never too late, unless it was paid before.
create function end_purchase(
  the_tenant uuid, the_call text, the_end text, the_cost bigint, the_time timestamptz
) returns json language plpgsql as $$
declare
  purchase reservations;
  before json;
  found_budgets integer;
  more_reserved bigint;
  more_spent bigint;
  more_unknown bigint;
begin
  perform set_config('role', 'ado_app', true), set_config('ado.tenant', the_tenant::text, true);

  select * into purchase from reservations
  where tenant_id = the_tenant and call_id = the_call for no key update;
  if not found then return null; end if;
  if purchase.state = 'settled' or (purchase.state <> 'reserved' and the_end <> 'settled') then
    return purchase_as_it_is(purchase);
  end if;

  more_reserved := case purchase.state when 'reserved' then -purchase.amount_micro_usd else 0 end;
  more_spent := case the_end when 'settled' then the_cost else 0 end;
  more_unknown := case
    when the_end = 'unknown' then purchase.amount_micro_usd
    when purchase.state = 'unknown' then -purchase.amount_micro_usd
    else 0
  end;
  select json_agg(held), count(*) into before, found_budgets
  from (
    select * from budgets where tenant_id = the_tenant and id = any (purchase.budget_ids)
    order by array_position(purchase.budget_ids, id) for no key update
  ) as held;
  if found_budgets < cardinality(purchase.budget_ids) then
    raise exception 'a budget of the call % is gone', the_call;
  end if;
  update budgets set
    reserved_micro_usd = reserved_micro_usd + more_reserved,
    spent_micro_usd = spent_micro_usd + more_spent,
    unknown_micro_usd = unknown_micro_usd + more_unknown
  where tenant_id = the_tenant and id = any (purchase.budget_ids);
  update reservations set state = the_end, cost_micro_usd = the_cost, ended_at = the_time
  where tenant_id = the_tenant and call_id = the_call;
  insert into ledger_entries (tenant_id, call_id, movement, budget_id, account, amount_micro_usd, at)
  select the_tenant, the_call,
    case the_end when 'settled' then 'settle' when 'released' then 'release' else 'unknown' end,
    name, entry.account, entry.amount, the_time
  from unnest(purchase.budget_ids) as name
    cross join (
      values ('budget', -(more_reserved + more_spent + more_unknown)), ('reserved', more_reserved),
        ('spent', more_spent), ('unknown', more_unknown)
    ) as entry (account, amount)
  where entry.amount <> 0;
  return json_build_object('purchase', purchase, 'budgets', before, 'change', json_build_object(
    'reserved', more_reserved, 'spent', more_spent, 'unknown', more_unknown
  ));
end
$$;

grant execute on function
  purchase_as_it_is(reservations),
  reserve_purchase(uuid, text, text, bigint, text[], text, json, timestamptz),
  end_purchase(uuid, text, text, bigint, timestamptz)
to ado_app;
