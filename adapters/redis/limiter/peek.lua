--[[ Tells where a model of an account and its scopes stand. Changes nothing.
  KEYS  1 pause   2 breaker   3 speed   then per scope its state, then per scope its leases (see reserve.lua)
  ARGV[1] doubles: scopes; per scope: dimensions; per dimension: a, b (as for reserve.lua)
  clock: Redis TIME
  Returns { µs of pause, thousandths of the speed, breaker 0 closed | 1 open | 2 half open }, then per scope: 1 when it
  is known, leases; per dimension: thousandths of a unit that are left, µs that the line is long.
  O(scopes × dimensions). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local input = { struct.unpack(string.rep('d', #ARGV[1] / 8), ARGV[1]) }
local scopes = input[1]
local got = redis.call('MGET', unpack(KEYS, 1, 3 + scopes))

local speed, breaker = 1, 0
if got[2] then
  local open_until, opened_for = struct.unpack('dd', got[2])
  if now < open_until then breaker = 1 elseif opened_for > 0 then breaker = 2 end
end
if got[3] then
  local cut_to, cut_at = struct.unpack('dd', got[3])
  local quiet = (now - cut_at) / 1000000
  speed = math.min(1, cut_to + 2.5 * math.max(0, quiet - 7.4))
end
local answer = { math.max(0, tonumber(got[1] or 0) - now), math.floor(speed * 1000 + 0.5), breaker }

local at = 2
for scope = 1, scopes do
  local dimensions, text = input[at], got[3 + scope]
  answer[#answer + 1] = text and 1 or 0
  answer[#answer + 1] = redis.call('ZCOUNT', KEYS[3 + scopes + scope], now, '+inf')
  local state = text and { struct.unpack(string.rep('d', #text / 8), text) }
  local lines = text and #text / 8 > dimensions
  for dimension = 1, dimensions do
    local a, b = input[at + 2 * dimension - 1], input[at + 2 * dimension]
    local left, line = 0, 0
    if state and a > 0 then
      left = (b - math.max(0, state[dimension] - now)) / (a / speed)
      if lines then
        line = math.max(0, state[dimensions + dimension] - b - now, state[2 * dimensions + dimension] - b - now)
      end
    elseif state then
      left = -a - (now < state[dimension] and state[dimensions + dimension] or 0)
    end
    answer[#answer + 1] = math.floor(left * 1000)
    answer[#answer + 1] = math.ceil(line)
  end
  at = at + 1 + 2 * dimensions
end
return answer
