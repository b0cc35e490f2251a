#!/usr/bin/env bash
# compare.sh - `pagoda compare`: numbers that can be worked out by hand, and what it refuses.
. "${BASH_SOURCE[0]%/*}/user.sh"

# Belady, Nelson and Shedler, CACM 12(6) 1969: fifo has 9 misses with 3 frames, 10 with 4.
printf 'R %d000\n' 1 2 3 4 1 2 5 1 2 3 4 5 >belady.rwi
run "$PAGODA" compare belady.rwi --model pages --policies fifo,lru --memory 12KiB,16KiB --json
exit_is 0 "two policies, two memories"
cp "$work/.out" b.json
is "$(member b.json '[[w["misses"] for w in m["rows"]] for m in r["memories"]]')" \
    "[[9, 10, 7], [10, 8, 6]]" "misses of fifo, lru and the bound"
is "$(member b.json '[w["policy"] for w in r["memories"][0]["rows"]]')" "['fifo', 'lru', 'opt']" \
    "the bound is there without being asked for"
is "$(member b.json '[m["frames"] for m in r["memories"]]')" "[3, 4]" "frames of each memory"
is "$(member b.json '[[w["best"]["misses"] for w in m["rows"]] for m in r["memories"]]')" \
    "[[True, False, False], [False, True, False]]" "the best, the bound apart"
# With 3 frames both let 4 take the place of 1, 1 of 2, 2 of 3, 5 of 4. Then 1 and 2 are hit, and 3
# comes, the tenth: of {1, 2, 5}, 1 came longest ago, but 5 was touched longest ago.
is "$(member b.json '[(d["outcome"], d["ref"], d["kept"]["address"], d["lacked"]["address"])
    for d in [r["memories"][0]["rows"][1]["divergence"]]]')" \
    "[('found', 10, '0x1000', '0x5000')]" "where lru parts from fifo"
is "$(member b.json 'r["memories"][0]["rows"][0]["divergence"]["outcome"]')" itself \
    "the first named is what the others are held against"
run "$PAGODA" compare belady.rwi --model pages --policies fifo,lru --memory 12KiB
like "$out" '^  fifo +9\* +75\.000 % +77\.8 %' "a row: misses, ratio, the bound's share"
like "$out" '^  lru parts from fifo at reference 10: it keeps page 0x1 and lets go of page 0x5\.$' \
    "told in words"
run "$PAGODA" compare belady.rwi --model pages --policies fifo --memory 100%
like "$out" '^Memory of 20 KiB +5 frames, 100 % of the footprint' "a part of the footprint"
like "$out" '^  opt .* never  \(bound\)' "with room for all, nothing ever differs"

run "$PAGODA" compare @loop:pages=20,refs=400 --model pages --policies lru,working-set:tau=5 \
    --memory 100% --json
cp "$work/.out" t.json
is "$(member t.json '[(w["misses"], w["divergence"]["ref"])
    for w in r["memories"][0]["rows"][:2]]')" \
    "[(20, 0), (400, 6)]" "unless a policy gives up what it has not touched for five touches"

# Dirty pages: lru keeps the clean one and writes more back than a policy with more misses.
for ((i = 0; i < 300; i++)); do
    printf 'W %x000\nR %x000\nR 9000\n' $((i % 7 + 1)) $((i % 5 + 1))
done >dirty.rwi
run "$PAGODA" compare dirty.rwi --model pages --policies all --memory 4KiB,12KiB,20KiB --json
cp "$work/.out" d.json
is "$(member d.json 'all((m["fewer"] != "") == any(
    a["misses"] < b["misses"] and a["total_ns"] > b["total_ns"]
    for a in m["rows"] for b in m["rows"] if not a["bound"] and not b["bound"])
    for m in r["memories"])')" True "misled where, and only where, the orders differ"
is "$(member d.json 'any(m["fewer"] for m in r["memories"])')" True "which they do here"
run "$PAGODA" compare dirty.rwi --model pages --policies all --memory 4KiB,12KiB,20KiB
like "$out" '^  Fewer misses are not less time here: ' "and which the text says"

