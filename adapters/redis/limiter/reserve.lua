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
  caller (ARGV[4]). A share starts full, as it guards no provider. A cold scope is written even when the call is
  refused: else it would never warm up.
  KEYS  1 record   2 pause, a time in µs   3 breaker   4 speed   then per scope its state, then per scope its leases
    record   doubles: grant, is it a go, place's time, places (4 ^ (scope - 1) × tail), scope, dimension; the last three
             of a go: speed, whether a share was borrowed, 0, and then all costs, and all tats and ends of windows
             after it
    state    doubles: tat of each dimension; then, while somebody waits or there are windows, the normal tail of each
             and the batch tail of each, and when the next late one of each of the two lanes may come. Of a window:
             its end, what is used, 0
    leases   zset id → end in µs
    breaker  doubles: open until, time of opening, probe until, window start, calls, failures, overloads in a row; then
             the id of the probe
    speed    doubles: share of the rates after the last cut, time of it
  ARGV[1] id
  ARGV[2] doubles: lease, horizon (µs), headroom 0–1, lane 0–2, whether there are windows, scopes; per scope:
    dimensions, most leases or 0, share 0|1; per dimension: a, b. Rate: µs per unit, burst in µs. Window: minus the
    limit, its end or (a number below 10^14) its length
  ARGV[3] doubles: cost in each dimension   ARGV[4] doubles: use of each window, or ''
  clock: Redis TIME, so that no caller's clock can cheat
  Returns { answer, now, time, scope, dimension }: 0 go (time is the grant), 1 place, 2 limit, 3 window, 4 concurrency,
    5 paused, 6 breaker, 7 cold, uses of windows wanted, 8 the day has ended, a new end is wanted.
  O(scopes × dimensions). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local id, packed = ARGV[1], ARGV[2]
