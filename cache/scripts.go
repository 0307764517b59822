package cache

import "github.com/redis/go-redis/v9"

// script is a program for Redis, and the name by which a server knows it that has seen it once.
type script struct{ source, hash string }

func newScript(source string) script { return script{source, redis.NewScript(source).Hash()} }

// The scripts touch one key each, so they run on a cluster, and each is one step to every other client. A leased value
// is a hash: d the value, x its end, v its version, f the lowest version that may be filled, l the lease, e its end. Versions are
// compared as decimal strings: Lua's numbers are exact only up to 2^53. Redis's own clock decides when a lease ends.
const (
	lookupScript = `
local row = redis.call('HMGET', KEYS[1], 'v', 'd', 'l', 'e', 'x')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if row[2] and now < tonumber(row[5]) then return {row[1], row[2]} end
if row[3] and row[3] ~= ARGV[1] and now < tonumber(row[4]) then return {} end
redis.call('HSET', KEYS[1], 'l', ARGV[1], 'e', string.format('%.0f', now + ARGV[2]))
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return {'lease'}`

	lessFunction = `
local function less(a, b)
  local na, nb = string.sub(a, 1, 1) == '-', string.sub(b, 1, 1) == '-'
  if na ~= nb then return na end
  if na then a, b = b, a end
  if #a ~= #b then return #a < #b end
  return a < b
end
`

	fillScript = lessFunction + `
local row = redis.call('HMGET', KEYS[1], 'l', 'e', 'f')
local clock = redis.call('TIME')
local now = clock[1] * 1000 + math.floor(clock[2] / 1000)
if row[1] ~= ARGV[1] or now >= tonumber(row[2]) then return 0 end
if row[3] and less(ARGV[2], row[3]) then return 0 end
redis.call('HDEL', KEYS[1], 'l', 'e')
redis.call('HSET', KEYS[1], 'v', ARGV[2], 'f', ARGV[2], 'd', ARGV[3], 'x', string.format('%.0f', now + ARGV[4]))
redis.call('PEXPIRE', KEYS[1], ARGV[5])
return 1`

	invalidateScript = lessFunction + `
local floor = redis.call('HGET', KEYS[1], 'f')
if floor and not less(floor, ARGV[1]) then return 0 end
redis.call('DEL', KEYS[1])
redis.call('HSET', KEYS[1], 'f', ARGV[1])
redis.call('PEXPIRE', KEYS[1], ARGV[2])
return 1`

	hitScript = `
local count = redis.call('INCRBY', KEYS[1], ARGV[2])
local left = redis.call('PTTL', KEYS[1])
if left < 0 then
  redis.call('PEXPIRE', KEYS[1], ARGV[1])
  left = tonumber(ARGV[1])
end
return {count, left}`
)
