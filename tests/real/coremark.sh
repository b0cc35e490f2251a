#!/usr/bin/env bash
# coremark.sh - CoreMark: its own checksums of lists, matrices and a state machine, equal and right.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs coremark
program coremark
n=10
[[ $size == full ]] && n=1000

# Two seeds, a third, iterations, which parts (7: all), memory in bytes.
for seeds in "0 0 0x66" "0x3415 0x3415 0x66"; do
    # shellcheck disable=SC2086 # three words
    theirs coremark $seeds "$n" 7 1 2000
    # shellcheck disable=SC2086
    ours coremark $seeds "$n" 7 1 2000
    # Times are each machine's own.
    is "$(grep crc ours.out)" "$(grep crc theirs.out)" "seeds $seeds: the checksums are equal"
    like "$(<ours.out)" '^\[0\]crcfinal +: 0x[0-9a-f]{4}' "and there are some"
    unlike "$(<ours.out)" 'ERROR.*crc' "none is another than CoreMark expects"
done
finish
