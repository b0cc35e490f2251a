#!/usr/bin/env bash
# cachegrind.sh - the TLBs held against an independent simulator: valgrind's cachegrind. Its caches,
# given lines of 4096 bytes, are TLBs of the same shape: sets by low bits of the page number, LRU,
# and an access that crosses a line looks up both. The same program's references, recorded without
# events (cachegrind knows no munmap), must give the same misses, to the last one. (A reference that
# crosses and misses on both sides would count once there and twice here; this program has none.)
. "${BASH_SOURCE[0]%/*}/tap.sh"

if ! command -v valgrind >/dev/null; then
    skip "no valgrind"
    finish
fi
export LC_ALL=C
program=(ls -d .)

# SHAPE...: l1 entries and ways, l2 entries and ways. The misses that each simulator counts.
compare() {
    local e1=$1 w1=$2 e2=$3 w2=$4 theirs ours
    theirs=$(valgrind --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null \
        --I1=$((e1 * 4096)),"$w1",4096 --D1=$((e1 * 4096)),"$w1",4096 \
        --LL=$((e2 * 4096)),"$w2",4096 "${program[@]}" 2>&1 >/dev/null |
        sed -n 's/,//g; s/.*\(I1\|D1\|LL\) *misses: *\([0-9]*\).*/\1 \2/p' | sort)
    ours=$("$PAGODA" replay refs.lackey --memory 1GiB --json \
        --tlb "l1i=$e1/$w1 l1d=$e1/$w1 l2=$e2/$w2" | python3 -c 'import json, sys
names = {"l1i": "I1", "l1d": "D1", "l2": "LL"}
for t in sorted(json.load(sys.stdin)["tlbs"], key=lambda t: names[t["name"]]):
    print(names[t["name"]], t["misses"])' | sort)
    is "$ours" "$theirs" "misses of $e1/$w1 and $e2/$w2 are cachegrind's"
    like "$theirs" '^D1 [1-9]' "which are not none"
}

valgrind --tool=lackey --trace-mem=yes --log-file=refs.lackey "${program[@]}" >/dev/null
[[ -s refs.lackey ]]
ok $? "the program's references are there"
compare 64 4 1536 12
compare 16 1 128 4
compare 32 32 256 2
finish
