#!/usr/bin/env bash
# explain.sh - `pagoda explain`: worked examples of textbooks, the three reports, refusals.
. "${BASH_SOURCE[0]%/*}/user.sh"

# step FILE KIND EXPRESSION: over the first step s of that kind in the first reference.
step() {
    member "$1" "[$3 for s in r['references'][0]['steps'] if s['step'] == '$2'][0]"
}

# ---- Arpaci-Dusseau, OSTEP, chapter 18: 64 bytes of address space, pages of 16 ----

# Pages 0 to 3 in frames 3, 7, 5 and 2: another process has frames 0, 1, 4 and 6.
spaces 2:1 2:16 1:48 1:1 2:32 1:32 2:48 1:21 >ostep.trace
ostep() {
    run "$PAGODA" explain ostep.trace --format cloudsuite --at 8 --scheme linear:bits=6 \
        --page 16 --frames 8 --tables apart --tlb none "$@"
}
ostep --json
exit_is 0 "OSTEP's address is explained"
cp "$work/.out" o.json
is "$(step o.json touch '[(f["name"], f["high"], f["low"], f["value"]) for f in s["fields"]]')" \
    "[('VPN', 5, 4, '0x1'), ('offset', 3, 0, '0x5')]" "21 is 01 0101: page 1, offset 5"
is "$(step o.json access '(s["frame"], int(s["pa"], 16))')" "(7, 117)" \
    "and physically 117, in frame 7"
ostep
like "$out" '^      address +01\.0101$' "its bits are shown by field"
like "$out" 'VPN=1  offset=5' "with their values"
like "$out" '^ *[0-9]+  Physical address 0x75 \(117\)' "and the address that comes of it"
like "$out" 'frame 7 x 0x10 \(16\) \+ offset 5' "with its sum"

# ---- Patterson & Hennessy, Computer Organization and Design, 5th edition, exercise 5.11 ----

# Four entries, LRU; frames: page 0 in 5, 3 in 6, 4 in 9, 5 in 11, 7 in 4, 10 in 3, 11 in 12; the
# TLB has 11, 7 and 3; what is not in memory comes to frame 13 and those after it.
p() {
    echo "1:$(($1 * 4096 + 1))"
}
placed="2:1 2:0x1000 2:0x2000 $(p 10) $(p 7) $(p 0) $(p 3) 2:0x3000 2:0x4000 $(p 4) 2:0x5000
    $(p 5) $(p 11) 2:1 $(p 11) $(p 7) $(p 3)"
# shellcheck disable=SC2086 # words
spaces $placed 1:4669 1:2227 1:13916 1:34587 1:48870 1:12608 1:49225 >ph.trace
first=$(($(wc -w <<<"$placed") + 1))
outcomes=
for at in 0 1 2 3 4 5 6; do
    "$PAGODA" explain ph.trace --format cloudsuite --at $((first + at)) --json --tlb l1=4 \
        --scheme linear:bits=16 --frames 32 --tables apart --tlb-tags flush >ph.json
    outcomes+=" $(step ph.json lookup '"hit" if s["hit"] else "miss"')"
    outcomes+=$(member ph.json \
        '"+fault" * any(s["step"] == "fault" for s in r["references"][0]["steps"])')
    outcomes+=$(step ph.json access '":%d" % s["frame"]')
done
is "$outcomes" " miss+fault:13 miss:5 hit:6 miss+fault:14 miss:12 hit:6 miss+fault:15" \
    "the TLB, the table and the frames are the exercise's"

# ---- who leaves, and why ----

# Silberschatz, Operating System Concepts, section 10.4: the reference string, in three frames.
printf '%s\n' 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 >string.trace
because() { # POLICY AT
    "$PAGODA" explain string.trace --at "$2" --frames 3 --policy "$1" --tables apart |
        tr '\n' ' ' | sed -E 's/.* because +//; s/ +(others|passed over|out of) .*//; s/  +/ /g'
}
is "$(because fifo 4)" "frame 0: page 7 came at 1, before page 0 at 2 and page 1 at 3; \
clean, so no write" "fifo: the page that came first"
is "$(because lru 8)" "frame 0: page 2 last touched at 4, before page 3 at 6 and page 0 at \
7; clean, so no write" "lru: the page touched longest ago"
is "$(because opt 4)" "frame 0: page 7 needed next at 18, against page 1 needed next at 14 and \
page 0 needed next at 5; clean, so no write" "opt: the page needed last"
is "$(because lfu 8)" "frame 0: page 2 touched 1 time, against page 3 1 time and page 0 3 times; \
clean, so no write" "lfu: the page touched least"
is "$(because clock:load=referenced 6)" \
    "frame 2: page 1 not referenced, clean; clean, so no write" "clock: a page whose bit is clear"
