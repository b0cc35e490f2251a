#!/usr/bin/env bash
# replay.sh - `pagoda replay`: its report, its machine, its traces.
. "${BASH_SOURCE[0]%/*}/user.sh"

load=@uniform:pages=300,refs=20000,writes=0.3
run "$PAGODA" replay "$load" --frames 200 --swap-size 8MiB
exit_is 0 "a workload is replayed"
is "$err" "" "without a complaint"
for part in Machine References Translation Memory 'Regions with the most faults' Time; do
    like "$out" "^$part\$" "the report has a part $part"
done
while IFS='|' read -r section key; do
    like "$out" "^  $section +$key +[^ ]" "and echoes [$section] $key"
done < <(sed -n 's/^OPTION(\([a-z]*\), \([a-z_]*\),.*/\1|\2/p' \
    "$PAGODA_SOURCE/src/engine/options.def")
like "$out" '^  memory +size +800KiB +200 frames' "memory is said in bytes and frames"
like "$out" '^Of [0-9.]+ m?s, [0-9.]+ % went into ' "a sentence says where the time went"
like "$out" '^The effective access time is [0-9.]+ [nu]s a reference, [0-9.]+ times' \
    "and what a reference costs"
like "$out" '^    demand-zero +300 ' "as many first touches as pages"
unlike "$out" $'\033' "no escape sequence in a pipe"
is "$(awk 'length > 100' <<<"$out")" "" "no line of over 100 columns"
misaligned=$(grep -E '% of ' <<<"$out" | grep -vE '^.{50}\.[0-9]{3} %')
is "$misaligned" "" "points stand under points"

run "$PAGODA" replay "$load" --frames 200 --cache "l1=4KiB/2 l2=64KiB/8:plru"
like "$out" '^Caches$' "caches have a section"
like "$out" '^  l1 misses +[0-9,]+ .* accesses; 4 KiB/2 lru pipt$' "and each a line"
like "$out" '^  l2 misses +[0-9,]+ .* accesses; 64 KiB/8 plru pipt$' "by level"
run "$PAGODA" replay "$load" --frames 200 --json
cp "$work/.out" a.json
run "$PAGODA" replay "$load" --frames 200 --json
cmp -s "$work/.out" a.json
ok $? "the same seed gives the same bytes"
run "$PAGODA" replay "$load" --frames 200 --json --seed 2
! cmp -s "$work/.out" a.json
ok $? "and another seed others"
python3 -m json.tool a.json >/dev/null
ok $? "JSON is well formed"
is "$(member a.json 'r["schema"], r["kind"], r["config"]["memory"]["size"], r["frames"]')" \
    "(1, 'replay', 819200, 200)" "it says what it is, and the machine"
is "$(member a.json 'r["counts"]["refs"], r["counts"]["demand_zero"]')" "(20000, 300)" "and counts"
is "$(member a.json 'round(sum(v for k, v in r["prices"].items()
    if k not in ("total_ns", "access_ns")) / r["prices"]["total_ns"], 9)')" \
    1.0 "prices add up to the total"

# The machine: fallbacks, then --machine, then the command line.
scheme=$("$PAGODA" show textbook | sed -n '/^\[scheme\]/,/^\[/s/^name = //p')
run "$PAGODA" replay "$load" -m textbook --json
cp "$work/.out" p.json
is "$(member p.json '[r["config"][s][k] for s, k in (("scheme", "name"), ("policy", "name"),
    ("tlb", "levels"), ("swap", "device"))]')" \
    "['$scheme', 'lru', 'l1=16:lru', 'hdd']" "--machine PRESET"
"$PAGODA" show textbook | sed 's/^[a-z]/    &/' >m.ini # indented
run "$PAGODA" replay "$load" --machine m.ini --json
cmp -s "$work/.out" p.json
ok $? "--machine FILE of the shown preset is the same machine"
run "$PAGODA" replay "$load" --machine m.ini --policy fifo --memory=1MiB --json
cp "$work/.out" p.json
is "$(member p.json 'r["config"]["policy"]["name"], r["frames"], r["config"]["scheme"]["name"]')" \
    "('fifo', 256, '$scheme')" "the command line wins over the file"
