#!/usr/bin/env bash
# locality.sh - `pagoda locality`: numbers that can be worked out by hand, and what it refuses.
. "${BASH_SOURCE[0]%/*}/user.sh"

# Pages 1 2 1 3 1 2: intervals 2, 2, 4; the last of 3 stands 3 from the end, of 1 2, of 2 1.
printf 'R %d000\n' 1 2 1 3 1 2 >small.rwi
run "$PAGODA" locality small.rwi --json --windows 1,2,3,4 --bins exact --memory 8KiB --periods 2
exit_is 0 "a small trace"
cp "$work/.out" s.json
# Sizes after each touch. Window 2: 1 2 2 2 2 2; 3: 1 2 2 3 2 3; 4: 1 2 2 3 3 3.
is "$(member s.json '[round(w["mean_pages"] * 6, 9) for w in r["sizes"][0]["working_set"]]')" \
    "[6.0, 11.0, 13.0, 14.0]" "sizes of working sets, added up"
is "$(member s.json '[w["misses"] for w in r["sizes"][0]["working_set"]]')" "[6, 4, 4, 3]" \
    "misses of each window"
# VMIN keeps page 1 through both intervals of 2, and with window 4 page 2 through its 4.
is "$(member s.json '[round(w["vmin_pages"] * 6, 9) for w in r["sizes"][0]["working_set"]]')" \
    "[6.0, 8.0, 8.0, 11.0]" "VMIN's"
is "$(member s.json '[(b["first"], b["count"]) for b in r["sizes"][0]["intervals"]]')" \
    "[(2, 2), (4, 1)]" "intervals, each number by itself"
is "$(member s.json '[(b["first"], b["count"]) for b in r["sizes"][0]["distances"]]')" \
    "[(1, 2), (2, 1)]" "and the different pages in them"
# lru with two frames: 1 and 2 come, 1 hits, 3 takes 2's frame, 1 hits, 2 takes 3's.
is "$(member s.json '[(p["faults"], p["firsts"]) for p in r["sizes"][0]["faults"]["periods"]]')" \
    "[(3, 3), (1, 0)]" "faults of the first four references, and of the last two"
is "$(member s.json 'r["sizes"][0]["faults"]["period_refs"]')" 4 "periods are joined two by two"
is "$(member s.json '[w["touches"] for w in r["heat"]["rows"]]')" "[[2, 1], [1, 1], [1, 0]]" \
    "touches by place and time"
is "$(member s.json '[(w["start"], w["gap"]) for w in r["heat"]["rows"]]')" \
    "[('0x1000', False), ('0x2000', False), ('0x3000', False)]" "and the places"
run "$PAGODA" locality small.rwi --json
cp "$work/.out" l.json
is "$(member l.json '[(b["first"], b["count"]) for b in r["sizes"][0]["intervals"]]')" \
    "[(2, 2), (4, 1)]" "bins from a power of two to the next"
is "$(member l.json '[w["window"] for w in r["sizes"][0]["working_set"]]')" "[1, 2, 3, 4, 5, 6]" \
    "windows up to the whole trace"

# Two page sizes from one pass; a reference over a boundary touches two pages of the small size.
printf ' L 1ffc,8\n L 5000,8\n' >cross.lackey
run "$PAGODA" locality cross.lackey --pages 4KiB,16KiB --json
cp "$work/.out" c.json
is "$(member c.json '[(s["touches"], s["pages"]) for s in r["sizes"]]')" "[(3, 3), (2, 2)]" \
    "each page size counts its own touches"
run "$PAGODA" locality cross.lackey --pages 4KiB,16KiB
like "$out" '^Working set +pages of 16 KiB' "and is told of"

spaces 1:0x1000 2:0x1000 1:0x7f0000001000 >spaces.trace
run "$PAGODA" locality spaces.trace --format cloudsuite --of heat --json
cp "$work/.out" h.json
is "$(member h.json '[(w["space"], w["gap"], sum(w["touches"])) for w in r["heat"]["rows"]]')" \
    "[(0, False, 1), (0, True, 1), (1, True, 1)]" "gaps and spaces are apart"
is "$(member h.json '(r["sizes"][0]["working_set"], r["sizes"][0]["intervals"])')" "([], [])" \
    "what is not asked for is not there"

