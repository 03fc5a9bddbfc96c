--[[ Ends a reservation: charges what the call really cost, frees its leases, and tells breaker and speed how it ended.
  Guarantee: takes effect once. A reservation that has ended, or whose grant is another, is left alone. What cost more
  than was reserved becomes debt, which is never forgiven. What cost less is given back as far as the bucket has not
  refilled it meanwhile: to give more would let others take the same twice. A window that has ended is left alone.
  After a 429 the provider's buckets are empty, so ours are too, up to the end of the pause: else all who waited for it
  would come at once.
  The breaker opens after 3 overloads in a row, or when half of at least 10 calls failed in the 30 s after a first
  failure; while it is open its times double up to the most. The answer of the probe closes it or opens it again.
  The speed is cut to 0.7 of itself at most once in a second, never below 0.1; a second 429 within that second pauses to
  its end. It stays until 7.4 s have passed without a cut, then gains 2.5 a second: full within 8 s, which plain
  steps of 0.02 would take 25 s for. A 429 within that climb, or soon after it, leads back to where it began.
  KEYS  1 record   2 pause   3 breaker   4 speed   then per scope its state, then per scope its leases (see reserve.lua)
  ARGV[1] id   ARGV[2] doubles: grant, outcome (0 success, 1 rate limited, 2 overloaded, 3 failed, 4 rejected, 5 not
    sent, 6 unknown), pause, first and longest time open (µs), scopes; per scope: dimensions, most leases or 0, share
    0|1; per dimension: µs per unit, or of a window minus its limit
  ARGV[3] doubles: real cost in each dimension, -1 to keep what was reserved
  ARGV[4] doubles: burst in each dimension in µs, 0 for windows and shares; '' unless rate limited
  clock: Redis TIME
  Returns 1 when it took effect, else 0.  O(scopes × dimensions). ]]
local id, packed = ARGV[1], ARGV[2]
local input = { struct.unpack(string.rep('d', #packed / 8), packed) }
local grant, outcome, pause, open_first, open_most, scopes = unpack(input, 1, 6)
local got = redis.call('MGET', unpack(KEYS, 1, 4 + scopes))
local record = got[1]
if not record then return 0 end
local reserved = { struct.unpack(string.rep('d', #record / 8), record) }
if reserved[2] ~= 1 or reserved[1] ~= grant then return 0 end
redis.call('DEL', KEYS[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local reals = { struct.unpack(string.rep('d', #ARGV[3] / 8), ARGV[3]) }
local all = #ARGV[3] / 8
local bursts = ARGV[4] ~= '' and { struct.unpack(string.rep('d', all), ARGV[4]) }
local speed, borrowed = reserved[4], reserved[5] == 1

-- The cut, and the pause, which the states below must know
if outcome == 1 then
  local pace, held, since = 1, 1, 1000000
  if got[4] then
    local cut_at
    held, cut_at = struct.unpack('dd', got[4])
    since = now - cut_at
    pace = math.min(1, held + 2.5 * math.max(0, since / 1000000 - 7.4))
  end
  if since >= 1000000 then
    local cut_to = math.max(0.1, math.min(0.7 * pace, since < 7400000 and 1 or held))
    redis.call('SET', KEYS[4], struct.pack('dd', cut_to, now), 'PX', '12000')
  else
    pause = math.max(pause, 1000000 - since)
  end
  if pause > 0 and now + pause > tonumber(got[2] or 0) then
    redis.call('SET', KEYS[2], string.format('%.0f', now + pause), 'PX', math.ceil(pause / 1000))
  end
end

local at, charge, states_from = 7, 0, 6 + all
for scope = 1, scopes do
  local dimensions, text = input[at], got[4 + scope]
  local state, changed
  for dimension = 1, dimensions do
    local unit = input[at + 2 + dimension]
    charge = charge + 1
    local real, cost = reals[charge], reserved[6 + charge]
    local differs = real >= 0 and real ~= cost and not (borrowed and input[at + 2] == 1)
    local empties = bursts and bursts[charge] > 0
    if text and (differs or empties) then
      if not state then
        state = { struct.unpack(string.rep('d', #text / 8), text) }
        state[#state] = nil -- the place where unpacking ended
      end
      local now_at, then_at, second = state[dimension], reserved[states_from + dimension], dimensions + dimension
      if unit > 0 then
        local delta = differs and (real - cost) * unit / speed or 0
        if delta < 0 then delta = math.max(delta, math.min(0, now - math.min(then_at, now_at))) end
        state[dimension] = now_at + delta
        if state[second] then
          local third = dimensions + second
          if state[second] > now_at then state[second] = state[second] + delta end
          if state[third] > now_at then state[third] = state[third] + delta end
        end
        if empties then state[dimension] = math.max(state[dimension], now + pause + bursts[charge]) end
        changed = true
      elseif now_at == then_at then
        state[second] = state[second] + real - cost
        changed = true
      end
    end
  end
  if changed then
    redis.call('SET', KEYS[4 + scope], struct.pack(string.rep('d', #state), unpack(state)), 'KEEPTTL')
  end
  if input[at + 1] > 0 then redis.call('ZREM', KEYS[4 + scopes + scope], id) end
  states_from = states_from + dimensions
  at = at + 3 + dimensions
end

local breaker = got[3]
local bad = outcome == 2 or outcome == 3
local open_until, opened_for, probe_until, began, calls, failures, overloads, probe = 0, 0, 0, now, 0, 0, 0, ''
if breaker then
  open_until, opened_for, probe_until, began, calls, failures, overloads = struct.unpack('ddddddd', breaker)
  probe = string.sub(breaker, 57)
elseif not bad then
  return 1
end

if opened_for > 0 then
  -- Open or half open: only the probe's answer counts. A probe that never learns its end lets another one in.
  if probe ~= id or outcome == 6 then return 1 end
  if not bad and outcome ~= 5 then
    redis.call('DEL', KEYS[3])
    return 1
  end
  if bad then
    opened_for = math.min(2 * opened_for, open_most)
    open_until = now + opened_for
  end
  probe_until = 0
elseif bad or outcome == 0 then
  if now - began > 30000000 then began, calls, failures, overloads = now, 0, 0, 0 end
  calls = calls + 1
  if bad then failures = failures + 1 end
  overloads = outcome == 2 and overloads + 1 or 0
  if overloads >= 3 or (calls >= 10 and 2 * failures >= calls) then
    opened_for, open_until = open_first, now + open_first
  end
else
  return 1
end
local life = math.ceil(math.max(30000000, open_until - now + 2 * opened_for) / 1000)
local numbers = struct.pack('ddddddd', open_until, opened_for, probe_until, began, calls, failures, overloads)
redis.call('SET', KEYS[3], numbers, 'PX', life)
return 1
