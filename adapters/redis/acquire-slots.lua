--[[ Takes a slot in every scope at once, or in none.
  Guarantee: a holder is let in only where fewer than `limit` others hold an unexpired lease; a refusal takes nothing.
  A holder that has a lease is not counted against itself: its lease is renewed, so a repeated call changes nothing.
  A scope without its marker is not known to be complete (Redis lost it, or nobody touched it for too long): nothing is
  granted until seed-slots.lua has filled it with the holders that PostgreSQL knows.
  KEYS  for each scope: leases    zset holder → end of the lease in ms
                        marker    string, there while the leases are complete
  ARGV[1] holder   ARGV[2] lease, ms   ARGV[3] life of a marker, ms   ARGV[4…] limit of each scope
  clock: Redis TIME, so that no caller's clock can cheat
  Returns 0 when granted, n when the n-th scope is full, -n when the n-th scope is cold.
  O(scopes × log holders), and once per expired lease. ]]
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local holder, lease, marker_life = ARGV[1], tonumber(ARGV[2]), ARGV[3]
local scopes = #KEYS / 2

for scope = 1, scopes do
  if redis.call('EXISTS', KEYS[2 * scope]) == 0 then return -scope end
end

local full = 0
for scope = 1, scopes do
  local leases = KEYS[2 * scope - 1]
  redis.call('PEXPIRE', KEYS[2 * scope], marker_life)
  redis.call('ZREMRANGEBYSCORE', leases, '-inf', now)
  local others = redis.call('ZCARD', leases)
  if redis.call('ZSCORE', leases, holder) then others = others - 1 end
  if full == 0 and others >= tonumber(ARGV[3 + scope]) then full = scope end
end
if full > 0 then return full end

for scope = 1, scopes do
  local leases = KEYS[2 * scope - 1]
  redis.call('ZADD', leases, now + lease, holder)
  redis.call('PEXPIRE', leases, lease)
end
return 0
