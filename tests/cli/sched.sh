#!/usr/bin/env bash
# sched.sh - `pagoda sched`: the chart, the times, each decision, and what is refused.
. "${BASH_SOURCE[0]%/*}/user.sh"

run "$PAGODA" sched --jobs 0:100,0:10,0:10 --policy fifo,sjf,rr:quantum=5
exit_is 0 "three schedulers"
like "$out" '^  fifo +70\.00 +110\.00 +70\.00 ' "the mean turnaround of fifo: 110"
like "$out" '^  sjf +10\.00 +50\.00 ' "of shortest job first: 50"
like "$out" '^  cpu 0  A+B+C+$' "a chart of fifo"
like "$out" '^  cpu 0  B+C+A+$' "and of sjf"
like "$out" '^         0 +20 +40 ' "with times below"

run "$PAGODA" sched --jobs 0:5,0:3 --quantum 2
exit_is 0 "round robin is what there is without --policy"
like "$out" '^  cpu 0  AABBAABA$' "a letter a unit of time"
like "$out" '^  mean +1\.00 +7\.50 +3\.50$' "means of response, turnaround, waiting"
run "$PAGODA" sched --jobs 0:4,0:4 --quantum 2 --switch-cost 1
like "$out" '^  cpu 0  AA~BB~AA~BB$' "switches take time"
run "$PAGODA" sched --jobs 0:4,0:4 --quantum 6 --tick 3 --policy rr:quantum=2
like "$out" '^  cpu 0  AAABBBAB$' "slices end with the timer's interrupts"
run "$PAGODA" sched --jobs 2:3:name=editor,9:1 --policy fifo
like "$out" '^  cpu 0  AAA\.\.\.\.B$' "an idle processor"
like "$out" '^  A editor +2 +3 +0 +3 ' "a job with a name"
run "$PAGODA" sched --jobs 0:30:set=50 --cache 100 --warmup 10 --warm-rate 2
like "$out" 'for jobs 100\.00 %, warm  50\.00 %' "a warm job works at twice the rate"
like "$out" 'all done at 20,' "and ends the sooner"
run "$PAGODA" sched --jobs 0:6,0:8,0:6,0:8 --cpus 2 --quantum 2 --policy mqms:peek=0
like "$out" '^  cpu 0  AACCAACCAACC\.\.\.\.$' "a queue for each processor"

# ---- decisions ----
run "$PAGODA" sched --jobs 0:18,5:2 --policy mlfq:boost=20 --trace
exit_is 0 "decisions"
like "$out" '^ +0 +A arrives$' "who comes"
like "$out" '^ +10  cpu 0   B runs: it is the first of the highest queue \(since 5, queue 2, left' \
    "who runs, and why"
like "$out" '^ +12  cpu 0   B ends$' "who ends"
run "$PAGODA" sched --jobs 0:2:tickets=75,0:2:tickets=25 --policy lottery --quantum 1 \
    --draws 63,185,70 --trace
like "$out" 'B runs: it holds the winning ticket \(since 0, ticket 85, of 100, tickets 25\)' \
    "numbers that are given are drawn"
run "$PAGODA" sched --jobs 0:8:io=3/2,1:2 --policy stcf --trace --json
cp "$work/.out" t.json
is "$(member t.json '" ".join("%d:%s" % (v["at"], v["kind"])
    for v in r["results"][0]["events"][:8])')" \
    "0:arrives 0:runs 1:arrives 3:blocks 3:runs 5:ends 5:wakes 5:runs" "as JSON"
is "$(member t.json '[(s["job"], s["start"], s["end"]) for s in r["results"][0]["spans"]]')" \
    "[(0, 0, 3), (1, 3, 5), (0, 5, 8), (0, 10, 12)]" "and the chart"

# ---- jobs from elsewhere ----
printf '# two jobs\n0:5\n\n0:3:nice=5 # polite\n' >two.jobs
run "$PAGODA" sched two.jobs --quantum 2
exit_is 0 "a file"
like "$out" '^  cpu 0  AABBAABA$' "is the same"
run "$PAGODA" sched two.jobs --jobs 3:1 --policy fifo
like "$out" '^  cpu 0  AAAAABBBC$' "a file, and more"
run "$PAGODA" sched --random 40 --seed 3 --cpus 3 --io 50 --gap 9 --policy stcf,cfs --json
cp "$work/.out" one.json
run "$PAGODA" sched --random 40 --seed 3 --cpus 3 --io 50 --gap 9 --policy stcf,cfs --json
cmp -s one.json "$work/.out"
ok $? "the same seed gives the same bytes"
is "$(member one.json 'len(r["jobs"])')" 40 "jobs by chance"
is "$(member one.json '{sum(j["ran"] for j in q["jobs"]) == sum(j["run"] for j in r["jobs"])
    for q in r["results"]}')" "{True}" "all of which have all that they need"
run "$PAGODA" sched --jobs 0:5,0:3 --policy rr,fifo --csv g.csv --html g.html
exit_is 0 "charts as files"
[[ -s g-gantt1.csv && -s g-gantt2.csv && -s g.html ]]
ok $? "one for each scheduler"

# ---- what is refused ----
refused 2 'no jobs: expected --jobs, --random or a file' "no jobs" "$PAGODA" sched
hinted '--jobs 0:8'
refused 2 '^pagoda: unknown scheduler "rrr"' "a misspelt scheduler" \
    "$PAGODA" sched --jobs 0:1 --policy rrr
hinted '"rr"'
refused 2 'unknown parameter "quantm"|quantm' "a misspelt parameter" \
    "$PAGODA" sched --jobs 0:1 --policy rr:quantm=2
hinted 'quantum'
refused 2 '^pagoda: unknown option "--polcy"' "a misspelt option" \
    "$PAGODA" sched --jobs 0:1 --polcy rr
refused 2 '^pagoda: --jobs: job "0:x": bad run time "x": expected 1 to ' "a bad job" \
    "$PAGODA" sched --jobs 0:1,0:x
refused 2 'unknown key of a job "tickts"' "a misspelt key" "$PAGODA" sched --jobs 0:1:tickts=4
hinted '"tickets"'
printf '0:5\n0:5:nice=99\n' >bad.jobs
refused 3 '^pagoda: bad\.jobs:2: job "0:5:nice=99": bad nice "99": expected -20 to 19' \
    "a bad line" "$PAGODA" sched bad.jobs
refused 4 'missing.jobs: No such file' "no such file" "$PAGODA" sched missing.jobs
refused 2 'may run on none of the processors: expected one of 0 to 1' "nowhere to run" \
    "$PAGODA" sched --jobs 0:5:cpus=2 --cpus 2
refused 2 '65 processors: expected 1 to 64' "too many processors" \
    "$PAGODA" sched --jobs 0:5 --cpus 1000
refused 2 'a quantum of 10 with a timer of 3: expected a multiple' "a timer out of step" \
    "$PAGODA" sched --jobs 0:5 --tick 3
refused 2 'mlfq: quantum has 2 values: expected one, or one for each of 3' "a queue too few" \
    "$PAGODA" sched --jobs 0:5 --policy mlfq:queues=3,quantum=1+2
refused 2 '101 percent' "more than all" "$PAGODA" sched --random 5 --io 101
refused 2 'warm-rate 0: expected 1' "no work at all" "$PAGODA" sched --jobs 0:5 --warm-rate 0
refused 2 'draws' "a draw that is no number" "$PAGODA" sched --jobs 0:5 --draws 1,x
finish
