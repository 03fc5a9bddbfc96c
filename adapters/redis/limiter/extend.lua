--[[ Renews what a reservation holds: its record, and its lease in every scope.
  Guarantee: lets nobody in. An ended lease that nobody has cleared away is renewed too; one that was cleared is not, as
  somebody else may hold its place.
  KEYS  1 record, then leases of the scopes that have a most (see reserve.lua)
  ARGV[1] doubles: grant, lease in µs            clock: Redis TIME
  Returns 1 when record and all leases are there, else 0.  O(scopes × log leases). ]]
local grant, lease = struct.unpack('dd', ARGV[1])
local record = redis.call('GET', KEYS[1])
if not record then return 0 end
local held, gone = struct.unpack('dd', record)
if held ~= grant or gone ~= 1 then return 0 end
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]

redis.call('PEXPIRE', KEYS[1], math.ceil(lease / 250))
local all = 1
for key = 2, #KEYS do
  if redis.call('ZSCORE', KEYS[key], KEYS[1]) then
    redis.call('ZADD', KEYS[key], now + lease, KEYS[1])
    redis.call('PEXPIRE', KEYS[key], '691200000')
  else
    all = 0
  end
end
return all
