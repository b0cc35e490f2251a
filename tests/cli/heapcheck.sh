#!/usr/bin/env bash
# heapcheck.sh - `pagoda heapcheck`: each common mistake is found, with its place and its block's;
# programs without mistakes have none.
. "${BASH_SOURCE[0]%/*}/user.sh"

if ldd "$PAGODA_MISTAKES" | grep -q libasan; then
    skip "sanitizers have a malloc of their own"
    finish
fi

# finds MISTAKE KIND PLACE ...: a program that makes it is told of it alone, with these lines.
finds() {
    local mistake=$1 kind=$2 line
    shift 2
    run "$PAGODA" heapcheck -- "$PAGODA_MISTAKES" "$mistake"
    exit_is 99 "$mistake"
    is "$(grep -oE '^[a-z_]+: ' <<<"$err")" "$kind: " "it is $kind, and nothing else"
    for line; do
        like "$err" "$line" "with $line"
    done
}
allocated='the block was allocated by|^ +mistakes[^ ]* \(get\+'
finds overflow overflow '^    0 bytes behind the end of a block of 1600$' 'write$' \
    'mistakes[^ ]* \(main\+' "$allocated"
finds over-read overflow 'read$'
finds pad overwritten '^    0 bytes behind the end of a block of 13$' 'mistakes[^ ]* \(main\+'
finds before overwritten '^    1 bytes before a block of 13$'
finds after use_after_free '^    byte 3 of a block of 13$' 'and freed by' "$allocated"
finds stale use_after_free '^    byte 0 of a block of 13$'
finds twice free_twice '^    byte 0 of a block of 13$' 'and freed by'
like "$out" '^done$' "after which the program goes on"
finds inside free_inside '^    byte 4 of a block of 13$'
finds stranger free_stranger '^    at 0x'
finds many overwritten '^    0 bytes behind the end of a block of 199$' \
    'had no pages of their own: writes beside these are seen late'
finds leak leak '^    3000 bytes in 3 blocks$' '\(lose\+'
is "$(grep -c reachable <<<"$err")" 0 "what is pointed to is no leak"
run "$PAGODA" heapcheck --reachable -- "$PAGODA_MISTAKES" leak
like "$err" '^reachable: ' "but can be asked for"

run "$PAGODA" heapcheck -- "$PAGODA_MISTAKES"
exit_is 0 "a program without mistakes"
like "$err" '; 0 mistakes$' "has none"
run "$PAGODA" heapcheck -- "$PAGODA_ALLOCATE"
is "$out" fine "all of malloc works meanwhile"
for program in "sort -r $PAGODA_TESTS/cli/tap.sh" "ls -lR $PAGODA_TESTS/cli" \
    "bash -c 'echo {1..99}'"; do
    eval "run $program"
    plain=$out
    eval "run '$PAGODA' heapcheck -- $program"
    is "$out" "$plain" "${program%% *} says the same"
    like "$err" '(0 mistakes|^leak: )' "and makes no mistake but leaks"
    is "$(grep -cE '^(over|under|use|wild|free)' <<<"$err")" 0 "truly none"
done

run "$PAGODA" heapcheck --json --report-to found.json -- "$PAGODA_MISTAKES" twice
is "$(member found.json 'r["kind"], [(f["kind"], len(f["freed"]) > 1) for f in r["findings"]]')" \
    "('heapcheck', [('free_twice', True)])" "JSON has it, too"
refused 2 'which program' "no program" "$PAGODA" heapcheck
refused 3 'cannot be run' "one that is not there" "$PAGODA" heapcheck -- ./nothing
finish
