#!/usr/bin/env bash
# memory.sh - the system calls on memory: they answer what the host's kernel answers the same source,
# on machines of all kinds; what is locked stays; huge pages that are asked for; what is promised.
. "${BASH_SOURCE[0]%/*}/user.sh"

if [[ ! -r ${PAGODA_GUESTS:-}/memory_calls ]]; then
    skip "no guests: no riscv64-linux-gnu-gcc to build them"
    finish
fi

# machine NAME OPTION...: memory_calls says on it what it says natively.
machine() {
    local name=$1
    shift
    run "$PAGODA" run --root / --cwd "$PWD" --writable "$@" -- "$PAGODA_GUESTS/memory_calls"
    is "$status $(diff native.txt - <<<"$out")" "0 " "the calls answer as Linux's do: $name"
}

if [[ $(uname -s) == Linux && $(getconf PAGESIZE) == 4096 ]]; then
    timeout 20 "$PAGODA_NATIVE" >native.txt
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
finish
