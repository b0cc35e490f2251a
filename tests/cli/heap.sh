#!/usr/bin/env bash
# heap.sh - `pagoda heap`: requests through heaps, and what is said of those that no heap could
# answer.
. "${BASH_SOURCE[0]%/*}/user.sh"

# csv LINE...: requests.csv of these.
csv() {
    printf '%s\n' request,call,address,bytes,align,from,thread,site "$@" >requests.csv
}

# ---- what heaps make of them ----

csv alloc,malloc,0x1000,1000,0,0,1,a+0x1 alloc,malloc,0x2000,3000,0,0,2,a+0x2 \
    resize,realloc,0x3000,2000,0,0x1000,1,a+0x3 free,free,0x2000,0,0,0,1,a+0x4 \
    alloc,memalign,0x4000,0,4096,0,1,a+0x5
run "$PAGODA" heap requests.csv
exit_is 0 "requests go through heaps"
for heap in $("$PAGODA" list heaps | sed -n 's/^  \([^ ][^ ]*\).*/\1/p'); do
    is "$(grep -c "^  $heap " <<<"$out")" 3 "$heap is among them: at the peak, at the end, in all"
done
like "$out" '^Requests 5: 3 alloc, 1 free, 1 resize; threads 2$' \
    "their kinds are told"
asked='4\.9 KiB at most \(after request 3\), 2\.0 KiB at the end; 5\.9 KiB in all'
like "$out" "^  asked for $asked\$" \
    "and what they ask for"
run "$PAGODA" heap requests.csv --allocators first-fit --json
cp "$work/.out" h.json
is "$(member h.json '[r["requests"][k] for k in ("all", "alloc", "free", "resize", "zeros",
    "threads", "asked_peak", "peak_request", "asked_end", "asked_all", "faults_all")]')" \
    "[5, 3, 1, 1, 1, 2, 5000, 3, 2000, 6000, 0]" "in JSON too"
is "$(member h.json 'all(m["held_bytes"] == m["live"] + m["free"] + m["overhead"] and
    m["live"] >= m["asked"] for m in (r["results"][0]["peak"], r["results"][0]["end"]))')" True \
    "held is live, free and overhead"
is "$(member h.json 'tuple(r["results"][0][m]["live_blocks"] for m in ("end", "peak"))')" \
    "(2, 2)" "two blocks are live at the end"
run "$PAGODA" heap requests.csv --allocators first-fit,best-fit --at 2 --json
cp "$work/.out" m.json
is "$(member m.json '[sum(p[1] for p in x["map"]) == x["map_at"]["held_bytes"] and
    sum(p[1] for p in x["map"] if p[2] == "live") == x["map_at"]["live"] for x in r["results"]]')" \
    "[True, True]" "a map has each byte once"
run "$PAGODA" heap requests.csv --allocators first-fit --at end --chart
like "$out" '^first-fit: its region after request 5$' "it is drawn"
like "$out" '^requests\.csv: memory of heaps$' "and memory over the requests"
run "$PAGODA" heap requests.csv --allocators first-fit --csv c.csv --at peak
exit_is 0 "charts go to files"
is "$(grep -c '^first-fit,' c-memory.csv)" 5 "with their data"
run "$PAGODA" heap requests.csv --allocators first-fit --events 2
like "$out" '^ +2  thread 2    malloc         3000 bytes at 0x2000  a\+0x2$' "requests are listed"
run "$PAGODA" heap requests.csv --allocators first-fit --limit 4KiB --json
cp "$work/.out" l.json
is "$(member l.json '(lambda x: (x["failures"] > 0, x["held_peak"] <= 4096))(r["results"][0])')" \
    "(True, True)" "a heap that cannot grow fails requests"
"$PAGODA" convert requests.csv -o requests.pgt 2>/dev/null
for file in requests.csv requests.pgt; do
    "$PAGODA" heap "$file" --allocators tlsf --json | python3 -c 'import json, sys
