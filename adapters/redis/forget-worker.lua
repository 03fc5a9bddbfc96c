--[[ Forgets a worker.
  KEYS[1] zset worker → end of its life in ms   KEYS[2] hash worker → what it told   ARGV[1] worker
  Returns whether it was there. O(log workers). ]]
redis.call('HDEL', KEYS[2], ARGV[1])
return redis.call('ZREM', KEYS[1], ARGV[1])
