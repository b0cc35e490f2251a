#!/usr/bin/env bash
# curve.sh - `pagoda curve`: against replays, from pipes, with any number of workers; and what it
# refuses.
. "${BASH_SOURCE[0]%/*}/user.sh"

zipf=@zipf:pages=2k,refs=60k,writes=0.3

# at POLICY WAY FRAMES: the misses in c.json.
at() {
    member c.json "[p['misses'] for c in r['curves'] if (c['policy'], c['way']) == ('$1', '$2')
        for p in c['points'] if p['frames'] == $3][0]"
}
curve() { # OPTION ...: into c.json
    run "$PAGODA" curve "$@" --json
    cp "$work/.out" c.json
}

curve "$zipf" --policies lru,opt,clock:load=referenced,fifo --frames 10,100,1k
exit_is 0 "four policies at three sizes"
for policy in lru opt clock:load=referenced fifo; do
    way=exact
    [[ $policy == lru || $policy == opt ]] || way=swept
    for n in 10 100 1000; do
        "$PAGODA" replay "$zipf" --model pages --policy $policy --frames $n --json >r.json
        is "$(at $policy $way $n)" "$(member r.json 'r["counts"]["faults"]')" \
            "$policy with $n frames misses as a replay does"
    done
done

# A TLB of n entries that is fully associative and replaces the least recently used.
curve "$zipf" --of tlb --frames 4,64
for n in 4 64; do
    "$PAGODA" replay "$zipf" --tlb l1=$n --memory 1GiB --json >r.json
    is "$(at lru exact $n)" "$(member r.json 'r["counts"]["tlb_misses"]')" \
        "a TLB of $n entries misses as that of a machine"
done

"$PAGODA" convert "$zipf" -o z.pgt >/dev/null 2>&1
for workers in 1 2 7; do
    "$PAGODA" curve z.pgt --policies lru,random,sieve,opt --pages 4KiB,64KiB --workers $workers \
        --json >w$workers.json
done
ok "$(cmp -s w1.json w2.json && cmp -s w1.json w7.json; echo $?)" \
    "the same with one worker, two and seven"
"$PAGODA" curve - --policies lru,random,sieve,opt --pages 4KiB,64KiB --json <z.pgt |
    sed 's/"name": "-"/"name": "z.pgt"/' >pipe.json
ok "$(cmp -s w1.json pipe.json; echo $?)" "the same from a pipe: nothing is read twice"

