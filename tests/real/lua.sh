#!/usr/bin/env bash
# lua.sh - Lua: programs of ours, and the tests that Lua's authors have for it.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs lua
program lua
cat >world/desk/words.lua <<'END'
-- Strings, tables, closures, coroutines, floating point, files, memory that is given back.
local n = tonumber(arg[1])
local words, counts = {}, {}
local state = 42
local function random(m)
    state = (state * 1103515245 + 12345) % 2147483648
    return state // 65536 % m
end
for i = 1, n do words[i] = string.format("w%04x", random(5000)) end
for _, w in ipairs(words) do counts[w] = (counts[w] or 0) + 1 end
local sorted = {}
for w in pairs(counts) do sorted[#sorted + 1] = w end
table.sort(sorted, function(a, b)
    return counts[a] ~= counts[b] and counts[a] > counts[b] or counts[a] == counts[b] and a < b
end)
for i = 1, 5 do print(sorted[i], counts[sorted[i]]) end
local squares = coroutine.wrap(function() for i = 1, n do coroutine.yield(i * i) end end)
local sum = 0
for _ = 1, n do sum = sum + math.sqrt(squares()) * 0.1 end
print(string.format("%.17g %a", sum, math.sin(sum)))
local f <close> = assert(io.open("words.txt", "w"))
f:write(table.concat(words, "\n"), "\n")
f:flush()
local lines = 0
for _ in io.lines("words.txt") do lines = lines + 1 end
print(lines, #table.concat(words), pcall(error, "as wished"))
words, counts, sorted = nil, nil, nil
collectgarbage()
print(collectgarbage("count") < 200, os.getenv("HOME"), os.tmpname() ~= os.tmpname())
os.exit(7)
END
mkdir -p world/tmp
n=20000
[[ $size == full ]] && n=500000
# Names of temporary files are random: QEMU's are in the host's /tmp.
both "a program of ours" lua words.lua "$n"
is "$ours_status" 7 "it ends as it wants to"
squeezed lua words.lua "$n"
again "through all TLBs" --model tlb -- lua words.lua "$n"
again "and the caches" --model full -- lua words.lua "$n"

suite() {
    if [[ ! -d $real/luatests ]]; then
        skip "Lua's own tests are not here: ./dev real clones them where it can"
        return
    fi
    cp -r "$real/luatests/." world/desk/
    ours lua -e '_U = true' all.lua
    like "$(<ours.out)" '^final OK' "the tests of Lua's authors"
}
[[ $size == full ]] && suite
finish
