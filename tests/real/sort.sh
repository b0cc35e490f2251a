#!/usr/bin/env bash
# sort.sh - coreutils' sort: a file larger than the machine's memory, merged from temporary files.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs sort
program sort
mkdir -p world/tmp world/desk/tmp
lines=20000 buffer=512K
[[ $size == full ]] && lines=2400000 buffer=32M
awk -v n="$lines" 'BEGIN {
    for (x = 1; n-- > 0;) {
        x = x * 16807 % 2147483647
        printf "%010d line %d\n", x, n
    }
}' >world/desk/lines

both "a file of $(stat -c %s world/desk/lines) bytes" sort -S "$buffer" -T tmp -o sorted lines
LC_ALL=C sort -c ours/desk/sorted
ok $? "it is in order"
squeezed sort -S "$buffer" -T tmp -o sorted lines
both "by numbers, reversed, without doubles" sort -k 3,3n -r -u --parallel=1 lines
both "a check that fails" sort -c lines
finish
