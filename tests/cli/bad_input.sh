#!/usr/bin/env bash
# bad_input.sh - one clear line, the exit status of its kind and nothing left behind, for whatever
# is truncated, corrupt, of the wrong kind, or impossible.
. "${BASH_SOURCE[0]%/*}/user.sh"

samples
load=@uniform:pages=300,refs=20000,writes=1

# ---- traces: status 3, or 4 where the system says no ----

: >empty
mkdir folder
printf 'This is no trace.\n' >words
head -c 5000 "$PAGODA" >program
refused 4 '^pagoda: nothing: cannot open: No such file' "no such file" "$PAGODA" info nothing
refused 4 '^pagoda: folder: is a directory' "a folder" "$PAGODA" info folder
refused 3 '^pagoda: empty: empty: expected a trace' "an empty file" "$PAGODA" info empty
refused 3 '^pagoda: standard input: empty' "no standard input" "$PAGODA" info -
refused 3 '^pagoda: words: content of no known trace format: expected one of pgt, ' "a text" \
    "$PAGODA" info words
hinted '--format NAME'
refused 3 '^pagoda: program: content of no known trace format' "a program" "$PAGODA" info program
for format in $("$PAGODA" list formats | sed -n 's/^  \([^ ][^ ]*\).*/\1/p'); do
    refused 3 '^pagoda: words:' "a text is no $format" "$PAGODA" info words --format "$format"
    refused 3 '^pagoda: empty:' "nothing is no $format" "$PAGODA" info empty --format "$format"
done
for format in lackey pin din rwi csv pages; do # with line numbers
    { cat "samples/$format.trace" && printf '0x12 zz,3 ?\n'; } >bad
    lines=$(wc -l <bad)
    refused 3 "^pagoda: bad:$lines: .*expected" "$format: a bad line is named" \
        "$PAGODA" replay bad --format "$format"
done
for format in drmemtrace oracle champsim cloudsuite; do # with byte offsets
    head -c -5 "samples/$format.trace" >torn
    refused 3 '^pagoda: torn: byte [0-9]+: ' "$format: a cut record is named" \
        "$PAGODA" replay torn --format "$format"
done

