#!/usr/bin/env bash
# tables.sh - `pagoda tables`: bytes, frames and loads of each scheme, worked out by hand.
. "${BASH_SOURCE[0]%/*}/user.sh"

trace=@loop:pages=512,refs=1024
run "$PAGODA" tables "$trace" --json --tlb none
cp "$work/.out" all.json
is "$(member all.json 'r["kind"], r["pages_4k"]')" "('tables', 512)" "says what it compares"
is "$(member all.json 'len(r["rows"])')" \
    "$("$PAGODA" list schemes | grep -cE '^  [^ ]')" "every scheme of the list"

# by NAME SPACE: table bytes at most, without the kernel's own.
bytes() {
    member all.json "[s['$2']['table_frames_peak'] * s['$2']['page_bytes']
        for s in r['rows'] if s['scheme'] == '$1'][0]"
}
# Dense: 512 pages from 4 MiB on fill one leaf table; above it one table a level.
is "$(bytes x86-64 dense)" $((4 * 4096)) "x86-64, dense: a table a level"
is "$(bytes sv39 dense)" $((3 * 4096)) "sv39, dense: a table a level"
is "$(bytes sv32 dense)" $((2 * 4096)) "sv32, dense: a table a level"
# Sparse in sv39: 2^38 / 512 pages = 512 MiB apart: a leaf table a page, two of them to a GiB.
is "$(bytes sv39 sparse)" $(((512 + 256 + 1) * 4096)) "sv39, sparse: a leaf table a page"
# Sparse in x86-64: 256 GiB apart: two tables a page under half of the root's 256 lower entries.
is "$(bytes x86-64 sparse)" $(((512 + 512 + 256 + 1) * 4096)) "x86-64, sparse: two tables a page"
for space in trace dense sparse; do
    is "$(bytes linear $space)" $((8 << 20)) "linear: the same whatever is mapped ($space)"
done
# Without a TLB each touch walks, and the first of each page twice.
is "$(member all.json "[(s['trace']['walks'], s['trace']['walk_loads'])
    for s in r['rows'] if s['scheme'] == 'linear'][0]")" "(1536, 1536)" "linear: one load a walk"

run "$PAGODA" tables "$trace" sv39 linear:bits=30
exit_is 0 "schemes may be named, with parameters"
like "$out" '^  sv39 +12 KiB +12 KiB +3.0 MiB +3 ' "a row has the three spaces"
like "$out" '^  linear:bits=30 +2 MiB' "under the name that was given"
unlike "$out" '^  x86-64' "and only those asked for"
run "$PAGODA" tables "$trace" sv40
exit_is 2 "an unknown scheme"
like "$err" 'hint: .*sv48|hint: .*sv39' "gets a suggestion"
run "$PAGODA" tables
exit_is 2 "no trace"
run "$PAGODA" tables /nowhere.pgt
exit_is 4 "a trace that is not there"
run "$PAGODA" tables "$trace" linear:bits=20 --tlb none
exit_is 0 "a scheme too narrow for a trace"
like "$out" '^linear:bits=20, this trace: .* does not fit' "is said to be that"
run "$PAGODA" tables "$trace" linear:bits=20 --tlb none --layout as-is
like "$out" '^linear:bits=20, this trace: .* cannot name' "or what it leaves out, by choice"
finish