run "$PAGODA" locality @zipf:refs=5000,pages=300 --of faults --policy opt --memory 20% --json
exit_is 0 "opt looks ahead"
cp "$work/.out" o.json
"$PAGODA" replay @zipf:refs=5000,pages=300 --model pages --policy opt \
    --memory "$(member o.json 'r["sizes"][0]["faults"]["memory_bytes"]')" --json >one.json
is "$(member o.json 'sum(p["faults"] for p in r["sizes"][0]["faults"]["periods"])')" \
    "$(member one.json 'r["counts"]["faults"]')" "and has the faults of a replay"
run bash -c "'$PAGODA' locality - --format rwi --memory 8KiB --json <small.rwi"
exit_is 0 "standard input, where one pass is enough"
is "$(sed '/"name"/d' <<<"$out")" "$("$PAGODA" locality small.rwi --memory 8KiB --json |
    sed '/"name"/d')" "says the same"
run "$PAGODA" locality small.rwi --skip 6
exit_is 0 "nothing of a trace"
run "$PAGODA" locality small.rwi --csv out.csv
exit_is 0 "charts go to files"
is "$(find . -name 'out-*.csv' | sed 's/.*out-//' | LC_ALL=C sort | tr '\n' ' ')" \
    "distances.csv faults.csv heat.csv intervals.csv size_misses.csv window_misses.csv $(
    )working_set.csv " \
    "one each"

# docs/validation.md, of the shipped traces: pages, a window, its misses, mean sizes of working set
# and VMIN, and the frames with which lru misses no more.
while IFS=' |' read -r name pages window misses set vmin lru _; do
    "$PAGODA" locality "$PAGODA_SOURCE/traces/$name.pgt" --of working-set,distances \
        --bins exact --windows "$window" --json >v.json
    is "$(member v.json '"%d %d %.2f %.2f %d" % [(s["pages"], w["misses"], w["mean_pages"],
        w["vmin_pages"], next(b["first"] + 1 for i, b in enumerate(s["distances"])
        if s["touches"] - sum(d["count"] for d in s["distances"][:i + 1]) <= w["misses"]))
        for s in r["sizes"] for w in s["working_set"]][0]')" "$pages $misses $set $vmin $lru" \
        "$name: as validation.md has it"
done < <(sed -n '/^| trace | pages | window/,/^$/s/^| \([a-z0-9]* | [0-9]\)/\1/p' \
    "$PAGODA_SOURCE/docs/validation.md")

refused 2 'unknown part "haet"' "an unknown part" "$PAGODA" locality small.rwi --of haet
hinted heat
refused 2 'names nothing' "no part" "$PAGODA" locality small.rwi --of ''
refused 2 'no page size' "no page size" "$PAGODA" locality small.rwi --pages ''
refused 2 'more than 8 page sizes' "too many of them" \
    "$PAGODA" locality small.rwi --pages "$(printf %dKiB, 4 8 16 32 64 128 256 512 1024)"
refused 2 'unknown policy "lur"' "an unknown policy" "$PAGODA" locality small.rwi --policy lur
hinted lru
refused 2 'unknown kind of bins' "unknown bins" "$PAGODA" locality small.rwi --bins log3
refused 2 'window of no touch' "a window of nothing" "$PAGODA" locality small.rwi --windows 0
for bad in 0 1 3 4098; do
    refused 2 'expected an even number' "--periods $bad" "$PAGODA" locality small.rwi --periods $bad
done
for bad in 0% 101%; do
    refused 2 'no part of a footprint' "a memory of $bad" \
        "$PAGODA" locality small.rwi --memory "$bad"
done
refused 5 'expected a power of two' "an impossible page size" \
    "$PAGODA" locality small.rwi --pages 5000
refused 5 'memory of 0 frames' "a memory of no frame" "$PAGODA" locality small.rwi --memory 100
refused 2 'can be read once' "standard input and a part of the footprint" \
    "$PAGODA" locality - --memory 50%
refused 2 'can be read once' "standard input and opt" \
    "$PAGODA" locality - --memory 8KiB --policy opt
refused 4 'nowhere' "a trace that is not there" "$PAGODA" locality nowhere.pgt
finish