curve z.pgt --pages 4KiB,64KiB,2MiB --sizes 64KiB,25%,4MiB
is "$(member c.json '[(c["policy"], c["page_bytes"]) for c in r["curves"]]')" \
    "[('lru', 4096), ('opt', 4096), ('lru', 65536), ('opt', 65536), \
('lru', 2097152), ('opt', 2097152)]" "a curve each of policies and page sizes"
is "$(member c.json '[[p["frames"] for p in c["points"]] for c in r["curves"]][::2]')" \
    "$(member c.json "[[16, round(r['curves'][0]['pages'] / 4), 1024],
        [1, round(r['curves'][0]['pages'] / 4) // 16, 64], [2]]")" \
    "sizes are rounded down to frames; what has none is left out"

curve z.pgt --all --policies lru
is "$(member c.json '[p["misses"] for p in r["curves"][0]["points"]][-1]')" \
    "$(member c.json 'r["curves"][0]["pages"]')" "with --all down to the last"
ok $(($(member c.json 'len(r["curves"][0]["points"])') > 300 ? 0 : 1)) "in every step"

run "$PAGODA" curve @loop:pages=600,refs=30k
exit_is 0 "a loop"
like "$out" '^ +2\.3 MiB +599 +100\.000 % +' "its knee has a row: with a page less all is missed"
like "$out" '^ +2\.3 MiB +600 +2\.000 % +2\.000 %' "and with all of them nothing but the first"
like "$out" 'o\* lru|\* lru' "and there is a chart"
run "$PAGODA" curve @loop:pages=3k,refs=300k --shards 0.02 --error
like "$out" 'Sampled.* a rate of 0\.02; off by 0\.00[01]' "a sample of a loop is right"
curve @zipf:pages=50k,refs=500k --shards-size 2k --error
is "$(member c.json '[c["pages_sampled"] <= 2000 and c["error_mean"] < 0.02
    for c in r["curves"] if c["way"] == "sampled"]')" "[True]" \
    "a sample of 2,000 pages at most is near"
run "$PAGODA" curve "$zipf" --csv c.csv
exit_is 0 "its data as CSV"
like "$(head -1 c.csv)" '^series,x,y' "with a head"

# ---- refusals ----

refused 2 'expected a trace' "no trace" "$PAGODA" curve
refused 2 'unknown policy "clok"' "a policy that is none" "$PAGODA" curve "$zipf" -p lru,clok
hinted '.*clock'
refused 2 'policy unopt reads the future' "another that looks ahead" \
    "$PAGODA" curve "$zipf" -p unopt
refused 2 'policy lru is named twice' "one policy twice" "$PAGODA" curve "$zipf" -p lru,lru
refused 2 'a sample tells of lru only' "a sample of clock" \
    "$PAGODA" curve "$zipf" --shards 0.1 -p clock
refused 2 'the curve of a TLB is lru' "a TLB of opt" "$PAGODA" curve "$zipf" --of tlb -p opt
for rate in 0 1.5 -1 x; do
    refused 2 '^pagoda: --shards' "a rate of $rate" "$PAGODA" curve "$zipf" --shards $rate
done
refused 2 'a fixed rate or a fixed size' "both samples" \
    "$PAGODA" curve "$zipf" --shards 0.1 --shards-size 100
refused 2 'a sample of 3 pages: expected 16' "a sample of three" \
    "$PAGODA" curve "$zipf" --shards-size 3
refused 2 'no error without a sample' "an error of nothing" "$PAGODA" curve "$zipf" --error
refused 2 'both say at which sizes' "two lists of sizes" \
    "$PAGODA" curve "$zipf" --frames 3 --sizes 4MiB
refused 5 'memory of 0 frames' "no frame" "$PAGODA" curve "$zipf" --frames 0
refused 5 'memory of 0 frames of 4096 bytes' "less than a frame" "$PAGODA" curve "$zipf" --sizes 1K
refused 5 'expected 1 to 1073741822' "too many frames" "$PAGODA" curve "$zipf" --frames 2000M
refused 2 'no part of a footprint' "more than the footprint" \
    "$PAGODA" curve "$zipf" --sizes 120%
refused 2 'a TLB has entries' "bytes of a TLB" "$PAGODA" curve "$zipf" --of tlb --sizes 4KiB
refused 5 'page size of 3000 bytes' "a page of 3000" "$PAGODA" curve "$zipf" --pages 4KiB,3000
refused 2 'is named twice' "one page size twice" "$PAGODA" curve "$zipf" --pages 4KiB,4096
refused 2 'unknown --of "tbl"' "of what" "$PAGODA" curve "$zipf" --of tbl
hinted '.*tlb'
refused 2 'expected 1 to 256' "no worker" "$PAGODA" curve "$zipf" --workers 0
# Three address spaces in turn: policies that know processes are swept as they are replayed.
mapfile -t touches < <(python3 -c 'import random
random.seed(7)
print(*("%d:%#x" % (1 + i // 50 % 3, random.randrange(12) << 12) for i in range(3000)), sep="\n")')
spaces "${touches[@]}" >m.trace
"$PAGODA" curve m.trace --format cloudsuite --policies pff:interval=20,working-set:tau=20 \
    --frames 36 --json >m.json
for policy in pff:interval=20 working-set:tau=20; do
    "$PAGODA" replay m.trace --format cloudsuite --model pages --frames 36 \
        --policy "$policy" --json >p.json
    is "$(member m.json "[p['misses'] for c in r['curves'] if c['policy'] == '$policy'
        for p in c['points'] if p['frames'] == 36]")" \
        "[$(member p.json 'r["counts"]["demand_zero"] + r["counts"]["swap_ins"]')]" \
        "a swept $policy is a replayed one, of three processes"
done
finish
