#!/usr/bin/env bash
# cachegrind.sh - the TLBs and the first level of caches held against an independent simulator:
# valgrind's cachegrind. Its caches, given lines of 4096 bytes, are TLBs of the same shape: sets by
# low bits of the page number, LRU, and an access that crosses a line looks up both. The same
# program's references, recorded without events (cachegrind knows no munmap), must give the same
# misses, to the last one. (A reference that crosses and misses on both sides would count once there
# and twice here; this program has none that crosses pages so.)
#
# As caches they have lines of 64 bytes, which many references cross. There a few lines of Python
# count both ways: the misses of lines must be ours, those of references cachegrind's. Its caches
# are virtual, ours vipt, which is the same where no two pages share a frame; walks pass ours by.
# Further levels cannot be the same: cachegrind's dirty lines stay where they are.
. "${BASH_SOURCE[0]%/*}/tap.sh"

if ! command -v valgrind >/dev/null; then
    skip "no valgrind"
    finish
fi
program=(ls -d .)

# One run is held against another, which must make the same references. Under valgrind addresses are
# the same in every run, but one thing is not: the 16 random bytes that a process is given at its
# start (AT_RANDOM) lie behind the last string of its environment. That is LD_PRELOAD, which
# valgrind adds; the dynamic loader cuts it up by strcspn, which looks at four bytes at once and so
# at up to three behind the string's end, each an index into a table on the stack: three loads went
# to other lines each time. To an LD_PRELOAD that is there valgrind adds its own, and what lies
# behind that one is known.
under=(env -i PATH="$PATH" LC_ALL=C LD_PRELOAD='' END=1 valgrind)

# SHAPE...: l1 entries and ways, l2 entries and ways. The misses that each simulator counts.
compare() {
    local e1=$1 w1=$2 e2=$3 w2=$4 theirs ours
    theirs=$("${under[@]}" --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null \
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

# SHAPE...: bytes, ways and line of each side.
compare_caches() {
    local shape=$1,$2,$3 cache=$1/$2:vipt:line=$3 theirs ours
    theirs=$("${under[@]}" --tool=cachegrind --cache-sim=yes --cachegrind-out-file=/dev/null \
        --I1="$shape" --D1="$shape" --LL=1048576,16,64 "${program[@]}" 2>&1 >/dev/null |
        sed -n 's/,//g; s/.*\(I1\|D1\) *misses: *\([0-9]*\).*/\1 \2/p' | sort)
    ours=$("$PAGODA" replay refs.lackey --memory 1GiB --json --cache-walks memory \
        --cache "l1i=$cache l1d=$cache" | python3 -c 'import json, sys
for c in sorted(json.load(sys.stdin)["caches"], key=lambda c: c["side"]):
    print({"fetch": "I1", "data": "D1"}[c["side"]], c["misses"])' | sort)
    python3 - "$@" <<'PYTHON' >both
import sys
size, ways, line = map(int, sys.argv[1:])
sets = {s: [[] for _ in range(size // ways // line)] for s in ("D1", "I1")}
lines, refs = {"D1": 0, "I1": 0}, {"D1": 0, "I1": 0}
def misses(side, number):
    lru = sets[side][number % len(sets[side])]
    if number in lru:
        lru.remove(number)
        lru.append(number)
        return 0
    lru.append(number)
    del lru[:-ways]
    return 1
for text in open("refs.lackey"):
    if text[:1] not in " I" or text[1:2] not in "LSM " or "," not in text:
        continue
    at, length = text[3:].split(",")
    side, at = "I1" if text[0] == "I" else "D1", int(at, 16)
    n = sum(misses(side, i) for i in range(at // line, (at + int(length) - 1) // line + 1))
    lines[side] += n
    refs[side] += n > 0
for side in ("D1", "I1"):
    print("ours", side, lines[side])
    print("theirs", side, refs[side])
PYTHON
    is "$ours" "$(sed -n 's/^ours //p' both)" "misses of $shape, line by line"
    is "$theirs" "$(sed -n 's/^theirs //p' both)" "reference by reference they are cachegrind's"
}

for log in refs again; do
    "${under[@]}" --tool=lackey --trace-mem=yes --log-file=$log.lackey "${program[@]}" >/dev/null
    grep -v '^==' $log.lackey >$log
done
[[ -s refs ]]
ok $? "the program's references are there"
cmp refs again
ok $? "and are the same in another run"
compare 64 4 1536 12
compare 16 1 128 4
compare 32 32 256 2
compare_caches 32768 8 64
compare_caches 4096 1 64
compare_caches 65536 4 1024
finish
