--[[ Gives a holder's slot back in every scope, and wakes those who wait.
  Guarantee: a repeated call changes nothing and wakes nobody.
  KEYS  leases of each scope, zset holder → end of the lease in ms
  ARGV[1] holder   ARGV[2] channel of the tenant
  Returns the number of scopes where the holder had a slot. O(scopes × log holders), and once per subscriber. ]]
local released = 0
for _, leases in ipairs(KEYS) do
  released = released + redis.call('ZREM', leases, ARGV[1])
end
if released > 0 then redis.call('PUBLISH', ARGV[2], '') end
return released