run "$PAGODA" replay "$load" --policy fifo --memory=1MiB --machine m.ini --json
cmp -s "$work/.out" p.json
ok $? "wherever it stands"
run "$PAGODA" replay "$load" -m textbook -n 100 --json
cp "$work/.out" p.json
is "$(member p.json 'r["frames"], r["config"]["memory"]["size"]')" "(100, 409600)" "--frames too"
refused 2 'both say how much memory' "--frames and --memory do not go together" \
    "$PAGODA" replay "$load" --frames 9 --memory 1MiB

# The textbook's reference strings, as anyone would type them in.
printf '%s\n' 0 1 2 0 1 3 0 3 1 2 1 >string
for pair in opt:5 fifo:7 lru:5; do
    run "$PAGODA" replay string --model pages --frames 3 --policy "${pair%:*}" --json
    cp "$work/.out" s.json
    is "$(member s.json 'r["counts"]["faults"], r["distinct_pages"]')" "(${pair#*:}, 4)" \
        "0 1 2 0 1 3 0 3 1 2 1 under ${pair%:*}"
done
run "$PAGODA" replay string --model pages --frames 3
like "$out" '^  run +model +pages +the policy alone: no mappings' \
    "what that model leaves out is said"
run "$PAGODA" replay string --json
cp "$work/.out" s.json
is "$(member s.json 'r["distinct_pages"]')" None "the whole machine does not count distinct pages"

# Policies that know processes: pages are of the space that touched them first, and time is each
# space's own.
spaces 1:0x1000 2:0x2000 2:0x3000 2:0x4000 2:0x5000 1:0x1000 >p.trace
counts() { # MEMBER OPTION...
    "$PAGODA" replay p.trace --format cloudsuite --model pages --frames 8 --json "${@:2}" >p.json
    member p.json "r[\"counts\"][\"$1\"]"
}
is "$(counts releases --policy working-set:tau=2)" 2 "a page is idle by its own process's time"
is "$(counts faults --policy working-set:tau=2)" 5 "and not by another's"
is "$(counts space_time --policy working-set:tau=2)" 15 "the frames held, summed over the touches"
is "$(counts releases --policy lru --allot fixed --allot-frames 1)" 3 "each has its share"
is "$(counts soft_faults --policy vms:limit=1)" 0 "and, of vms, its queue"
is "$(counts releases --policy lru --allot proportional)" 0 "shares as the spaces are large"
is "$(counts evictions --policy lru --allot proportional --frames 4)" 1 "need their room"
run "$PAGODA" replay p.trace --format cloudsuite --model pages --frames 8 --policy working-set:tau=2
like "$out" 'given up unasked +2 ' "the report tells of pages given up"
like "$out" 'mean resident set +2\.5 ' "and of the mean resident set"

# Parts of a trace.
run "$PAGODA" replay @sequential:refs=1000 --skip 300 --refs 500 --json
cp "$work/.out" s.json
is "$(member s.json 'r["counts"]["refs"]')" 500 "--skip and --refs"
run "$PAGODA" replay @sequential:refs=1000 --skip 2k
exit_is 0 "skipping over the end is no failure"
like "$out" 'no reference was read' "and is told"

# Standard input.
"$PAGODA" convert "$load" -o t.pgt 2>/dev/null
run "$PAGODA" replay t.pgt --frames 200 --json
sed 's/"name": "t.pgt"/"name": "-"/' "$work/.out" >file.json
"$PAGODA" replay - --frames 200 --json <t.pgt >stdin.json
cmp -s file.json stdin.json
ok $? "- is standard input"
"$PAGODA" convert t.pgt -o - 2>/dev/null | "$PAGODA" replay - --frames 200 --json >stdin.json
cmp -s file.json stdin.json
ok $? "a pipe too"
# shellcheck disable=SC2016 # the inner shell expands it
refused 2 'standard input: policy opt reads a trace twice' "opt cannot read it twice" \
    timeout 3 bash -c '"$PAGODA" replay - --policy opt < <(exec sleep 5)'