printf 'W 0\nR 1000\nR 2000\n' >dirty.trace
run "$PAGODA" explain dirty.trace --at 3 --frames 2 --tables apart --policy fifo
like "$out" '; dirty, so one write$' "a dirty page costs a write"
like "$out" '^      contents +dirty: written to swap slot [0-9]+$' "to its slot"

# ---- pages that are read ahead ----

# Pages 0 to 23 are written, in 16 frames; then 0 is read, which lies in slot 2.
writes=$(printf 'W %x000\n' {0..23})
{ echo "$writes" && printf 'R %x000\n' 0 1 {40..52}; } >ahead.trace
{ echo "$writes" && printf 'R %x000\n' 0 3 6; } >strides.trace
ahead() { # READAHEAD AT TRACE
    run "$PAGODA" explain "$3.trace" --at "$2" --frames 16 --tables apart --policy lru --tlb none \
        --readahead "$1"
    out=$(tr '\n' '~' <<<"$out" | sed -E 's/~ {20,}/ /g' | tr '~' '\n') # long rows on one line
}
ahead cluster 25 ahead
like "$out" 'Readahead cluster wishes for 7 pages beside page 0$' "a fault's wish is told"
like "$out" '^      because +it is in swap slot 2: what lies beside it there, an aligned 8$' \
    "and why"
like "$out" '^      slots +0 to 7$' "and for which"
like "$out" '^      of these come +4: others' "those that are out come, a quarter of memory at most"
like "$out" '^ *[0-9]+  Page 1 is read ahead into frame 8, from swap slot 3$' "each is told"
like "$out" 'frame 8 +page 1 .*--  read ahead at 25, not touched yet' "and lies in memory"
ahead cluster 26 ahead
like "$out" 'The kernel resolves the fault: soft   ' "its first touch is a soft fault"
like "$out" '^      done +the page is in a frame already: it is mapped, nothing more is read$' \
    "which reads nothing"
like "$out" '^      read ahead +at 25, and touched now for the first time$' \
    "and says what came before"
like "$out" 'frame 8 +page 1 .*read ahead at 25, last touched at 26, 1 touch ' "now it is touched"
ahead cluster 38 ahead
like "$out" '^ *[0-9]+  Eviction: page 2 leaves frame 9$' "one that nobody touched leaves"
like "$out" 'because +frame 9: page 2 not touched, read ahead at 25, before page 3 ahead at 25' \
    "no touch is made up for it"
like "$out" '^      contents +clean, and swap slot 4 still has them$' "no transfer either"
like "$out" '^      read ahead +at 25, and nobody has touched it$' "it came in vain"
ahead vma:window=4 25 ahead
like "$out" "because +the mapping's last fault was on no page beside it: 4 pages about it\$" \
    "vma: where the last fault was"
ahead stride 27 strides
like "$out" 'because +faults have come 3 pages on, or a multiple of it, twice running$' \
    "stride: a distance that came twice"
ahead leap:history=4 27 strides
like "$out" 'because +2 of the last 2 faults came 3 pages on$' "leap: a majority"

# ---- the reports ----

run "$PAGODA" explain --va 0x7f3d8c1f2a10 --access w --json
exit_is 0 "an address is explained on a fresh machine"
cp "$work/.out" v.json
is "$(member v.json '[[s["step"] for s in q["steps"]] for q in r["references"]]')" \
    "[['touch', 'lookup', 'lookup', 'walk', 'fault', 'walk', 'fill', 'fill', 'access'], \
['touch', 'lookup', 'access']]" "first a fault, then a hit"
is "$(member v.json 'round(sum(p["ns"] for s in r["references"][0]["steps"] for p in s["prices"])
    - r["references"][0]["ns"], 6)')" 0.0 "the prices add up"