local input = { struct.unpack(string.rep('d', #packed / 8), packed) }
local costs = { struct.unpack(string.rep('d', #ARGV[3] / 8), ARGV[3]) }
local lease, horizon, headroom, lane, windows, scopes = unpack(input, 1, 6)
local got = redis.call('MGET', unpack(KEYS, 1, 4 + scopes))
local state_life = '691200000' -- a week and a day, in ms: longer than any window
local spare_headroom = 0.8

-- The first scope that has no lease left for this id
local function full_scope()
  local at = 7
  for scope = 1, scopes do
    local most, leases = input[at + 1], KEYS[4 + scopes + scope]
    if most > 0 and redis.call('ZCARD', leases) >= most and not redis.call('ZSCORE', leases, id) then
      redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
      if redis.call('ZCARD', leases) >= most then return scope end
    end
    at = at + 3 + 2 * input[at]
  end
end

local function take_leases()
  local at = 7
  for scope = 1, scopes do
    if input[at + 1] > 0 then
      redis.call('ZADD', KEYS[4 + scopes + scope], now + lease, id)
      redis.call('PEXPIRE', KEYS[4 + scopes + scope], math.ceil(lease / 1000))
    end
    at = at + 3 + 2 * input[at]
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
if got[2] and now < tonumber(got[2]) then return { 5, now, tonumber(got[2]), 0, 0 } end
local breaker, probing = got[3], false
if breaker then
  local open_until, opened_for, probe_until = struct.unpack('ddd', breaker)
  if now < open_until then return { 6, now, open_until, 0, 0 } end
  if opened_for > 0 then
    if now < probe_until then return { 6, now, probe_until, 0, 0 } end
    probing = true
  end
end

local speed = 1
if got[4] then
  local cut_to, cut_at = struct.unpack('dd', got[4])
  local quiet = (now - cut_at) / 1000000
  speed = math.min(1, cut_to + 2.5 * math.max(0, quiet - 7.4))
end

-- States; those of cold scopes are made
local states, place_of, cold = {}, {}, {}
local at = 7
for scope = 1, scopes do
  local dimensions, text = input[at], got[4 + scope]
  if text then
    local state = { struct.unpack(string.rep('d', #text / 8), text) }
    state[#state] = nil -- the place where unpacking ended
    states[scope] = state
  else
    local made = {}
    local share = input[at + 2] == 1
    for dimension = 1, dimensions do made[dimension] = share and now or now + input[at + 2 + 2 * dimension] end
    states[scope], cold[scope] = made, true
  end
  place_of[scope] = places > 0 and math.floor(places / 4 ^ (scope - 1)) % 4 or 0
  at = at + 3 + 2 * dimensions
end

-- Where the numbers of a scope begin, in the input and, less one, in the costs
local function dimensions_at(scope)
  local at, charge = 7, 0
  for _ = 1, scope - 1 do at, charge = at + 3 + 2 * input[at], charge + input[at] end
  return at, charge
end

local function give_tails(state, dimensions)
  for tail = #state + 1, 3 * dimensions + 2 do state[tail] = 0 end
end

local function save(scope)
  local state = states[scope]
  local text = struct.pack(string.rep('d', #state), unpack(state))
  redis.call('SET', KEYS[4 + scope], text, 'PX', state_life)
  return text
end

-- Windows: begun anew, filled when cold, asked
local refused
local function ask_windows()
  local uses, window, charge, at = nil, 0, 0, 7
  for scope = 1, scopes do
    local state, dimensions = states[scope], input[at]
    for dimension = 1, dimensions do
      local limit, b = -input[at + 1 + 2 * dimension], input[at + 2 + 2 * dimension]
      charge = charge + 1
      if limit > 0 then
        local fixed = b > 1e14
        window = window + 1
        if fixed and now >= b then return { 8, now, 0, scope, dimension } end
        give_tails(state, dimensions)
        local ends = fixed and b or now + b
        if cold[scope] then
          if ARGV[4] == '' then return { 7, now, 0, scope, dimension } end
          uses = uses or { struct.unpack(string.rep('d', #ARGV[4] / 8), ARGV[4]) }
          state[dimension], state[dimensions + dimension] = ends, uses[window]
        elseif now >= state[dimension] then
          state[dimension], state[dimensions + dimension] = ends, 0
        end
        local over = costs[charge] > 0 and state[dimensions + dimension] + costs[charge] > limit
        if over and not (refused and refused[3] > state[dimension]) then
          refused = { 3, now, state[dimension], scope, dimension }
        end
      end
    end
    at = at + 3 + 2 * dimensions
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
  local at, charge = 7, 0
  for scope = 1, scopes do
    local dimensions, share, state = input[at], input[at + 2] == 1, states[scope]
    local queued = in_lane > 0 and place_of[scope] == 0 and state[dimensions + 1]
    for dimension = 1, dimensions do
      local from = at + 1 + 2 * dimension
      local unit, burst = input[from], input[from + 1]
      charge = charge + 1
      local cost = costs[charge]
      if cost > 0 and unit > 0 then
        local tail = state[dimension]
        local backlog = tail > now and tail - now or 0
        -- A cost that a slowed bucket cannot hold waits until that bucket is full.
        local needed = cost * unit / speed
        if needed > burst then needed = burst end
        if queued and (share or backlog + needed > 0.75 * burst) then
          local normal, batch = state[dimensions + dimension], state[2 * dimensions + dimension]
          if normal > tail then tail = normal end
          if in_lane == 2 and not share and batch > tail then tail = batch end
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
    at = at + 3 + 2 * dimensions
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
    local state, dimensions = states[scope], input[dimensions_at(scope)]
    wait = math.max(wait, (state[3 * dimensions + lane] or 0) - now)
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
  local at, charge = dimensions_at(scope)
  local state, dimensions = states[scope], input[at]
  give_tails(state, dimensions)
  if place_of[scope] > 0 then
    state[3 * dimensions + lane] = due + costs[charge + dimension] * input[at + 1 + 2 * dimension] / speed
  else
    for each = 1, dimensions do
      local unit = input[at + 1 + 2 * each]
      if unit > 0 then
        local tail = math.max(now, state[each], state[dimensions + each])
        if lane == 2 then tail = math.max(tail, state[2 * dimensions + each]) end
        state[lane * dimensions + each] = tail + costs[charge + each] * unit / speed
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
    local at = 7
    for other = 1, lane == 1 and scopes or 0 do
      if input[at + 2] == 1 and place_of[other] == 0 and other ~= scope then stand(other) end
      at = at + 3 + 2 * input[at]
    end
  end
  for written in pairs(cold) do save(written) end
  local life = math.ceil((due - now + lease) / 1000)
  redis.call('SET', KEYS[1], struct.pack('dddddd', 0, 0, due, places, scope, dimension), 'PX', life)
  return { 1, now, due, scope, dimension }
end

-- Go
take_leases()
local texts = { struct.pack('dddddd', now, 1, 0, speed, borrowed and 1 or 0, 0), ARGV[3] }
local charge = 0
at = 7
for scope = 1, scopes do
  local state, dimensions, share = states[scope], input[at], input[at + 2] == 1
  local place, tails, waiting = place_of[scope], state[dimensions + 1], false
  for dimension = 1, dimensions do
    local unit = input[at + 1 + 2 * dimension]
    charge = charge + 1
    if unit > 0 then
      local before, cost = state[dimension], costs[charge] * unit / speed
      local start = before > now and before or now
      local after = start + cost
      -- What others leave is not the tenant's debt.
      if borrowed and share then after = math.min(after, math.max(start, now + input[at + 2 + 2 * dimension])) end
      state[dimension] = after
      if tails then
        -- Who has no place in a line pushes those back that stand in it.
        local normal, batch = dimensions + dimension, 2 * dimensions + dimension
        if place ~= 1 and state[normal] > before then state[normal] = state[normal] + cost end
        if place == 0 and state[batch] > before then state[batch] = state[batch] + cost end
        waiting = waiting or state[normal] > after or state[batch] > after
      end
    else
      state[dimensions + dimension] = state[dimensions + dimension] + costs[charge]
      waiting = true
    end
  end
  waiting = waiting or tails and (state[3 * dimensions + 1] > now or state[3 * dimensions + 2] > now)
  if tails and not waiting then
    for tail = #state, dimensions + 1, -1 do state[tail] = nil end
  end
  texts[2 + scope] = string.sub(save(scope), 1, 8 * dimensions)
  at = at + 3 + 2 * dimensions
end
redis.call('SET', KEYS[1], table.concat(texts), 'PX', math.ceil(lease / 250))
if probing then
  local numbers = { struct.unpack('ddddddd', breaker) }
  numbers[3] = now + lease
  local life = math.ceil((numbers[2] * 2 + lease) / 1000)
  redis.call('SET', KEYS[3], struct.pack('ddddddd', unpack(numbers, 1, 7)) .. id, 'PX', life)
end
return { 0, now, now, 0, 0 }
