#!/usr/bin/env bash
# as_live.sh - `pagoda replay --as-live` and `pagoda advise`: by hand, refused, and held against
# unmodified programs under `pagoda live`, to the fault.
. "${BASH_SOURCE[0]%/*}/user.sh"

# counts FILE POLICY: misses, evictions and writebacks of a row.
counts() {
    member "$1" "[(w['pager']['misses'], w['pager']['evictions'], w['pager']['writebacks'])
        for w in r['rows'] if w['policy'] == '$2'][0]"
}

# Worked out by hand: 128 pages of memory, 200 in use, twice round. In order of coming each touch
# misses, and they leave by 16, an eighth of memory: 17 times, when the 129th, 145th, ... comes.
run "$PAGODA" replay @loop:pages=200,refs=400,writes=1 --as-live --memory 512KiB --ahead 0 \
    --policy fifo,mru,s3-fifo --json
exit_is 0 "several policies at once"
cp "$work/.out" rows.json
is "$(counts rows.json fifo)" "(400, 272, 272)" "a loop misses always in order of coming"
is "$(member rows.json "r['kind'], r['limit_pages'], r['depth'], r['pages'], r['touches']")" \
    "('as-live', 128, 'trace', 200, 400)" "what it was asked is said"
# Faults at 0, 1, 6, 15, 32, 65 and 98: from the 2nd on a stream brings 4, 8, 16 and then 32 pages
# along, a quarter of memory.
run "$PAGODA" replay @loop:pages=120,refs=120 --as-live --memory 512KiB --policy fifo --json
is "$(counts <(printf '%s' "$out") fifo)" "(7, 0, 0)" "a stream brings more and more along"
run "$PAGODA" replay @loop:pages=200,refs=400 --as-live --memory 512KiB --policy clock
exit_is 0 "one policy"
like "$out" '^  overruns  ' "gets all counts, with what they mean"
run "$PAGODA" replay @loop:pages=200,refs=400 --as-live --memory 512KiB --policy all
exit_is 0 "all policies"
like "$out" '^  w-tinylfu ' "are those without a future"
unlike "$out" '^  opt ' "and not opt"

run "$PAGODA" replay @loop --as-live --policy opt
exit_is 2 "a policy that reads the future"
like "$err" 'reads the future' "is refused"
run "$PAGODA" replay @loop --as-live --policy s3-fofi
like "$err" 'hint: .*s3-fifo' "a name gets a suggestion"
run "$PAGODA" replay @loop --as-live --memory 64KiB
exit_is 2 "a limit below what the pager needs"
like "$err" 'expected 128 at least' "is refused"
run "$PAGODA" replay @loop --as-live --tlb none
exit_is 2 "an option of a machine"
like "$err" '^pagoda: --tlb is of a machine' "is refused"

# What is proposed: of a loop of 400 pages all of it, for less memory helps nobody but mru.
run "$PAGODA" advise @loop:pages=400,refs=8k --policies fifo --ahead 0 --json
exit_is 0 "advise"
cp "$work/.out" advice.json
is "$(member advice.json "r['proposed']['limit_pages'], len(r['best']), r['cost']['store']")" \
    "(400, 7, 'lz4')" "proposes what the curve falls at"
run "$PAGODA" advise @loop:pages=400,refs=8k --store-cost file:load=1 --policies mru,fifo
exit_is 0 "a store's costs can be changed"
like "$out" '^Proposed: --memory [0-9]+ --policy mru --ahead ' "and the policy is the cheapest"
run "$PAGODA" advise @loop --store-cost tape
exit_is 2 "a store that nobody has measured"
like "$err" 'hint' "gets a suggestion"

# Real programs, where they can be paged.
run "$PAGODA" live --memory 64MiB --report none -- true
if ((status != 0)); then
    ok 0 "unmodified programs # skip: ${err%%$'\n'*}"
    finish
fi
awk 'BEGIN { for (i = 0; i < 2500; i++) { x = (x * 69069 + 5) % 65536
                 printf "%06d%390s\n", x, "" } }' >lines.txt

# predicted NAME PROGRAM...: from one log, every count of runs with other limits and policies.
predicted() {
    local name=$1 policy memory ahead wrong=0
    shift
    "$PAGODA" live --memory 64MiB --log "$name.pgt" --log-depth accesses --report none -- "$@" \
        >"$name.logged" || wrong=1
    while read -r policy memory ahead; do
        "$PAGODA" live --memory "$memory" --policy "$policy" --ahead "$ahead" --report json \
            -o "$name.json" -- "$@" >"$name.paged"
        cmp -s "$name.logged" "$name.paged" || wrong=2
        "$PAGODA" replay "$name.pgt" --as-live --memory "$memory" --policy "$policy" \
            --ahead "$ahead" --json >predicted.json
        [[ $(member "$name.json" "sorted(r['pager'].items())") == \
            "$(member predicted.json "sorted(r['rows'][0]['pager'].items())")" ]] || wrong=3
    done <<<"fifo 600KiB 0
s3-fifo 700KiB 256KiB
lirs 900KiB 256KiB
vms 600KiB 64KiB
2q 4MiB 256KiB"
    ((wrong == 0))
    ok $? "$name: what is predicted is what happens"
}
predicted sort sort lines.txt
predicted tac tac lines.txt
run "$PAGODA" replay sort.pgt --as-live --page 64KiB
exit_is 2 "a log has the pages that it has"
run "$PAGODA" advise sort.pgt
exit_is 0 "advice from a log"
like "$out" '^Proposed: --memory [0-9]+ --policy [^ ]+ --ahead [0-9]+$' "is a command line's"
finish
