--[[ Takes what a call costs in all scopes at once, or says when it may come back.
  Guarantee: over any time of w µs a rate admits at most burst + w, counted at the moments of `go`; a window at most
  its limit; a scope at most maxConcurrent unexpired leases. Nothing is charged unless the answer is `go`. A repeated
  call whose id has a `go` gets it again and is charged nothing.
  GCRA: a rate is one double, the moment at which its bucket will be full (`tat`); costs are durations.
  The line: who must wait takes a place at the tail of the scope that makes it wait longest. A place is a forecast, not
  a charge: at its time the bucket itself is asked, so that nobody who comes late breaks a limit. A new caller stands
  behind the tail, unless it leaves a quarter in the bucket: then some who have a place never came, or come late and
  find it. There are two tails: that of normal calls, and behind it that of batch calls and of tenants beyond their
  share. Lane 0 stands in no line.
  Who comes at its time and finds nothing, as others took it who have no place, is late. The late ones of a lane come one
  after the other at the pace of the rate: else all of them would ask again and again at the same moments.
  A place among the normal ones of another scope is one in the line of the tenant's share too, where nobody overtakes.
  A share binds only when the other scopes have more than a fifth of their burst in use.
  A scope that Redis does not know, as after a flush, starts empty: full after one burst. Its windows are filled by the
  caller (ARGV[2]). A share starts full, as it guards no provider. A cold scope is written even when the call is
  refused: else it would never warm up.
  KEYS  1 record   2 gate   then per scope its state, then the leases of those scopes that have a most
    record   doubles: grant, is it a go, place's time, places (4 ^ (scope - 1) × tail), scope, dimension; the last three
             of a go: speed, whether a share was borrowed, 0, and then all costs, and per scope the tats or ends of
             windows after it, and 0
    gate     of a model, there only in trouble. Doubles: paused until; share of the rates after the last cut, time of it;
             breaker: open until, for how long, probe until, start of the count, calls, failures, overloads in a row;
             then the record of the probe. What is over counts as 0
    state    doubles: tat of each dimension; when the life of the keys is renewed; then, while somebody waits or there
             are windows, the normal tail of each and the batch tail of each, and when the next late one of each of the
             two lanes may come. Of a window: its end, what is used, 0
    leases   zset record → end in µs
  ARGV[1] doubles: lease, horizon (µs), headroom 0–1, lane 0–2, whether there are windows, scopes, dimensions in all; per
    scope: dimensions, most leases or 0, share 0|1; then of every dimension its b; then of every dimension its cost;
    then, where there are windows, of every dimension its limit, 0 for a rate. Rate: b is the burst, in µs like the
    cost. Window: b is its end or (a number below 10^14) its length, the cost is in units
  ARGV[2] doubles: use of each window; absent unless wanted
  clock: Redis TIME, so that no caller's clock can cheat
  Returns { now } for a new go, now is its grant; else { answer, now, time, scope, dimension }: 0 go (time is the grant),
    1 place, 2 limit, 3 window, 4 concurrency, 5 paused, 6 breaker, 7 cold, uses of windows wanted, 8 the day has ended,
    a new end is wanted.
  O(scopes × dimensions). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local packed = ARGV[1]
local input = { struct.unpack(string.rep('d', #packed / 8), packed) }
local lease, horizon, headroom, lane, windows, scopes, all = unpack(input, 1, 7)
local got = redis.call('MGET', unpack(KEYS, 1, 2 + scopes))
local bursts_at = 7 + 3 * scopes
local costs_at = bursts_at + all
local limits_at = windows > 0 and costs_at + all
local keys_life = '691200000' -- a week and a day, in ms: longer than any window
local renewed_after = 86400000000
local spare_headroom = 0.8

-- The short way to a go, for nearly all calls: nobody waits, nothing is wrong, all is known, and there is room. It does
-- what the long way below would do, in half the time.
local short = windows == 0 and not got[1] and not got[2]
for scope = 1, scopes do
  local text = got[2 + scope]
  short = short and text and #text == 8 * (input[5 + 3 * scope] + 1)
end
if short then
  local texts = table.concat(got, '', 3, 2 + scopes)
  local format = string.rep('d', #texts / 8)
  local state = { struct.unpack(format, texts) }
  local at, from, leases, empty = 0, bursts_at, 2 + scopes, nil
  for scope = 1, scopes do
    local most, room = input[6 + 3 * scope], input[7 + 3 * scope] == 1 and 1 or 1 - headroom
    for _ = 1, input[5 + 3 * scope] do
      at, from = at + 1, from + 1
      local burst, cost, start = input[from], input[from + all], state[at]
      if start < now then start = now end
      if cost > 0 and (start + cost - now > burst or start - now > burst * room) then short = false end
      state[at] = start + cost
    end
    at = at + 1
    if now >= state[at] then short = false end
    if most > 0 then
      leases = leases + 1
      local held = redis.call('ZCARD', KEYS[leases])
      if held >= most then short = false end
      if held == 0 then
        empty = empty or {}
        empty[leases] = true
      end
    end
  end
  if short then
    local ends = string.format('%d', now + lease)
    for key = 3 + scopes, leases do
      redis.call('ZADD', KEYS[key], ends, KEYS[1])
      if empty and empty[key] then redis.call('PEXPIRE', KEYS[key], keys_life) end
    end
    local states = struct.pack(format, unpack(state, 1, at))
    local from = 1
    for key = 3, 2 + scopes do
      local size = #got[key]
      redis.call('SET', KEYS[key], string.sub(states, from, from + size - 1), 'KEEPTTL')
      from = from + size
    end
    local record = struct.pack('dddddd', now, 1, 0, 1, 0, 0) .. string.sub(packed, 8 * costs_at + 1) .. states
    redis.call('SET', KEYS[1], record, 'PX', string.format('%d', lease / 250))
    return { now }
  end
end

-- The first scope that has no lease left for this id
local function full_scope()
  local leases = 2 + scopes
  for scope = 1, scopes do
    local most = input[6 + 3 * scope]
    if most > 0 then
      leases = leases + 1
      if redis.call('ZCARD', KEYS[leases]) >= most and not redis.call('ZSCORE', KEYS[leases], KEYS[1]) then
        redis.call('ZREMRANGEBYSCORE', KEYS[leases], '-inf', now)
        if redis.call('ZCARD', KEYS[leases]) >= most then return scope end
      end
    end
  end
end

local function take_leases()
  for key = 3 + scopes, #KEYS do
    redis.call('ZADD', KEYS[key], now + lease, KEYS[1])
    redis.call('PEXPIRE', KEYS[key], keys_life)
  end
end

-- A former answer
local record, places = got[1], 0
if record then
  local grant, gone, due, former, scope, dimension = struct.unpack('dddddd', record)
  if gone == 1 then
    local full = full_scope()
    if full then return { 4, now, now, full, 0 } end
    take_leases()
    return { 0, now, grant, 0, 0 }
  end
  if now < due then return { 1, now, due, scope, dimension } end
  places = former
end

-- Gates
local gate, probing, speed = got[2], false, 1
if gate then
  local paused, cut_to, cut_at, open_until, opened_for, probe_until = struct.unpack('dddddd', gate)
  if now < paused then return { 5, now, paused, 0, 0 } end
  if now < open_until then return { 6, now, open_until, 0, 0 } end
  if opened_for > 0 and now < math.max(open_until, probe_until) + math.max(30000000, 2 * opened_for) then
    if now < probe_until then return { 6, now, probe_until, 0, 0 } end
    probing = true
  end
  speed = math.min(1, cut_to + 2.5 * math.max(0, (now - cut_at) / 1000000 - 7.4))
end

-- States; those of cold scopes are made
local states, place_of, cold, charges_at = {}, {}, {}, {}
local charge = 0
for scope = 1, scopes do
  local dimensions, share, text = input[5 + 3 * scope], input[7 + 3 * scope] == 1, got[2 + scope]
  if text then
    local state = { struct.unpack(string.rep('d', #text / 8), text) }
    state[#state] = nil -- the place where unpacking ended
    states[scope] = state
  else
    local made = {}
    for dimension = 1, dimensions do
      made[dimension] = share and now or now + input[bursts_at + charge + dimension]
    end
    made[dimensions + 1] = 0
    states[scope], cold[scope] = made, true
  end
  place_of[scope] = places > 0 and math.floor(places / 4 ^ (scope - 1)) % 4 or 0
  charges_at[scope] = charge
  charge = charge + dimensions
end

local function give_tails(state, dimensions)
  for tail = #state + 1, 3 * dimensions + 3 do state[tail] = 0 end
end

local function is_window(charge)
  return limits_at and input[limits_at + charge] > 0
end

local function save(scope)
  local state = states[scope]
  state[input[5 + 3 * scope] + 1] = now + renewed_after
  local text = struct.pack(string.rep('d', #state), unpack(state))
  redis.call('SET', KEYS[2 + scope], text, 'PX', keys_life)
  return text
end

-- Windows: begun anew, filled when cold, asked
local refused
local function ask_windows()
  local uses, window = nil, 0
  for scope = 1, scopes do
    local state, dimensions = states[scope], input[5 + 3 * scope]
    for dimension = 1, dimensions do
      local charge = charges_at[scope] + dimension
      if is_window(charge) then
        local limit, b, cost = input[limits_at + charge], input[bursts_at + charge], input[costs_at + charge]
        local fixed, used = b > 1e14, dimensions + 1 + dimension
        window = window + 1
        if fixed and now >= b then return { 8, now, 0, scope, dimension } end
        give_tails(state, dimensions)
        local ends = fixed and b or now + b
        if cold[scope] then
          if not ARGV[2] then return { 7, now, 0, scope, dimension } end
          uses = uses or { struct.unpack(string.rep('d', #ARGV[2] / 8), ARGV[2]) }
          state[dimension], state[used] = ends, uses[window]
        elseif now >= state[dimension] then
          state[dimension], state[used] = ends, 0
        end
        local over = cost > 0 and state[used] + cost > limit
        if over and not (refused and refused[3] > state[dimension]) then
          refused = { 3, now, state[dimension], scope, dimension }
        end
      end
    end
  end
end
if windows > 0 then
  local wanted = ask_windows()
  if wanted then return wanted end
end

-- How long the rates make the call wait in a lane: all but the shares, and the shares
local function waits(in_lane, room)
  local longest, by_scope, by_dimension = 0, 0, 0
  local share_longest, by_share, by_share_dimension = 0, 0, 0
  for scope = 1, scopes do
    local dimensions, share, state = input[5 + 3 * scope], input[7 + 3 * scope] == 1, states[scope]
    local queued = in_lane > 0 and place_of[scope] == 0 and state[dimensions + 2]
    for dimension = 1, dimensions do
      local charge = charges_at[scope] + dimension
      local burst, cost = input[bursts_at + charge], input[costs_at + charge]
      if cost > 0 and not is_window(charge) then
        local tail = state[dimension]
        local backlog = tail > now and tail - now or 0
        -- A cost that a slowed bucket cannot hold waits until that bucket is full.
        local needed = cost / speed
        if needed > burst then needed = burst end
        if queued and (share or backlog + needed > 0.75 * burst) then
          local normal = dimensions + 1 + dimension
          local batch = dimensions + normal
          if state[normal] > tail then tail = state[normal] end
          if in_lane == 2 and not share and state[batch] > tail then tail = state[batch] end
          if tail > now then backlog = tail - now end
        end
        local wait = backlog + needed - burst
        if share then
          if wait > share_longest then share_longest, by_share, by_share_dimension = wait, scope, dimension end
        else
          local beyond = backlog - burst * (1 - room)
          if room > 0 and beyond > wait then wait = beyond end
          if wait > longest then longest, by_scope, by_dimension = wait, scope, dimension end
        end
      end
    end
  end
  return longest, by_scope, by_dimension, share_longest, by_share, by_share_dimension
end

local borrowed, wait, scope, dimension = false, 0, 0, 0
if not refused then
  local share_wait, by_share, by_share_dimension
  wait, scope, dimension, share_wait, by_share, by_share_dimension = waits(lane, headroom)
  if share_wait > 0 then
    local spare_wait, by_spare, by_spare_dimension = waits(2, math.max(headroom, spare_headroom))
    if spare_wait < math.max(share_wait, wait) then
      borrowed, lane = true, 2
      wait, scope, dimension = spare_wait, by_spare, by_spare_dimension
    elseif share_wait > wait then
      wait, scope, dimension, lane = share_wait, by_share, by_share_dimension, 1
    end
  end
  if wait > 0 and lane > 0 and place_of[scope] > 0 then
    wait = math.max(wait, (states[scope][3 * input[5 + 3 * scope] + 1 + lane] or 0) - now)
  end
  if wait > horizon then refused = { 2, now, math.ceil(now + wait), scope, dimension } end
end
if not refused and wait <= 0 then
  local full = full_scope()
  if full then refused = { 4, now, now, full, 0 } end
end
if refused then
  for scope in pairs(cold) do save(scope) end
  return refused
end

-- A place at the tail of a scope; for one that has a place there and is late, the next moment of the late ones
local function stand(scope, due, dimension)
  local state, dimensions, charge = states[scope], input[5 + 3 * scope], charges_at[scope]
  give_tails(state, dimensions)
  if place_of[scope] > 0 then
    state[3 * dimensions + 1 + lane] = due + input[costs_at + charge + dimension] / speed
  else
    for each = 1, dimensions do
      if not is_window(charge + each) then
        local normal = dimensions + 1 + each
        local tail = math.max(now, state[each], state[normal])
        if lane == 2 then tail = math.max(tail, state[dimensions + normal]) end
        state[lane * dimensions + 1 + each] = tail + input[costs_at + charge + each] / speed
      end
    end
  end
  places = places + (lane - place_of[scope]) * 4 ^ (scope - 1)
  cold[scope] = true
end

if wait > 0 then
  local due = math.ceil(now + wait)
  if lane > 0 then
    stand(scope, due, dimension)
    -- Places among the normal ones count for the tenant's share: else a flood would take them all.
    for other = 1, lane == 1 and scopes or 0 do
      if input[7 + 3 * other] == 1 and place_of[other] == 0 and other ~= scope then stand(other) end
    end
  end
  for written in pairs(cold) do save(written) end
  local life = math.ceil((due - now + lease) / 1000)
  redis.call('SET', KEYS[1], struct.pack('dddddd', 0, 0, due, places, scope, dimension), 'PX', life)
  return { 1, now, due, scope, dimension }
end

-- Go
take_leases()
local texts = {
  struct.pack('dddddd', now, 1, 0, speed, borrowed and 1 or 0, 0),
  string.sub(packed, 8 * costs_at + 1, 8 * (costs_at + all)),
}
for scope = 1, scopes do
  local state, dimensions, share = states[scope], input[5 + 3 * scope], input[7 + 3 * scope] == 1
  local place, tails, waiting = place_of[scope], state[dimensions + 2], false
  for dimension = 1, dimensions do
    local charge, normal = charges_at[scope] + dimension, dimensions + 1 + dimension
    local batch, cost = dimensions + normal, input[costs_at + charge]
    if is_window(charge) then
      state[normal] = state[normal] + cost
      waiting = true
    else
      cost = cost / speed
      local before = state[dimension]
      local start = before > now and before or now
      local after = start + cost
      -- What others leave is not the tenant's debt.
      if borrowed and share then after = math.min(after, math.max(start, now + input[bursts_at + charge])) end
      state[dimension] = after
      if tails then
        -- Who has no place in a line pushes those back that stand in it.
        if place ~= 1 and state[normal] > before then state[normal] = state[normal] + cost end
        if place == 0 and state[batch] > before then state[batch] = state[batch] + cost end
        waiting = waiting or state[normal] > after or state[batch] > after
      end
    end
  end
  waiting = waiting or tails and (state[3 * dimensions + 2] > now or state[3 * dimensions + 3] > now)
  if tails and not waiting then
    for tail = #state, dimensions + 2, -1 do state[tail] = nil end
  end
  texts[2 + scope] = string.sub(save(scope), 1, 8 * (dimensions + 1))
end
redis.call('SET', KEYS[1], table.concat(texts), 'PX', math.ceil(lease / 250))
if probing then
  local numbers = { struct.unpack('dddddddddd', gate) }
  numbers[6] = now + lease
  local life = math.ceil((lease + math.max(30000000, 2 * numbers[5])) / 1000)
  redis.call('SET', KEYS[2], struct.pack('dddddddddd', unpack(numbers, 1, 10)) .. KEYS[1], 'PX', life)
end
return { now }
