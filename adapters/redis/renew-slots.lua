--[[ Renews a holder's lease in every scope where it has one.
  Guarantee: never lets anybody in. An ended lease that nobody has cleared away is renewed too: as letting in clears
  first, nobody can have been let in since it ended. In a scope that Redis has lost, the lease is put back: the caller
  holds it, and one holder too many only keeps others out.
  KEYS  for each scope: leases    zset holder → end of the lease in ms
                        marker    string, there while the leases are complete
  ARGV[1] holder   ARGV[2] lease, ms   ARGV[3] life of a marker, ms      clock: Redis TIME
  Returns the number of scopes renewed. O(scopes × log holders). ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, lease, marker_life = ARGV[1], tonumber(ARGV[2]), ARGV[3]

local renewed = 0
for scope = 1, #KEYS / 2 do
  local leases = KEYS[2 * scope - 1]
  local cold = redis.call('PEXPIRE', KEYS[2 * scope], marker_life) == 0
  if cold or redis.call('ZSCORE', leases, holder) then
    redis.call('ZADD', leases, now + lease, holder)
    redis.call('PEXPIRE', leases, lease)
    renewed = renewed + 1
  end
end
return renewed