r = json.load(sys.stdin); print(r["results"], r["requests"])' >"$file.result"
done
cmp -s requests.csv.result requests.pgt.result
ok $? "as .pgt they are the same requests"
"$PAGODA" convert requests.pgt -o back.csv 2>/dev/null
"$PAGODA" convert back.csv -o back.pgt 2>/dev/null
"$PAGODA" convert back.pgt -o again.csv 2>/dev/null
cmp -s back.csv again.csv
ok $? "and back"
run "$PAGODA" replay requests.pgt --frames 4
exit_is 0 "a replay passes over them"

# ---- what no heap could answer ----

csv alloc,malloc,0x1000,24,0,0,1,a free,free,0x2000,0,0,0,1,bug+0x2 free,free,0x1000,0,0,0,1,b \
    free,free,0x1000,0,0,0,2,twice+0x9 resize,realloc,0x3000,5,0,0x1000,1,c \
    resize,realloc,0x3000,5,0,0x9000,1,d alloc,malloc,0x5000,18446744073709551615,0,0,1,e \
    alloc,memalign,0x6000,10,48,0,1,f alloc,malloc,0x6000,10,0,0,1,g alloc,malloc,0,99,0,0,1,
run "$PAGODA" heap requests.csv
exit_is 0 "a trace with faults"
like "$out" '^Faults of the trace 7$' "is told of"
like "$out" '^ +4  thread 2    free           0x1000  twice\+0x9$' "with number, thread and site"
run "$PAGODA" heap requests.csv --allocators all --json
cp "$work/.out" f.json
is "$(member f.json '"\n".join("%d %s" % (f["request"], f["what"])
    for f in r["requests"]["faults"])')" "2 frees what was never allocated
4 frees a block that is free
5 resizes a block that is free
6 resizes what was never allocated
7 asks for more bytes than there are addresses
8 asks for an alignment that is no power of two
9 is given a block that is live" "each by its kind"
is "$(member f.json 'r["requests"]["refused"], {x["failures"] for x in r["results"]}')" \
    "(1, {0})" "what the program was not served is passed over"
run "$PAGODA" heap requests.csv --strict
exit_is 3 "a strict run fails"
like "$err" '^pagoda: requests\.csv: request 2 \(thread 1, bug\+0x2\): frees what was never' \
    "and names the first"

refused 2 'unknown heap "first"' "a heap that is not there" \
    "$PAGODA" heap requests.csv --allocators first
refused 2 'unknown parameter of tlsf "x"' "a parameter that is not" \
    "$PAGODA" heap requests.csv --allocators tlsf:x=1
refused 2 'at 99: the trace has 10 requests' "a request past the end" \
    "$PAGODA" heap requests.csv --at 99
refused 2 'a limit of 1 bytes: expected 4 KiB' "a limit below a page" \
    "$PAGODA" heap requests.csv --limit 1
refused 2 'cpus 65: expected 1 to 64' "too many processors" \
    "$PAGODA" heap requests.csv --cpus 65
refused 3 'no requests to a heap: expected a trace of them' "a trace without requests" \
    "$PAGODA" heap @loop:refs=10
hinted 'record --heap'
refused 3 'no requests to a heap' "as csv too" "$PAGODA" convert @loop:refs=10 -o x.csv
for line in 'take,malloc,0,0,0,0,1,' 'alloc,mallok,0,0,0,0,1,' 'alloc,malloc,0x,0,0,0,1,' \
    'alloc,malloc,1,2,3,4,4294967296,' 'alloc,malloc,1,2,3'; do
    csv "$line"
    refused 3 '^pagoda: requests\.csv:2: bad ' "the row $line" \
        "$PAGODA" heap requests.csv --format requests
done

# ---- measured ----

mapfile -t many < <(for i in {1..64}; do echo "alloc,malloc,0x${i}00000,65536,0,0,1,"; done)
csv "${many[@]}"
run "$PAGODA" heap requests.csv --allocators first-fit --measure --json
cp "$work/.out" g.json
is "$(member g.json '[(m["allocator"], m["failures"]) for m in r["measured"]][0]')" "('glibc', 0)" \
    "the host's allocator is measured beside them"
is "$(member g.json '64 * 65536 <= r["measured"][0]["rss_peak"] <= 64 * 65536 + (1 << 20)')" True \
    "with the memory that the blocks take"
is "$(member g.json 'r["measured"][0]["ns"] > 0 and r["results"][0]["ns"] > 0')" True "and the time"
finish
