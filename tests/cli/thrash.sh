#!/usr/bin/env bash
# thrash.sh - `pagoda thrash`: the figure, what it is told by, and what it refuses.
. "${BASH_SOURCE[0]%/*}/user.sh"

# Sets of 15 pages, 8 of them in turn: 120 pages a process, of which memory holds 100 and all sets
# of six processes. The drive has four requests under way.
machine=(--frames 100 --tables apart --policy lru --swap ssd:depth=4 --quantum 500)
phases=@phases:refs=60k,pages=15,phase=2k,sets=8

run "$PAGODA" thrash "$phases*12" "${machine[@]}" --admission working-set:window=2k --json
exit_is 0 "twelve copies of a workload"
cp "$work/.out" t.json
is "$(member t.json '[p["degree"] for p in r["points"]]')" \
    "[1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]" "one point a degree"
is "$(member t.json '(r["best"], r["thrashes"])')" "(4, 10)" "where it is best, where it thrashes"
is "$(member t.json '[p["free"]["useful"] > 0.35 for p in r["points"]][3]')" True \
    "the processor is used more with four processes"
is "$(member t.json 'all(p["admitted"]["useful"] > 0.2 for p in r["points"][1:])')" True \
    "with admission it is used on"
is "$(member t.json 'sum(q["refs"] for q in r["points"][11]["free"]["processes"])')" 720000 \
    "every process does all its references"
is "$(member t.json 'r["points"][11]["admitted"]["admitted_max"] < 12')" True \
    "some processes wait outside"
is "$(member t.json 'all(q["suspensions"] == 0 for p in r["points"]
    for q in p["free"]["processes"])')" \
    True "nobody is suspended without admission"
run "$PAGODA" thrash "$phases*12" "${machine[@]}" --degree 3..5 --admission none
exit_is 0 "some degrees, without admission"
like "$out" '^  4 +42\.[0-9]+ %' "a row a degree"
unlike "$out" 'working-set' "no second run"
like "$out" '^The processor works most with 4 processes at once' "a verdict"
run "$PAGODA" thrash "$phases" @loop:refs=5k,pages=30,writes=0.5 "${machine[@]}" --degree 2 \
    --admission fixed:n=1
exit_is 0 "two programs, one after the other"
like "$out" '^  2 +5,000 ' "a row a process"

# A quantum of time: with nothing to wait for, each process has the processor as long as the other.
run "$PAGODA" thrash '@loop:refs=50k,pages=20*2' --frames 100 --quantum 0.1ms --degree 2 \
    --admission none --json
exit_is 0 "a quantum of time"
cp "$work/.out" q.json
is "$(member q.json '(r["quantum"], r["quantum_ns"])')" "(0, 100000)" "told as time"
is "$(member q.json '[38 <= q["dispatches"] <= 44 for q in r["points"][0]["free"]["processes"]]')" \
    "[True, True]" "4 ms of references are 40 turns"

# ---- files ----
run "$PAGODA" thrash "$phases*2" "${machine[@]}" --csv t.csv
exit_is 0 "charts as files"
like "$(cat t-utilisation.csv)" 'all at once,1,' "use of the processor as numbers"
[[ -s t-throughput.csv && -s t-faults.csv ]]
ok $? "and the other two"
"$PAGODA" convert @loop:refs=2k,pages=40 -o l.pgt >/dev/null
run "$PAGODA" thrash 'l.pgt*3' l.pgt --frames 20
exit_is 0 "a file several times"

# ---- what is refused ----
printf ' L 1000,8\n M 2ffc,8\n' >crossing.lackey
refused 2 'expected traces' "no traces" "$PAGODA" thrash
refused 2 'quantum of 0' "a quantum of 0" "$PAGODA" thrash @loop --quantum 0
refused 2 'quantum of 0' "no time" "$PAGODA" thrash @loop --quantum 0ms
refused 2 '--quantum: bad time "10 xs": expected a number with its unit' \
    "a unit that is none" "$PAGODA" thrash @loop --quantum '10 xs'
refused 2 '--quantum: time "0.5ns" is not a whole number of nanoseconds' "half a nanosecond" \
    "$PAGODA" thrash @loop --quantum 0.5ns
refused 2 'expected 1 to 64 processes' "too many processes" "$PAGODA" thrash '@loop*65'
refused 2 'expected 1 to 64 processes' "no copies" "$PAGODA" thrash '@loop*0'
refused 2 'degrees 2 to 5: expected some of 1 to 3' "a degree beyond" \
    "$PAGODA" thrash '@loop:refs=10*3' --degree 2..5
refused 2 'degrees 0 to 2' "a degree of 0" "$PAGODA" thrash '@loop:refs=10*3' --degree 0..2
refused 2 'unknown admission "working-sets"' "an unknown admission" \
    "$PAGODA" thrash @loop:refs=10 --admission working-sets
refused 2 'high=1 and low=2' "bounds that contradict each other" \
    "$PAGODA" thrash @loop:refs=10 --admission fault-rate:low=2
refused 2 'policy opt cannot know the future' "a policy that looks ahead" \
    "$PAGODA" thrash @loop:refs=10 --policy opt
refused 2 'model pages has no time' "a model without time" \
    "$PAGODA" thrash @loop:refs=10 --model pages
refused 2 'standard input: it is read 4 times' "standard input, four times" \
    "$PAGODA" thrash - @loop:refs=10 --format lackey
refused 5 'crossing.lackey: reference 2 reaches into 2 pages, and memory has 1 frames' \
    "a memory that one reference does not fit in" \
    "$PAGODA" thrash crossing.lackey --frames 1 --tables apart
mkfifo pipe
printf 'R 1000\n' >pipe &
refused 2 'pipe: it is read 2 times' "a pipe, twice" \
    "$PAGODA" thrash pipe @loop:refs=10 --degree 1 --format rwi
wait
finish