is "$(member v.json 'r["references"][0]["access"]')" write "--access w is a write"
run "$PAGODA" explain --va 0x7f3d8c1f2a10 --access x
like "$out" '^Reference 1: fetch of 1 byte at 0x7f3d8c1f2a10' "--access x fetches"
run "$PAGODA" explain --trace string.trace --at 4 --frames 3 --tables apart
cp "$work/.out" by_flag
run "$PAGODA" explain string.trace --at 4 --frames 3 --tables apart
cmp -s "$work/.out" by_flag
ok $? "--trace is the operand by another name"
unlike "$out" $'\033' "no colours in a pipe"
is "$(awk 'length > 100' <<<"$out")" "" "no line of over 100 columns"
"$PAGODA" convert @uniform:pages=500,refs=3000,writes=0.4 -o u.pgt 2>/dev/null
for at in 1 1500 3000; do
    "$PAGODA" explain u.pgt --at $at --frames 50 --tables apart >u.txt
    "$PAGODA" explain u.pgt --at $at --frames 50 --tables apart --json >u.json
    "$PAGODA" explain u.pgt --at $at --frames 50 --tables apart --html >u.html
    run python3 - <<'PYTHON'
import html, html.parser, json, re
VOID = {"meta"}
class Page(html.parser.HTMLParser):
    def __init__(self):
        super().__init__()
        self.open, self.text, self.steps = [], [], 0
    def handle_starttag(self, tag, attrs):
        assert tag != "script" and tag != "link", tag
        assert not any(k in ("src", "href") or k.startswith("on") for k, v in attrs), attrs
        self.steps += tag == "li"
        if tag not in VOID:
            self.open.append(tag)
    def handle_endtag(self, tag):
        assert self.open.pop() == tag, tag
    def handle_data(self, data):
        self.text.append(data)
page, told = Page(), json.load(open("u.json"))
source = open("u.html").read()
page.feed(source)
assert not page.open, page.open
steps = told["references"][0]["steps"]
lines = open("u.txt").read()
headings = re.findall(r"^ ?\d+  (.*?)(?:   [\d.]+ [num]?s)?$", lines, re.M)
assert page.steps == len(steps) == len(headings), (page.steps, len(steps), headings)
words = " ".join(page.text)
for heading in headings:
    assert heading in words, heading
pa = [s["pa"] for s in steps if s["step"] == "access"][0]
assert pa in lines and pa in words, pa
assert "prefers-color-scheme" in source and "@media print" in source and "http" not in source
PYTHON
    is "$err" "" "text, JSON and page tell reference $at alike, and the page needs no other file"
done

# ---- refusals ----

refused 2 'expected --at N' "a trace without --at" "$PAGODA" explain string.trace
refused 2 'expected a trace and --at N, or --va' "nothing" "$PAGODA" explain
refused 2 '--at 0: references are counted from 1' "a reference 0" \
    "$PAGODA" explain string.trace --at 0
refused 2 'no reference 21: the trace has 20' "one past the end" \
    "$PAGODA" explain string.trace --at 21
refused 2 '--va 0x12z' "no address" "$PAGODA" explain --va 0x12z
refused 2 'unknown --access "q"' "no access" "$PAGODA" explain --va 0x12 --access q
refused 2 'expected no trace' "an address and a trace" \
    "$PAGODA" explain string.trace --va 0x12 --at 1
refused 2 'expected one of them' "two reports" "$PAGODA" explain --va 0 --json --html
refused 2 'unexpected "string.trace"' "two traces" \
    "$PAGODA" explain string.trace --trace string.trace --at 1
refused 2 'expected the model machine' "the model pages" \
    "$PAGODA" explain --va 0 --model pages
refused 2 'policy opt reads a trace twice' "opt on a pipe" "$PAGODA" explain - --at 1 --policy opt
run bash -c "'$PAGODA' explain - --at 4 --frames 3 --tables apart <string.trace"
exit_is 0 "a pipe will do otherwise"
finish
