--[[ Fills a cold scope with the holders that PostgreSQL knows, and marks it complete.
  Guarantee: a scope that is complete already is left alone, so of several callers only the first counts. A holder that
  is dead costs its slot for one lease; the others renew theirs.
  KEYS[1] leases   zset holder → end of the lease in ms      KEYS[2] marker   string, there while the leases are complete
  ARGV[1] lease, ms   ARGV[2] life of a marker, ms   ARGV[3…] holders      clock: Redis TIME
  Returns 1 when it filled the scope, else 0. O(holders × log holders). ]]
if redis.call('EXISTS', KEYS[2]) == 1 then return 0 end
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local lease = tonumber(ARGV[1])

for index = 3, #ARGV do
  redis.call('ZADD', KEYS[1], now + lease, ARGV[index])
end
redis.call('PEXPIRE', KEYS[1], lease)
redis.call('SET', KEYS[2], '', 'PX', ARGV[2])
return 1
