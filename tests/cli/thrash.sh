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

# ---- detection ----

# Loops of 15 pages in 100 frames: six have room, and read nothing back. Of twelve, whoever waits
# loses its pages meanwhile to the others, and they do nothing but wait.
run "$PAGODA" thrash '@loop:refs=60k,pages=15,writes=1*12' --frames 100 --tables apart \
    --policy lru --swap ssd:depth=1 --quantum 100 --admission none --thrash-window 5ms
exit_is 0 "detection without admission"
like "$out" '^Thrashing, detected by device:high=1,low=0\.5 over windows of 5\.00 ms$' \
    "the rule and its numbers"
like "$out" '^  6 +- +- +0 +0\.000$' "six processes do not thrash"
like "$out" '^  12 +10\.0 ms +52\.[0-9]+ s +1 ' "twelve do, from the second window to the end"
like "$out" '^The swap device$' "the device has a table"
like "$out" '^Thrashing is detected with (9|10) processes first\.$' "and in words"
run "$PAGODA" thrash "$phases*12" "${machine[@]}" --degree 12 --thrash-window 5ms \
    --thrash-rule idle:high=0.6 --admission detection:window=2k --suspend largest \
    --prepage working-set --json
exit_is 0 "an admission that acts on the detection"
cp "$work/.out" d.json
is "$(member d.json '(r["detection"], r["window_ns"], r["suspend"], r["prepage"])')" \
    "('idle:high=0.6,low=0.25', 5000000, 'largest', 'working-set')" "it says by what"
is "$(member d.json '(lambda p: (
    p["admitted"]["elapsed_ns"] < 0.7 * p["free"]["elapsed_ns"],
    p["admitted"]["useful"] > 1.4 * p["free"]["useful"],
    0 < p["admitted"]["prepage_hits"] <= p["admitted"]["prepages"],
    p["admitted"]["prepages"] == sum(q["prepages"] for q in p["admitted"]["processes"]),
    all((q["suspended_ns"] > 0) == (q["suspensions"] > 0) for q in p["admitted"]["processes"]),
    p["free"]["prepages"]))(r["points"][0])')" \
    "(True, True, True, True, True, 0)" "and helps"
is "$(member d.json 'r["points"][0]["free"]["thrashing"]["first_ns"] >= 5000000')" True \
    "nothing is said before a window is over"

# Four real programs in 1 MiB, on a disk.
real=("$PAGODA_SOURCE"/traces/{gcc,ls,sqlite,python}.pgt)
run "$PAGODA" thrash "${real[@]}" --memory 1MiB --tables apart --swap hdd --degree 4 \
    --admission detection --json
exit_is 0 "four real programs"
cp "$work/.out" real.json
is "$(member real.json '(lambda p: (
    p["free"]["thrashing"]["lasted_ns"] > 0.9 * p["free"]["elapsed_ns"],
    p["admitted"]["elapsed_ns"] < 0.4 * p["free"]["elapsed_ns"],
    p["admitted"]["useful"] > 2.5 * p["free"]["useful"]))(r["points"][0])')" \
    "(True, True, True)" "thrash all the time, and are done in less than half of it with admission"

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
run "$PAGODA" thrash '@loop:pages=60,refs=6000,writes=1*2' --degree 2 --frames 20 --tables apart \
    --swap-size 40KiB --swap-slow ssd --quantum 100
like "$out" '^  of all pages the slow swap device read [0-9.]+ % and wrote [0-9.]+ %$' \
    "a slow swap device's share"
refused 2 'degrees 0 to 2' "a degree of 0" "$PAGODA" thrash '@loop:refs=10*3' --degree 0..2
refused 2 'unknown admission "working-sets"' "an unknown admission" \
    "$PAGODA" thrash @loop:refs=10 --admission working-sets
refused 2 'unknown thrashing rule "devices"' "an unknown rule" \
    "$PAGODA" thrash @loop:refs=10 --thrash-rule devices
hinted device
refused 2 'unknown way to choose whom to suspend "oldest"' "an unknown choice" \
    "$PAGODA" thrash @loop:refs=10 --suspend oldest
refused 2 'unknown way to prepage "working-sets"' "an unknown way to prepage" \
    "$PAGODA" thrash @loop:refs=10 --prepage working-sets
hinted working-set
refused 2 'thrash-window: bad time "5"' "a window without unit" \
    "$PAGODA" thrash @loop:refs=10 --thrash-window 5
refused 2 'thrash-window: a window of no time' "a window of no time" \
    "$PAGODA" thrash @loop:refs=10 --thrash-window 0ms
refused 2 'idle:high: 2 is out of range' "more than all of the time" \
    "$PAGODA" thrash @loop:refs=10 --thrash-rule idle:high=2
refused 2 'high=1 and low=2' "bounds that contradict each other" \
    "$PAGODA" thrash @loop:refs=10 --thrash-rule device:low=2
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