# .pgt: cut after any byte, or with any byte changed, it is refused; and only --salvage goes on.
python3 - <<'PYTHON'
data = open("samples/pgt.trace", "rb").read()
for i, n in enumerate(range(1, len(data), max(1, len(data) // 12))):
    open("cut%d.pgt" % i, "wb").write(data[:n])
    changed = bytearray(data)
    changed[n] ^= 0x55
    open("changed%d.pgt" % i, "wb").write(changed)
PYTHON
for trace in cut*.pgt changed*.pgt; do
    refused 3 "^pagoda: $trace: " "$trace is refused" "$PAGODA" replay "$trace" --format pgt
done

for tool in gzip:gz xz:xz zstd:zst; do
    if ! command -v "${tool%:*}" >/dev/null; then
        skip "no ${tool%:*}"
        continue
    fi
    "${tool%:*}" -c samples/champsim.trace >whole 2>/dev/null
    head -c -6 whole >"torn.${tool#*:}"
    refused 3 "^pagoda: torn\.${tool#*:}: byte [0-9]+: .*${tool%:*}" "a cut ${tool%:*} file" \
        "$PAGODA" info "torn.${tool#*:}"
done

# ---- usage: status 2 ----

for bad in '--memory -3' '--memory 3Q' '--memory 1.5' '--page x' '--frames ten' '--frames 1.5' \
    '--skip -1' '--refs x' '--seed -1' '--seed 18446744073709551615' '--fault-ns -1' \
    '--fault-ns nan' '--copy-ns 1e99' '--swap-size 4k' '--tables beside'; do
    option=${bad%% *}
    # shellcheck disable=SC2086 # two words
    refused 2 "^pagoda: (unknown )?${option}[: ]" "$bad" "$PAGODA" replay "$load" $bad
done
refused 2 'bad TLB "l1d=16".*i side' "half a level" "$PAGODA" replay "$load" --tlb l1d=16
refused 2 'without gaps' "a level missing" "$PAGODA" replay "$load" --tlb l2=16
refused 2 'bad TLB "nonsense"' "no TLB at all" "$PAGODA" replay "$load" --tlb nonsense
hinted 'lN\[i\|d\|l\|s\]=ENTRIES'
refused 2 'nvme:read_us' "a parameter out of range" "$PAGODA" replay "$load" --swap nvme:read_us=-1
refused 2 'swap of 100 bytes: expected' "a swap of less than a page" \
    "$PAGODA" replay "$load" --swap-size 100
refused 2 'low watermark of 20 frames above the high one of 10' "watermarks the wrong way round" \
    "$PAGODA" replay "$load" --frames 100 --watermark-low 20 --watermark-high 10
refused 2 'high watermark of 100 frames in a memory of 100' "a memory that is never used" \
    "$PAGODA" replay "$load" --frames 100 --watermark-low 1 --watermark-high 100
for bad in 101 101% -1 1.5 x 5%% 1zib; do
    refused 2 "^pagoda: --?watermark-high:? .*expected" "--watermark-high $bad" \
        "$PAGODA" replay "$load" --frames 100 --watermark-high "$bad"
done
for bad in 0 1025; do
    refused 2 "^pagoda: --swap-cluster $bad: expected 1 to 1024" "--swap-cluster $bad" \
        "$PAGODA" replay "$load" --swap-cluster "$bad"
done
refused 2 'unknown --oom "x"' "no such rule" "$PAGODA" replay "$load" --oom x
refused 2 '^pagoda: a slow swap device .--swap-slow hdd.*: expected --swap-size' \
    "a slow device behind one that is never full" "$PAGODA" replay "$load" --swap-slow hdd
refused 2 '^pagoda: unknown device "hd"' "no such slow device" \
    "$PAGODA" replay "$load" --swap-size 1MiB --swap-slow hd
hinted '"hdd"'
refused 2 'unknown parameter of hdd "depth"' "a slow device's parameter that is none" \
    "$PAGODA" replay "$load" --swap-size 1MiB --swap-slow hdd:depth=1
refused 2 '^pagoda: room on a slow swap device .*: expected --swap-slow DEVICE' "room on nothing" \
    "$PAGODA" replay "$load" --swap-size 1MiB --swap-slow-size 1MiB
refused 2 '^pagoda: slow swap of 100 bytes: expected' "a slow device of less than a page" \
    "$PAGODA" replay "$load" --swap-size 1MiB --swap-slow hdd --swap-slow-size 100
refused 2 '^pagoda: swap of [0-9]* bytes: .* at most 67108862 of them' "more than a fast one has" \
    "$PAGODA" replay "$load" --swap-size 1TiB --swap-slow hdd
refused 5 '^pagoda: scheme segmentation has segments' "segments on two devices" \
    "$PAGODA" replay "$load" --swap-size 1MiB --swap-slow hdd --scheme segmentation --page 1
printf '[swap]\nslow = hdd\n' >slow.ini
refused 2 '^pagoda: a slow swap device .*: expected --swap-size' "nor by a description" \
    "$PAGODA" replay "$load" -m slow.ini
printf '[swap]\nsize = 1MiB\nslow = hd\n' >slow.ini
refused 2 '^pagoda: slow.ini:3: unknown device "hd"' "with the line of its name" \
    "$PAGODA" replay "$load" -m slow.ini
hinted '"hdd"'
refused 2 'unknown readahead "clutser"' "no such readahead" \
    "$PAGODA" replay "$load" --readahead clutser
hinted 'cluster'
refused 2 'cluster:window: 0 is out of range: expected 1 to' "a readahead of nothing" \
    "$PAGODA" replay "$load" --readahead cluster:window=0
refused 2 'policy opt with readahead cluster: it looks ahead' "two who look ahead" \
    "$PAGODA" replay "$load" --readahead cluster --policy opt
refused 2 'scheme segmentation with readahead cluster' "segments read ahead" \
    "$PAGODA" replay "$load" --readahead cluster --scheme segmentation --page 1
refused 2 '^pagoda: --flush-ms: -1 is out of range' "a period before now" \
    "$PAGODA" replay "$load" --flush-ms -1
refused 2 '^pagoda: --flush-age-ms: 1e13 is out of range' "an age beyond all" \
    "$PAGODA" replay "$load" --flush-age-ms 1e13
refused 2 'unknown --flush "al"' "no such pages to flush" "$PAGODA" replay "$load" --flush al
hinted 'all'

# ---- machine descriptions ----

refused 4 '^pagoda: none\.ini: No such file' "no such description" \
    "$PAGODA" replay "$load" -m none.ini
refused 3 '^pagoda: \./folder: ' "a folder as description" "$PAGODA" replay "$load" -m ./folder
head -c 2000000 /dev/zero | tr '\0' ';' >huge.ini
refused 3 'huge\.ini: .*less than 1 MiB' "a huge description" "$PAGODA" replay "$load" -m huge.ini
described() { # STATUS REGEX NAME TEXT
    printf '%b' "$4" >m.ini
    refused "$1" "^pagoda: m\.ini:$2" "$3" "$PAGODA" replay "$load" -m m.ini
}
described 2 '2: cannot be read: expected' "neither section nor key" '[memory]\nsize 3\n'
described 2 '1: cannot be read: expected' "a section that does not end" '[memory\nsize = 3\n'
described 2 '2: \[memory\] size: bad size "3Q"' "a bad size" '[memory]\nsize = 3Q\n'
described 2 '2: \[price\] fault_ns: .*out of range' "a price out of range" \
    '[price]\nfault_ns = -1\n'
described 2 '3: unknown \[tlb\] tags "pid"' "a word that is none" '; tags\n[tlb]\ntags = pid\n'
described 2 '1: key "size" is in no section' "a key before any section" 'size = 3\n'
described 2 '2: cannot be read' "the first of two mistakes" '[memory]\nsize 3\n\nsiez = 3\n'
described 2 '2: unknown key' "whichever it is" '[memory]\nsiez = 3\nsize 3\n'
described 2 '3: a line of 515 characters: expected at most' "a line too long" \
    "[tlb]\n\nlevels = l1=16$(printf ' %500s' '')\n"
described 2 '4: unknown scheme' "a scheme that is none" \
    '[run]\nseed = 3\n  [scheme]\n\tname = alpha\n'
described 5 '2: TLB ways do not divide' "a TLB that cannot be built" '[tlb]\nlevels = l1=16/3\n'
refused 3 'program: .*expected a text' "a binary as description" \
    "$PAGODA" replay "$load" -m ./program

# ---- machines that cannot be built, or run out: status 5 ----

refused 5 'has no frame: expected at least one page' "no frame" "$PAGODA" replay "$load" --frames 0
refused 5 'has no frame' "less than a frame" "$PAGODA" replay "$load" --memory 100
refused 5 'expected at most 1073741823' "too many frames" "$PAGODA" replay "$load" --memory 1000TiB
refused 5 'too many to count' "too many to count" \
    "$PAGODA" replay "$load" --frames 9000000000000000000
refused 5 'page size of 3000 bytes: expected a power of two' "a page of 3000" \
    "$PAGODA" replay "$load" --page 3000
refused 5 'page size of 2097152 bytes: expected 4096' "not the scheme's page" \
    "$PAGODA" replay "$load" --page 2MiB
refused 5 'page size of 4096 bytes: expected 16384' "a granule that is another" \
    "$PAGODA" replay "$load" --scheme arm64-16k
refused 2 'two-level: dir, table and an offset of 24 bits .*so dir and table together at most 39' \
    "a split of more than an address" \
    "$PAGODA" replay "$load" --scheme two-level:dir=20,table=20 --page 16MiB --memory 1GiB
refused 2 '^pagoda: two-level:dir: 0 is out of range: expected 1 to 20' "no directory" \
    "$PAGODA" replay "$load" --scheme two-level:dir=0
refused 2 '^pagoda: two-level: 16384 frames, .*expected at most 128, .* entry of 1 bytes' \
    "frames that a byte cannot name" "$PAGODA" replay "$load" --scheme two-level:entry=1
refused 2 '^pagoda: sv32: .* frames, .*expected at most 4194304' "more memory than Sv32 can name" \
    "$PAGODA" replay "$load" --scheme sv32 --memory 32GiB
refused 5 'page size of 1024 bytes' "a small page, without a machine" \
    "$PAGODA" replay "$load" --page 1KiB --model pages
refused 5 'expected 1 to' "no frame, without a machine" \
    "$PAGODA" replay "$load" --frames 0 --model pages
refused 5 '3 page colours: expected a power of two' "three colours" \
    "$PAGODA" replay "$load" --colours 3
refused 5 'huge pages of 3145728 bytes: expected one of 2 MiB, 1 GiB' "huge pages of 3 MiB" \
    "$PAGODA" replay "$load" --huge fault --huge-size 3MiB
refused 5 'scheme linear has no pages larger than 4096 bytes' "huge pages in a flat table" \
    "$PAGODA" replay "$load" --huge fault --scheme linear
refused 5 'scheme segmentation has segments' "huge pages of segments" \
    "$PAGODA" replay "$load" --huge reserve --scheme segmentation --page 1
refused 2 'allot "fixd"' "no such allotment" "$PAGODA" replay "$load" --allot fixd
hinted 'fixed'
refused 5 'oom kill with huge pages: expected base pages alone' "kills and huge pages" \
    "$PAGODA" replay "$load" --oom kill --huge fault
refused 5 'oom kill with segments: expected base pages alone' "kills and segments" \
    "$PAGODA" replay "$load" --oom kill --scheme segmentation --page 1
refused 5 'scheme segmentation has segments: expected one of pages where a flusher' \
    "segments flushed" "$PAGODA" replay "$load" --flush-ms 1 --scheme segmentation --page 1
refused 5 'huge pages where processes have shares' "shares of frames and huge pages" \
    "$PAGODA" replay "$load" --allot fixed --huge fault
refused 5 'scheme segmentation has segments' "shares of frames and segments" \
    "$PAGODA" replay "$load" --allot fixed --scheme segmentation
refused 5 'policy opt reads the future, in base pages' "huge pages and the future" \
    "$PAGODA" replay "$load" --huge collapse --policy opt
refused 5 'a collapse scan every 0 touches: expected at least 1' "scans without end" \
    "$PAGODA" replay "$load" --huge collapse --huge-scan-touches 0
refused 5 '1.5 of a huge page may be absent: expected at most 1' "more than all of it" \
    "$PAGODA" replay "$load" --huge collapse --huge-empty 1.5
refused 5 'TLB ways do not divide the entries: 16 entries in sets of 3 leave 1 over' "TLB ways" \
    "$PAGODA" replay "$load" --tlb l1=16/3
refused 5 'has 3 sets: expected a power of two' "TLB sets" "$PAGODA" replay "$load" --tlb l1=12/4
refused 5 'plru TLB of 12 ways' "a tree of 12 ways" "$PAGODA" replay "$load" --tlb l1=12:plru
refused 5 '^pagoda: out of memory: page tables hold' "page tables that take all memory" \
    "$PAGODA" replay "$load" --frames 3
hinted '--tables apart'
refused 5 '^pagoda: page tables do not fit in memory' "a linear table in little memory" \
    "$PAGODA" replay "$load" --frames 40 --scheme linear
refused 5 '^pagoda: out of swap: all 2 slots' "too little swap" \
    "$PAGODA" replay "$load" --frames 30 --swap-size 8KiB
hinted '--swap-size'
refused 5 '^pagoda: out of swap: all 4 slots' "too little on two devices" \
    "$PAGODA" replay "$load" --frames 30 --swap-size 8KiB --swap-slow ssd --swap-slow-size 8KiB
hinted '--swap-slow-size'
run "$PAGODA" replay "$load" --frames 30 --swap-size 8KiB --json
is "$out" "" "a run that fails prints no half report"
finish
