--[[ Keeps what a worker tells of itself, for a while.
  KEYS[1] zset worker → end of its life in ms   KEYS[2] hash worker → what it told
  ARGV[1] worker   ARGV[2] what it tells   ARGV[3] life, ms     clock: Redis TIME
  Returns 1. O(log workers). Both keys expire with the last worker. ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
redis.call('ZADD', KEYS[1], now + ARGV[3], ARGV[1])
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
redis.call('PEXPIRE', KEYS[1], ARGV[3])
redis.call('PEXPIRE', KEYS[2], ARGV[3])
return 1