# all: every row of the table, the machine by default, numbers as replay has them.
run "$PAGODA" compare @zipf:refs=3000,pages=100,writes=0.3 --memory 30% --json
cp "$work/.out" a.json
is "$(member a.json 'sorted(w["policy"] for w in r["memories"][0]["rows"])')" \
    "$("$PAGODA" list policies --json | python3 -c 'import json, sys
print(sorted(p["name"] for p in json.load(sys.stdin)["policies"]))')" "all: the whole table"
is "$(member a.json 'r["memories"][0]["reference"] in [w["policy"]
    for w in r["memories"][0]["rows"] if w["best"]["misses"]]')" True \
    "all are held against the best"
memory=$(member a.json 'r["memories"][0]["bytes"]')
for policy in lru clock opt; do
    "$PAGODA" replay @zipf:refs=3000,pages=100,writes=0.3 --memory "$memory" --policy $policy \
        --json >one.json
    is "$(member a.json "[(w['faults'], w['writebacks'], w['total_ns'])
        for w in r['memories'][0]['rows'] if w['policy'] == '$policy'][0]")" \
        "$(member one.json "(r['counts']['faults'], r['counts']['writebacks'],
            r['prices']['total_ns'])")" "$policy: the numbers of pagoda replay"
done

# Parameters stay with their policy.
run "$PAGODA" compare belady.rwi --model pages --memory 3k \
    --policies lru,clock:load=referenced,lfu:ties=fifo --memory 12KiB --json
cp "$work/.out" p.json
is "$(member p.json '[w["policy"] for w in r["memories"][0]["rows"]]')" \
    "['lru', 'clock:load=referenced', 'lfu:ties=fifo', 'opt']" "commas in and between policies"
run "$PAGODA" compare belady.rwi --model pages --policies lru,fifo --against opt --memory 12KiB \
    --json
cp "$work/.out" o.json
is "$(member o.json 'r["memories"][0]["reference"]')" opt "--against"
run "$PAGODA" compare belady.rwi --memory 8KiB --policies fifo
exit_is 0 "a machine too small to run"
like "$out" '^  fifo +.*(out of|frames)' "is said to be that"
run "$PAGODA" compare belady.rwi --model pages --memory 12KiB,16KiB --policies fifo,lru \
    --csv out.csv
exit_is 0 "charts go to files"
like "$(cat out-miss_ratio.csv)" '^fifo,12288,0\.75$' "with the numbers"

"$PAGODA" compare @zipf:refs=3000,pages=100,writes=0.3 --memory 30% --workers 1 --json >w1.json
"$PAGODA" compare @zipf:refs=3000,pages=100,writes=0.3 --memory 30% --workers 7 --json >w7.json
is "$(cat w7.json)" "$(cat w1.json)" "threads change nothing"

refused 2 'unknown policy "lur"' "an unknown policy" "$PAGODA" compare belady.rwi --policies lur
hinted lru
refused 2 'unknown parameter|unknown .*"speed"' "an unknown parameter" \
    "$PAGODA" compare belady.rwi --policies clock:speed=3
refused 2 'lru is named twice' "a policy twice" "$PAGODA" compare belady.rwi --policies lru,fifo,lru
refused 2 'no policies' "no policy" "$PAGODA" compare belady.rwi --policies ''
refused 2 'unknown policy among those compared "clock"' "a reference that is not there" \
    "$PAGODA" compare belady.rwi --policies lru,fifo --against clock
for bad in 0% 101% -1% x% % 0; do
    refused 2 '^pagoda: --memory' "a memory of $bad" "$PAGODA" compare belady.rwi --memory "$bad"
done
refused 2 'no memory' "no memory" "$PAGODA" compare belady.rwi --memory ''
refused 2 'expected 1 to 256' "no threads" "$PAGODA" compare belady.rwi --workers 0
refused 2 'expected --policies' "--policy" "$PAGODA" compare belady.rwi --policy lru
refused 2 'expected --memory' "--frames" "$PAGODA" compare belady.rwi --frames 3
refused 2 'can be read once' "standard input" "$PAGODA" compare -
mkfifo pipe
cat belady.rwi >pipe &
refused 2 'can be read once' "a pipe" "$PAGODA" compare pipe --format rwi
hinted 'pagoda convert'
wait
refused 4 'nowhere' "a trace that is not there" "$PAGODA" compare nowhere.pgt
refused 2 'expected a trace' "no trace" "$PAGODA" compare
finish
