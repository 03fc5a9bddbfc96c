--[[ Tells where a model of an account and its scopes stand. Changes nothing.
  KEYS  1 gate   then per scope its state, then per scope its leases (see reserve.lua)
  ARGV[1] doubles: scopes; per scope: dimensions; per dimension: a, b (see packed-numbers.ts)
  clock: Redis TIME
  Returns { µs of pause, thousandths of the speed, breaker 0 closed | 1 open | 2 half open }, then per scope: 1 when it
  is known, leases; per dimension: thousandths of a unit that are left, µs that the line is long.
  O(scopes × dimensions). ]]
local clock = redis.call('TIME')
local now = clock[1] * 1000000 + clock[2]
local input = { struct.unpack(string.rep('d', #ARGV[1] / 8), ARGV[1]) }
local scopes = input[1]
local got = redis.call('MGET', unpack(KEYS, 1, 1 + scopes))

local paused, speed, breaker = 0, 1, 0
if got[1] then
  local cut_to, cut_at, open_until, opened_for, probe_until
  paused, cut_to, cut_at, open_until, opened_for, probe_until = struct.unpack('dddddd', got[1])
  local forgotten = math.max(open_until, probe_until) + math.max(30000000, 2 * opened_for)
  if now < open_until then breaker = 1 elseif opened_for > 0 and now < forgotten then breaker = 2 end
  speed = math.min(1, cut_to + 2.5 * math.max(0, (now - cut_at) / 1000000 - 7.4))
end
local answer = { math.max(0, paused - now), math.floor(speed * 1000 + 0.5), breaker }

local at = 2
for scope = 1, scopes do
  local dimensions, text = input[at], got[1 + scope]
  answer[#answer + 1] = text and 1 or 0
  answer[#answer + 1] = redis.call('ZCOUNT', KEYS[1 + scopes + scope], now, '+inf')
  local state = text and { struct.unpack(string.rep('d', #text / 8), text) }
  local lines = text and #text / 8 > dimensions + 1
  for dimension = 1, dimensions do
    local a, b = input[at + 2 * dimension - 1], input[at + 2 * dimension]
    local left, line = 0, 0
    if state and a > 0 then
      left = (b - math.max(0, state[dimension] - now)) / (a / speed)
      if lines then
        line = math.max(0, state[dimensions + 1 + dimension] - b - now, state[2 * dimensions + 1 + dimension] - b - now)
      end
    elseif state then
      left = -a - (now < state[dimension] and state[dimensions + 1 + dimension] or 0)
    end
    answer[#answer + 1] = math.floor(left * 1000)
    answer[#answer + 1] = math.ceil(line)
  end
  at = at + 1 + 2 * dimensions
end
return answer
