#!/usr/bin/env bash
# heapcheck_guests.sh - `pagoda heapcheck` of RISC-V programs: each mistake is found, exactly, where
# it is made, however the program was compiled; programs without mistakes have none.
. "${BASH_SOURCE[0]%/*}/user.sh"

if [[ ! -r ${PAGODA_GUESTS:-}/heap_mistakes ]]; then
    skip "no guests: no riscv64-linux-gnu-gcc to build them"
    finish
fi

check() { run "$PAGODA" heapcheck "$@"; }

# finds MISTAKE KIND LINE ...: the guest that makes it is told of it alone, with these lines, in
# this order; both as it was written and optimised.
finds() {
    local mistake=$1 kind=$2 guest line rest
    shift 2
    for guest in heap_mistakes heap_mistakes_fast; do
        check -- "$PAGODA_GUESTS/$guest" "$mistake"
        exit_is 99 "$guest $mistake"
        is "$(grep -oE '^[a-z_]+: ' <<<"$err")" "$kind: " "it is $kind, and nothing else"
        like "$out" '^done$' "and goes on"
        rest=$err
        for line; do
            like "$rest" "$line" "with $line"
            rest=$(grep -A99 -m1 -E "$line" <<<"$rest" | tail -n +2)
        done
    done
}
in_get='the block was allocated by' get='^ +heap_mistakes[^ ]* \(get\+'
at() { printf '^ +heap_mistakes[^ ]* \(%s\+' "$1"; }

# frames N: the functions that the mistake was made in, innermost first.
frames() {
    sed -n '/^    found in/,/^    the block/s/.*(\([^+]*\)+.*/\1/p' <<<"$err" | head -n "$1" |
        paste -sd' '
}

# ---- places ----
finds overflow overflow '^    0 bytes behind the end of a block of 13$' 'write$' 'found in' \
    "$(at write_at)" "$(at overflow)" "$(at main)" "$in_get" "$get" "$(at overflow)"
finds over-read overflow '^    0 bytes behind the end of a block of 13$' 'read$' "$(at read_at)"
finds underflow underflow '^    1 bytes before a block of 13$' 'write$' "$(at write_at)"
finds word overflow '^    0 bytes behind the end of a block of 6$' 'read$' "$(at word_over_the_end)"
finds after use_after_free '^    byte 3 of a block of 13$' 'read$' "$(at read_at)" "$in_get" \
    "$get" 'and freed by' "$(at put)" "$(at after)"
finds after-realloc use_after_free '^    byte 0 of a block of 13$' 'write$' "$(at write_at)" \
    'and freed by' "$(at after_realloc)"
finds empty overflow '^    0 bytes behind the end of a block of 0$' "$(at write_at)"

# ---- functions of strings, and the kernel ----
finds string overflow '^    0 bytes behind the end of a block of 5$' 'write$' "$(at strcpy)" \
    "$(at string_too_long)"
finds endless overflow '^    0 bytes behind the end of a block of 8$' 'read$' "$(at strlen)" \
    "$(at string_without_end)"
finds copy overflow '^    0 bytes behind the end of a block of 9$' 'read$' "$(at '_*memcpy')" \
    "$(at copy_too_much)"
finds source overflow '^    0 bytes behind the end of a block of 5$' 'read$' "$(at strcpy)" \
    "$(at string_from_nowhere)"
finds everything overflow '^    0 bytes behind the end of a block of 20$' 'write$' "$(at memset)" \
    "$(at clear_everything)"
finds call overflow '^    0 bytes behind the end of a block of 4$' 'write$' "$(at '[_a-z]*read')" \
    "$(at call_writes_behind)"

# ---- frees ----
finds twice free_twice '^    byte 0 of a block of 13$' 'found in' "$(at put)" \
    "$in_get" "$get" 'and freed by' "$(at put)"
finds inside free_inside '^    byte 4 of a block of 13$' "$(at put)" "$(at inside)"
finds stranger free_stranger '^    at 0x' "$(at put)"

# ---- leaks ----
finds leak leak '^    3000 bytes in 3 blocks$' "$get" "$(at lose_quietly)" "$(at leak)"
check --reachable -- "$PAGODA_GUESTS/heap_mistakes" leak
like "$(grep -A1 '^reachable: ' <<<"$err")" '^    50 bytes in 1 blocks$' \
    "what is pointed to can be asked for"

# ---- what was never written ----
finds branch uninitialised '^    byte 8 of a block of 16$' 'a branch or a comparison' \
    "$(at branch)" "$in_get" "$(at branch)"
finds address uninitialised '^    byte 1 of a block of 4$' 'where an access goes' "$(at address)" \
    "$in_get" "$get"
