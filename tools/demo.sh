#!/usr/bin/env bash
# demo.sh - what `./dev demo` shows: a real program's references, in more and in less memory, under two
# policies; every command is printed before it runs, so that it can be copied and changed.
#
#     PAGODA=build/pagoda tools/demo.sh [TRACE]
#
# Without TRACE it records a program of this machine; where valgrind is missing, a shipped trace
# stands in.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."
pagoda=${PAGODA:-build/pagoda}

say() { # LINE...
    printf '\n'
    printf '# %s\n' "$@"
}

show() { # COMMAND...
    printf '$ %s\n' "$*"
    "$@"
}

# One replay: its faults, writebacks and effective access time in a line of the table.
summary() { # FRAMES POLICY
    "$pagoda" replay "$trace" --frames "$1" --policy "$2" --json |
        python3 -c 'import json, sys
r = json.load(sys.stdin)
c = r["counts"]
print("  %6d  %-8s %10d %10d %12d   %10.1f ns" % (r["frames"], sys.argv[1], c["faults"],
      c["swap_ins"] + c["file_ins"], c["writebacks"], r["prices"]["access_ns"]))' "$2"
}

trace=${1:-}
if [[ -z $trace ]] && command -v valgrind >/dev/null; then
    trace=build/demo.pgt
    say "Record what a program of this machine does to memory: each fetch, load, store, mmap."
    printf '$ %s record -o %s -- ls -l /\n' "$pagoda" "$trace"
    LC_ALL=C "$pagoda" record -o "$trace" -- ls -l / >/dev/null
elif [[ -z $trace ]]; then
    trace=traces/ls.pgt
    say "valgrind is not here, so that nothing can be recorded; $trace was recorded elsewhere."
fi

say "What is it like?"
show "$pagoda" info "$trace"

pages=$("$pagoda" info "$trace" --json | python3 -c 'import json, sys; print(json.load(sys.stdin)["pages_4k"])')
half=$((pages / 2)) most=$((pages * 3 / 4))

say "In half the memory that it touches, on an x86-64 with two levels of TLBs:"
show "$pagoda" replay "$trace" --frames "$half" --policy clock

say "Two policies, two sizes (pagoda replay $trace --frames N --policy P); opt knows the future," \
    "and nobody can do with fewer faults:"
printf '  frames  policy       faults      major   writebacks  a reference\n'
for frames in "$half" "$most"; do
    for policy in clock lru opt; do
        summary "$frames" "$policy"
    done
done

say "Next: $pagoda help; docs/architecture.md says how it is made."
