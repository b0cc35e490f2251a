#!/usr/bin/env bash
# coremark.sh - CoreMark: its own checksums of lists, matrices and a state machine, equal and right;
# and a run whose length it chooses itself, by a clock.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs coremark
program coremark
n=10
[[ $size == full ]] && n=1000
times='^(Total |Iterations/Sec|CoreMark 1\.0|ERROR! Must execute)'

# Two seeds, a third, iterations, which parts (7: all), how many contexts, memory in bytes.
for seeds in "0x3415 0x3415 0x66" "0 0 0x66"; do
    read -ra run <<<"coremark $seeds $n 7 1 2000"
    both "seeds $seeds" "${run[@]}"
    like "$(<ours.out)" '^\[0\]crcfinal +: 0x[0-9a-f]{4}' "its checksums are there"
    unlike "$(<ours.out)" 'ERROR.*crc' "none is another than CoreMark expects"
done
squeezed "${run[@]}"

# With 0 iterations it looks for a number that takes 10 s by the clock: on a hart that takes 8 ns an
# instruction, so that 10 s are not a minute of the host's. By the same number QEMU must agree.
by_the_clock() {
    local iterations
    options+=(--instruction-ns 8)
    ours coremark 0 0 0x66 0 7 1 2000
    like "$(<ours.out)" '^Correct operation validated' "CoreMark finds its own run valid"
    iterations=$(sed -n 's/^Iterations  *: //p' ours.out)
    theirs coremark 0 0 0x66 "$iterations" 7 1 2000
    is "$(grep crc ours.out)" "$(grep crc theirs.out)" "$iterations iterations: equal checksums"
}
[[ $size == full ]] && by_the_clock
finish