finds jump uninitialised '^    byte 0 of a block of 8$' 'where a jump goes' "$(at jump)"
finds argument uninitialised '^    byte 0 of a block of 8$' 'an argument of' \
    "$(at '[_a-z]*malloc')" "$get" "$(at argument)"
finds told uninitialised '^    byte 7 of a block of 8$' 'a system call' "$(at '[_a-z]*write')" \
    "$(at told)"
finds compared uninitialised '^    byte 4 of a block of 8$' 'a branch or a comparison' \
    "$(at '[_a-z]*memcmp')" "$(at compared)"
finds double uninitialised '^    byte 8 of a block of 16$' 'a branch or a comparison' \
    "$(at conditional_single)"
is "$(frames 2)" 'conditional_single main' "no call that has returned is in its stack"

# ---- in others ----
finds child use_after_free '^    byte 0 of a block of 13$' 'thread 2, read$' "$(at in_child)"
is "$(frames 3)" 'read_at in_child main' "a child has the calls of its parent"
finds thread overflow '^    0 bytes behind' 'thread 2, write$' "$(at write_at)" "$(at thread_body)"
finds handler overflow '^    0 bytes behind' 'thread 1, write$' "$(at write_at)" "$(at in_handler)"

finds leap overflow '^    0 bytes behind' "$(at write_at)" "$(at after_a_leap)" "$(at main)"
unlike "$err" '\(leap\+' "calls that a longjmp ended are in no stack"

# ---- none ----
for guest in heap_mistakes heap_mistakes_fast; do
    check -- "$PAGODA_GUESTS/$guest"
    exit_is 0 "$guest without a mistake"
    like "$err" '; 0 mistakes$' "has none"
    is "$out" $'sorted\n10 is ten 2.5\ndone' "and says what it would"
done
for guest in "$PAGODA_SOURCE"/guests/expected/*.txt; do
    name=${guest##*/}
    name=${name%.txt}
    [[ $name == thrash ]] && continue # many references, and no block
    check --root / --cwd "$PWD" --writable --report-to report.txt -- "$PAGODA_GUESTS/$name"
    said="${out:+$out$'\n'}status $status"
    is "$said" "$(cat "$guest")" "$name says the same, and ends the same"
    like "$(cat report.txt)" '; 0 mistakes$' "and makes no mistake"
done

# ---- what cannot be seen ----
riscv64-linux-gnu-strip -o bare "$PAGODA_GUESTS/heap_mistakes"
check -- ./bare overflow
exit_is 0 "a file without symbols is run"
like "$err" '^1 programs ran unchecked: .* no symbols of malloc and free' "and said to be unchecked"

check --json --report-to found.json -- "$PAGODA_GUESTS/heap_mistakes" branch
is "$(member found.json '[(f["kind"], f["use"], f["process"]) for f in r["findings"]]')" \
    "[('uninitialised', 'branch', 1)]" "JSON has it, too"
refused 3 'No such file' "one that is not there" "$PAGODA" heapcheck --root . -- /nothing

# ---- programs that are not ours ----
real=${PAGODA_REAL:-${XDG_CACHE_HOME:-$HOME/.cache}/pagoda/real}
if [[ -x $real/lua ]]; then
    echo 'local t = {} for i = 1, 300 do t[i] = {("x"):rep(i), i / 3} end
        table.sort(t, function(a, b) return a[2] > b[2] end) print(#t, t[1][2])' >some.lua
    check -- "$real/lua" some.lua
    is "$out" $'300\t100.0' "Lua computes"
    like "$err" '; 0 mistakes$' "without a mistake"
fi
if [[ -x $real/sqlite ]]; then
    check -- "$real/sqlite" :memory: 'create table t(a, b); insert into t values (1, "x"), (2, "y");
        create index i on t(b); select sum(a), max(b) from t where b > "a";'
    is "$out" '3|y' "SQLite answers"
    like "$err" '; 0 mistakes$' "without a mistake"
fi
if [[ -x $real/busybox ]]; then
    mkdir -p root/bin
    cp "$real/busybox" root/bin/busybox
    for name in sh awk sed sort grep tar gzip gunzip; do
        ln -sf busybox "root/bin/$name"
    done
    printf 'one\ntwo\nthree\n' >root/words
    check --root root -- /bin/sh -c '
        sort /words | sed s/o/0/ | awk "{n += length(\$1)} END {print n}"
        tar c -C / words | gzip | gunzip | tar t
        for i in 1 2; do case $i in 2) echo "${i}nd";; esac; done'
    is "$out" $'11\nwords\n2nd' "a shell and what it starts work"
    is "$(grep -E '^[a-z_]+: ' <<<"$err" | grep -v '^leak: ')" '' "and make no mistake but leaks"
fi
finish
