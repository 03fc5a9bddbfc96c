--[[ Lists what the living workers told, and forgets the others.
  KEYS[1] zset worker → end of its life in ms   KEYS[2] hash worker → what it told     clock: Redis TIME
  Returns a list of what they told, in no order. O(workers). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', now)
for _, worker in ipairs(gone) do
  redis.call('ZREM', KEYS[1], worker)
  redis.call('HDEL', KEYS[2], worker)
end
return redis.call('HVALS', KEYS[2])
