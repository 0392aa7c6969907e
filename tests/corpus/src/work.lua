local t, x = {}, 42
for i = 1, 3000000 do x = (x * 16807) % 2147483647; t[x % 1000 + 1] = (t[x % 1000 + 1] or 0) + 1 end
local best = 0; for i = 1, 1000 do if t[i] > best then best = t[i] end end
print(x, best)
local parts = {}; for i = 1, 60000 do parts[#parts + 1] = string.format("%d:%s", i, ("x"):rep(i % 17)) end
local s = table.concat(parts, ","); print(#s, select(2, s:gsub("x+", "")))
local co = coroutine.wrap(function() for i = 1, 100000 do coroutine.yield(i) end end)
local sum = 0; for i = 1, 100000 do sum = sum + co() end print(sum)
local p = io.popen("echo from a child"); print(p:read("*a")); p:close()
