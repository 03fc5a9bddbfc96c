--[[ Tells that a worker lives, and counts those that do.
  KEYS[1] zset worker → end of its beat in ms   ARGV[1] worker   ARGV[2] life of a beat, ms     clock: Redis TIME
  Returns the number of workers, itself included. O(log workers), and once per worker that went silent. ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', now)
redis.call('ZADD', KEYS[1], now + ARGV[2], ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return redis.call('ZCARD', KEYS[1])
