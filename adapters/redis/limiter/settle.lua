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
  KEYS  1 record   2 gate   then per scope its state, then the leases (see reserve.lua)
  ARGV[1] doubles: grant, outcome (0 success, 1 rate limited, 2 overloaded, 3 failed, 4 rejected, 5 not sent, 6 unknown),
    pause, first and longest time open (µs), whether there are windows, scopes, dimensions in all; per scope: dimensions,
    share 0|1; then of every dimension its real cost as for reserve.lua, -1 to keep what was reserved; then, where there
    are windows, of every dimension whether it is one; then, if rate limited, of every dimension its burst in µs, 0 for
    windows and shares
  clock: Redis TIME
  Returns 1 when it took effect, else 0.  O(scopes × dimensions). ]]
local packed = ARGV[1]
local input = { struct.unpack(string.rep('d', #packed / 8), packed) }
local grant, outcome, pause, open_first, open_most, windows, scopes, all = unpack(input, 1, 8)
local got = redis.call('MGET', unpack(KEYS, 1, 2 + scopes))
local record, gate = got[1], got[2]
if not record then return 0 end
local reserved = { struct.unpack(string.rep('d', #record / 8), record) }
if reserved[2] ~= 1 or reserved[1] ~= grant then return 0 end
redis.call('DEL', KEYS[1])
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local speed, borrowed = reserved[4], reserved[5] == 1

local paused, cut_to, cut_at = 0, 1, 0
if gate then
  paused, cut_to, cut_at = struct.unpack('ddd', gate)
end

-- The cut, and the pause, which the states below must know
if outcome == 1 then
  local since = now - cut_at
  if since >= 1000000 then
    local pace, most = math.min(1, cut_to + 2.5 * math.max(0, since / 1000000 - 7.4)), 1
    if since >= 7400000 and since < 12000000 then most = cut_to end
    cut_to, cut_at = math.max(0.1, math.min(0.7 * pace, most)), now
  else
    pause = math.max(pause, 1000000 - since)
  end
  paused = math.max(paused, now + pause)
end

-- All states as one list; those that Redis does not know are left out of it.
local texts = {}
for scope = 1, scopes do texts[scope] = got[2 + scope] or '' end
local whole = table.concat(texts)
local format = string.rep('d', #whole / 8)
local states = { struct.unpack(format, whole) }

local reals_at = 8 + 2 * scopes
local windows_at = windows > 0 and reals_at + all
local bursts_at = outcome == 1 and reals_at + (1 + windows) * all
local charge, state_at = 0, 0
for scope = 1, scopes do
  local dimensions, size = input[7 + 2 * scope], #texts[scope] / 8
  local keeps = borrowed and input[8 + 2 * scope] == 1
  for dimension = 1, size > 0 and dimensions or 0 do
    local each, at = charge + dimension, state_at + dimension
    local real, cost, burst = input[reals_at + each], reserved[6 + each], bursts_at and input[bursts_at + each] or 0
    local now_at, then_at = states[at], reserved[5 + all + each + scope]
    local delta = (real < 0 or keeps) and 0 or real - cost
    if not (windows_at and input[windows_at + each] == 1) then
      delta = delta / speed
      if delta < 0 then
        local ahead = (then_at < now_at and then_at or now_at) - now
        if ahead < -delta then delta = ahead > 0 and -ahead or 0 end
      end
      states[at] = now_at + delta
      if delta ~= 0 and size > dimensions + 1 then
        local normal, batch = at + dimensions + 1, at + 2 * dimensions + 1
        if states[normal] > now_at then states[normal] = states[normal] + delta end
        if states[batch] > now_at then states[batch] = states[batch] + delta end
      end
      if burst > 0 then states[at] = math.max(states[at], now + pause + burst) end
    elseif now_at == then_at then
      states[at + dimensions + 1] = states[at + dimensions + 1] + delta
    end
  end
  charge, state_at = charge + dimensions, state_at + size
end
whole = struct.pack(format, unpack(states, 1, state_at))
local from = 1
for scope = 1, scopes do
  local text = texts[scope]
  local changed = string.sub(whole, from, from + #text - 1)
  if changed ~= text then redis.call('SET', KEYS[2 + scope], changed, 'KEEPTTL') end
  from = from + #text
end
for key = 3 + scopes, #KEYS do redis.call('ZREM', KEYS[key], KEYS[1]) end
if not gate and (outcome == 0 or outcome > 3) then return 1 end

-- The breaker
local open_until, opened_for, probe_until, began, calls, failures, overloads, probe = 0, 0, 0, 0, 0, 0, 0, ''
if gate then
  open_until, opened_for, probe_until, began, calls, failures, overloads = struct.unpack('ddddddd', gate, 25)
  probe = string.sub(gate, 81)
end
local bad, changed = outcome == 2 or outcome == 3, outcome == 1
if now >= math.max(open_until, probe_until) + math.max(30000000, 2 * opened_for) then
  open_until, opened_for, probe_until, probe = 0, 0, 0, ''
end
if opened_for > 0 then
  -- Open or half open: only the probe's answer counts. A probe that never learns its end lets another one in.
  if probe == KEYS[1] and outcome ~= 6 then
    changed, probe_until = true, 0
    if bad then
      opened_for = math.min(2 * opened_for, open_most)
      open_until = now + opened_for
    elseif outcome ~= 5 then
      open_until, opened_for, began, probe = 0, 0, 0, ''
    end
  end
elseif bad or (outcome == 0 and began > 0) then
  changed = true
  if now - began > 30000000 then began, calls, failures, overloads = bad and now or 0, 0, 0, 0 end
  calls = calls + 1
  if bad then failures = failures + 1 end
  overloads = outcome == 2 and overloads + 1 or 0
  if overloads >= 3 or (calls >= 10 and 2 * failures >= calls) then
    opened_for, open_until = open_first, now + open_first
  end
end
if changed then
  local ends = math.max(paused, cut_at + 12000000, began > 0 and now + 30000000 or 0)
  if opened_for > 0 then ends = math.max(ends, math.max(open_until, probe_until) + math.max(30000000, 2 * opened_for)) end
  if ends > now then
    local numbers = struct.pack('dddddddddd', paused, cut_to, cut_at, open_until, opened_for, probe_until, began, calls,
      failures, overloads)
    redis.call('SET', KEYS[2], numbers .. probe, 'PX', math.ceil((ends - now) / 1000))
  else
    redis.call('DEL', KEYS[2])
  end
end
return 1