hinted 'convert - -o'
# shellcheck disable=SC2016
refused 2 '/dev/fd/[0-9]+: policy opt reads a trace twice' "nor a pipe that has a name" \
    bash -c '"$PAGODA" replay <(cat t.pgt) --policy opt'

# Two swap devices: ten pages have room on the fast one.
two=("$PAGODA" replay "@loop:pages=60,refs=6000,writes=1" --frames 20 --tables apart --policy lru
    --swap nvme --swap-size 40KiB --swap-slow hdd)
run "${two[@]}"
like "$out" '^Swap devices$' "two devices have a section"
like "$out" '^  fast: pages written +[0-9,]+ +[0-9.]+ % of pages written$' "with the share of one"
like "$out" '^  slow: pages read +[0-9,]+ +[0-9.]+ % of pages read$' "and of the other"
"${two[@]}" --json >two.json
is "$(member two.json '[r["counts"][k] for k in ("swap_ins", "slow_reads", "slow_writes")] == [
    r["device"]["reads"] + r["slow_device"]["reads"], r["slow_device"]["reads"],
    r["slow_device"]["writes"]]')" True "the counts are those of the devices"
is "$(member two.json '[round(60 * r[d]["read_share"]) for d in ("slow_device", "device")]')" \
    "[50, 10]" \
    "of a loop, the slow one reads all but the ten"
"${two[@]}" --json --swap-slow none --swap-size 0 >one.json
is "$(member one.json '"slow_device" in r or r["counts"]["slow_reads"]')" 0 "none is none"
run "${two[@]}" --model pages
exit_is 0 "the model pages passes over it"
unlike "$out" 'Swap devices' "and has none to show"

# A torn .pgt.
"$PAGODA" convert @uniform:pages=300,refs=1M -o long.pgt 2>/dev/null
size=$(stat -c %s long.pgt)
head -c $((size * 3 / 4)) long.pgt >torn.pgt
refused 3 '^pagoda: torn\.pgt: byte [0-9]+: torn block' "a torn trace is refused" \
    "$PAGODA" replay torn.pgt
hinted '--salvage'
run "$PAGODA" replay torn.pgt --salvage
exit_is 0 "--salvage replays what is left"
like "$out" '^  references lost to damage +[1-9]' "and says how much is not"

# ---- the frame allocator ----
run "$PAGODA" replay @uniform:pages=200,refs=2000 --frames 100 \
    --zones dma:40KiB,normal:200KiB,highmem --mobility on --pageblock 32KiB --list-high 8 \
    --show frames
exit_is 0 "zones, groups and lists"
like "$out" '  dma +0 +10 +' "the first zone"
like "$out" '  highmem +60 +40 +' "the last one has the rest"
like "$out" 'Pageblocks' "groups are told of"
like "$out" 'Lists of processors' "and lists"
run "$PAGODA" replay @uniform:pages=200,refs=2000 --frames 100 --json
cp "$work/.out" plain.json
run "$PAGODA" replay @uniform:pages=200,refs=2000 --frames 100 --list-high 8 --json
cp "$work/.out" lists.json
is "$(member lists.json 'r["counts"]["faults"]')" "$(member plain.json 'r["counts"]["faults"]')" \
    "lists change no fault"
is "$(member lists.json '(lambda l: l["hits"] + l["refills"])(r["allocator"]["lists"][0])')" \
    "$(member lists.json 'r["allocator"]["zones"][0]["takes"]')" \
    "each take is a hit or a refill of the list"
while read -r message options; do
    # shellcheck disable=SC2086 # words
    refused 2 "${message//_/ }" "refused: $options" "$PAGODA" replay @loop:refs=10 $options
done <<'MISTAKES'
unknown_zone_"dam" --zones dam:1MiB,normal
expected_one_or_the_other --list-high 8 --colours 4
expected_a_power_of_two --mobility on --pageblock 5000
expected_a_batch_of_at_most_a_list --list-high 8 --list-batch 9
without_lists --list-batch 9
no_page_could_come --frames 10 --zone-min 10
unknown_section_"frmaes" --show frmaes
MISTAKES
refused 5 'has segments' "segments have no lists" \
    "$PAGODA" replay @loop:refs=10 --scheme segmentation --list-high 8
finish
