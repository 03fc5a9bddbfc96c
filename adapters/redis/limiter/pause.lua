--[[ Holds all calls of a model back for a time.
  Guarantee: never shortens a pause.
  KEYS[1] gate (see reserve.lua)   ARGV[1] length in µs        clock: Redis TIME
  Returns 1 when it made the pause longer, else 0.  O(1). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local paused = now + ARGV[1]
local gate = redis.call('GET', KEYS[1]) or struct.pack('dddddddddd', 0, 1, 0, 0, 0, 0, 0, 0, 0, 0)
if paused <= struct.unpack('d', gate) then return 0 end
local life = math.max(redis.call('PTTL', KEYS[1]), math.ceil(ARGV[1] / 1000))
redis.call('SET', KEYS[1], struct.pack('d', paused) .. string.sub(gate, 9), 'PX', life)
return 1
