#!/usr/bin/env bash
# memory.sh - the system calls on memory: they answer what the host's kernel answers the same
# source, on machines of all kinds; what is locked stays; huge pages that are asked for; a run as a
# trace; what is promised.
. "${BASH_SOURCE[0]%/*}/user.sh"

if [[ ! -r ${PAGODA_GUESTS:-}/twin_memory ]]; then
    skip "no guests: no riscv64-linux-gnu-gcc to build them"
    finish
fi

# machine NAME OPTION...: the twin says on it what it says natively.
machine() {
    local name=$1
    shift
    run "$PAGODA" run --root / --cwd "$PWD" --writable "$@" -- "$PAGODA_GUESTS/twin_memory"
    is "$status $(diff native.txt - <<<"$out")" "0 " "the calls answer as Linux's do: $name"
}

if [[ $(uname -s) == Linux && $(getconf PAGESIZE) == 4096 ]]; then
    timeout 20 "$PAGODA_NATIVE/native_memory" >native.txt
    machine "as it is"
    machine "memory is short" --memory 400KiB --swap ssd --policy lru
    machine "the caches too" --model full --cache l1=32KiB/8
    machine "nobody looks" --model none --memory 480KiB --policy fifo
    machine "hashed tables" --scheme ech --memory 512KiB --policy clock
    machine "compressed" --memory 1MiB --swap zram
else
    skip "no Linux with pages of 4 KiB to compare with"
fi

# ---- locked ----
run "$PAGODA" run --memory 512KiB --swap ssd --policy lru --report --report-to r.txt -- \
    "$PAGODA_GUESTS/locked" 200
is "$out" "$(printf 'locked pages in memory: 16\n%.0s' 1 2 3 4)" "what is locked stays"
like "$(cat r.txt)" 'locked pages at most +16 ' "and is told of"
run "$PAGODA" run -- "$PAGODA_GUESTS/locked"
is "$out" "$(cat "$PAGODA_SOURCE/tests/guests/locked.txt")" "the limits of locking"

# ---- huge pages ----
# huge OPTION...: what the guest says of huge pages that it asks for.
huge() {
    run "$PAGODA" run "$@" --memory 16MiB --json --report-to huge.json -- "$PAGODA_GUESTS/huge"
}
# counted NAME: what the last report counts so.
counted() {
    python3 -c 'import json, sys
print(json.load(open("huge.json"))["machine"]["counts"][sys.argv[1]])' "$1"
}
huge
is "$out" "$(sed -n '/^none/,/^some/p' "$PAGODA_SOURCE/tests/guests/huge.txt" | sed '1d;$d')" \
    "without huge pages none is to be had"
for how in fault advised reserve collapse; do
    huge --huge "$how" --huge-scan-touches 1000000
    is "$out" "$(sed '1,/^some/d' "$PAGODA_SOURCE/tests/guests/huge.txt")" \
        "huge pages that are asked for: $how"
    is "$(counted demotions)" 1 "one was split, where a part was unmapped: $how"
    is "$(counted huge_untouched)" 0 "none is left: $how"
done
run "$PAGODA" run --huge advised --memory 16MiB --report -- "$PAGODA_GUESTS/thrash"
unlike "$err" 'huge pages at first touch|  huge page' "who does not ask gets none"

# ---- a record ----
# same_counts: the replay counted what the run did, less what the kernel itself made, or read.
same_counts() {
    python3 - <<'PYTHON'
import json
run, replay = json.load(open("run.json"))["machine"], json.load(open("replay.json"))
a, b = run["counts"], replay["counts"]
names = """refs reads writes fetches touches tlb_hits tlb_misses tlb_upgrades miss_present
    touches_faulted walks walk_loads walk_stores walk_steps shootdowns demand_zero cow_breaks
    swap_ins evictions protects unmaps forks execs exits""".split()
wrong = [name for name in names if a[name] != b[name]]
if a["faults"] - a["kernel_faults"] != b["faults"]:
    wrong.append("faults")
if run["tlbs"] != replay["tlbs"]:
    wrong.append("tlbs")
print(*wrong)
PYTHON
}
for guest in hello stack thrash copy_on_write fork_wait; do
    run "$PAGODA" run --record r.pgt --json --report-to run.json -- "$PAGODA_GUESTS/$guest"
    "$PAGODA" replay --scheme sv39 --json r.pgt >replay.json
    is "$(same_counts)" "" "a replay of a record counts what the run did: $guest"
done
like "$("$PAGODA" info r.pgt)" 'made by pagoda run -- .*/fork_wait' "and says what it is of"
rm -f none.pgt
run "$PAGODA" run --model none --record none.pgt -- "$PAGODA_GUESTS/hello"
exit_is 2 "a record of what nobody sees"
like "$err" 'expected tlb or full' "is refused"
is "$(ls none.pgt 2>&1 | grep -c 'No such')" 1 "and leaves nothing"

# ---- what is promised ----
run "$PAGODA" run --memory 8MiB --swap-size 8MiB --overcommit never -- "$PAGODA_GUESTS/promises"
is "$out" $'half: done\nhalf: ENOMEM\nhalf, without reserve: ENOMEM\nfork: ENOMEM' \
    "no promise is broken"
run "$PAGODA" run --memory 8MiB --swap-size 8MiB --overcommit guess -- "$PAGODA_GUESTS/promises"
is "$out" $'half: done\nhalf: done\nhalf, without reserve: done\nfork: done' \
    "any single one is made"
finish
