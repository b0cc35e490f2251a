#!/usr/bin/env bash
# demo.sh - what `./dev demo` shows: a program's real references, in more and less memory.
#
#     PAGODA=build/pagoda docs/demo.sh [TRACE]         TRACE: the first of traces/*.pgt
#
# Each command is printed before it runs, so that it can be copied and changed. At the end a program
# of this very machine is recorded and replayed, if valgrind is there.
set -euo pipefail
cd "${BASH_SOURCE[0]%/*}/.."
pagoda=${PAGODA:-build/pagoda}
traces=(traces/*.pgt)
trace=${1:-${traces[0]}}

say() { # LINE...
    printf '\n'
    printf '# %s\n' "$@"
}

show() {
    printf '$ %s\n' "$*"
    "$@"
}

# The memory that a policy gets, and the faults that it makes of it: one line.
faults_of() { # POLICY FRAMES
    local faults
    faults=$("$pagoda" replay "$trace" --model pages --frames "$2" --policy "$1" |
        sed -n 's/^  page faults  *\([0-9,]*\).*/\1/p')
    printf '    %-16s %10s faults\n' "$1" "$faults"
}

pages=$("$pagoda" info "$trace" | sed -n 's/^  pages of 4 KiB  *\([0-9,]*\).*/\1/p' | tr -d ,)
frames=$((pages / 4))

say "What a program did to its memory: every fetch, load and store of it."
show "$pagoda" info "$trace"

say "The same in a quarter of the memory that it touched: what happened, and what it cost."
show "$pagoda" replay "$trace" --frames "$frames" --tables apart

say "Who leaves memory when it is full? The same references, $frames frames, other policies;" \
    "opt knows the future: nobody can do with fewer."
printf '$ %s replay %s --model pages --frames %d --policy NAME\n' "$pagoda" "$trace" "$frames"
for policy in random fifo clock lru opt; do
    faults_of "$policy" "$frames"
done

if command -v valgrind >/dev/null; then
    out=build/demo.pgt
    say "Now a program of this machine: recorded, then replayed on a small RISC-V board."
    printf '$ %s record -o %s -- ls /\n' "$pagoda" "$out"
    "$pagoda" record -o "$out" -- ls / >/dev/null
    show "$pagoda" replay "$out" --machine sifive-u74 --memory 512KiB
fi

say "Next: $pagoda help, and docs/architecture.md."
