--[[ Takes over how much a provider says is left of one dimension.
  Guarantee: only ever takes away: other users of the same key, or limits set too high, show in the headers; calls of
  ours that the provider has not seen yet do not. A scope that Redis does not know is left alone, as it starts empty.
  KEYS[1] state (see reserve.lua)
  ARGV[1] doubles: dimensions of the scope, number of this one, a, b (see packed-numbers.ts), units that are left, µs to the
    window's end or 0            clock: Redis TIME
  Returns 1 when it took something, else 0.  O(dimensions). ]]
local dimensions, dimension, a, b, remaining, ends_in = struct.unpack('dddddd', ARGV[1])
local text = redis.call('GET', KEYS[1])
if not text then return 0 end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local state = { struct.unpack(string.rep('d', #text / 8), text) }
state[#state] = nil -- the place where unpacking ended

local changed
if a > 0 then
  local tat = now + math.max(0, b - remaining * a)
  changed = tat > state[dimension]
  if changed then state[dimension] = tat end
else
  local limit, used = -a, dimensions + 1 + dimension
  local fixed = b > 1e14
  if now >= state[dimension] then
    state[dimension], state[used] = fixed and b or now + b, 0
  end
  changed = limit - remaining > state[used]
  if changed then state[used] = limit - remaining end
  if not fixed and ends_in > 0 and now + ends_in > state[dimension] then
    state[dimension], changed = now + ends_in, true
  end
end
if not changed then return 0 end
redis.call('SET', KEYS[1], struct.pack(string.rep('d', #state), unpack(state)), 'KEEPTTL')
return 1
