--[[ Holds all calls of a model back for a time.
  Guarantee: never shortens a pause.
  KEYS[1] pause, a time in µs   ARGV[1] length in µs        clock: Redis TIME
  Returns 1 when it made the pause longer, else 0.  O(1). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local until_time = now + tonumber(ARGV[1])
if until_time <= tonumber(redis.call('GET', KEYS[1]) or 0) then return 0 end
redis.call('SET', KEYS[1], string.format('%.0f', until_time), 'PX', math.ceil(ARGV[1] / 1000))
return 1
