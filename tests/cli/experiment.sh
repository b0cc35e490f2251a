#!/usr/bin/env bash
# experiment.sh - `pagoda experiment`: what it lists and refuses, the files that it writes, and that
# all of them have the same numbers.
. "${BASH_SOURCE[0]%/*}/user.sh"

# ---- names, parameters, refusals ----

run "$PAGODA" experiment
exit_is 0 "without a name it lists"
listed=$("$PAGODA" list experiments --json >l.json && member l.json \
    "' '.join(x['name'] for x in r['experiments'])")
for name in $listed; do
    like "$out" "^  $name +[^ ]" "$name is listed with what it is"
done
like "$out" "^ +Arpaci-Dusseau" "and with its source"
"$PAGODA" list --json >all.json
is "$(member all.json "[p['name'] for x in r['experiments'] for p in x['params']
    if p['name'] in [o['name'] for o in r['options']]]")" "[]" \
    "no parameter has the name of a machine's option"
refused 2 'unknown experiment "loping"' "an unknown experiment" "$PAGODA" experiment loping
hinted looping
refused 2 'experiment looping has no --stride' "a parameter of another" \
    "$PAGODA" experiment looping --stride 4KiB
refused 2 'builds its own machines: expected no --tlb' "a machine where none is built" \
    "$PAGODA" experiment looping --tlb none
refused 2 'looping.*pages.*abc' "a parameter that is no number" \
    "$PAGODA" experiment looping --pages abc
refused 2 'expected no comma' "a list with commas" \
    "$PAGODA" experiment looping --policies opt,lru
refused 2 'unknown policy "lur"' "an unknown policy" "$PAGODA" experiment looping --policies lur
refused 2 'no policies' "no policy" "$PAGODA" experiment looping --policies ' '
refused 2 'unexpected "x.pgt"' "a trace where none is read" "$PAGODA" experiment looping x.pgt
refused 2 'expected a trace' "no trace where one is" "$PAGODA" experiment page-size
refused 2 'powers of two' "sizes that are none" "$PAGODA" experiment page-size @loop --from 100
refused 2 'multiple of 4096' "a stride off the grain" \
    "$PAGODA" experiment tlb-staircase --stride 5000
refused 4 'nowhere.pgt' "a trace that is not there" "$PAGODA" experiment page-size nowhere.pgt
refused 5 'page size' "a scheme without any of the sizes" \
    "$PAGODA" experiment page-size @loop:refs=9 --table x86-64 --from 64 --to 128

# ---- text ----

run "$PAGODA" experiment looping --refs 1000 --seed 7
exit_is 0 "looping as text"
like "$out" '^Looping: ' "has its title"
like "$out" '^ 100 % \+' "ticks with their unit"
like "$out" '^  \* opt   \+ lru   o fifo   x random   # clock$' "a key"
like "$out" 'refs=1000, seed 7' "how it was made"
like "$out" '^Source: Arpaci-Dusseau' "and its source"
unlike "$out" $'\033' "and no colours, as this is no terminal"
run "$PAGODA" experiment looping --refs 1000 --seed 7
first=$out
run "$PAGODA" experiment looping --refs 1000 --seed 7
is "$out" "$first" "the same seed, the same chart"
run "$PAGODA" experiment tlb-staircase --pages 20 --machine textbook
like "$out" 'pages that TLBs hold: l1 16; sv39' "a machine may be named"
run "$PAGODA" experiment tlb-staircase --pages 20
like "$out" 'pages that TLBs hold: l1d 64, l2 1536; x86-64' "and one is taken if none is"
"$PAGODA" experiment tlb-staircase --pages 2 --json >t.json
is "$(member t.json "r['config']['tlb']['walkers'], r['params']['pages']")" "(2, '2')" \
    "which JSON tells, with the parameters"

# ---- files ----

run "$PAGODA" experiment looping --csv d.csv --html d.html --json
exit_is 0 "files and JSON at once"
printf '%s\n' "$out" >d.json
is "$(head -1 d.csv)" "series,x,y" "CSV has a header"
is "$(wc -l <d.csv)" $((1 + 5 * 100)) "and a line a point"
run "$PAGODA" experiment looping --csv e.csv
is "$out$(cmp e.csv d.csv)" "" "with a file the text is left out"
run "$PAGODA" experiment belady --strings 2 --csv b.csv
is "$(echo b*.csv)" "b-chance.csv b-family.csv b-faults.csv" "several charts are several files"
run "$PAGODA" experiment looping --csv -
is "$out" "$(<d.csv)" "- is standard output"
run "$PAGODA" experiment looping --csv no/where.csv
exit_is 4 "a folder that is not there"
cat >same.py <<'PYTHON'
"""same.py JSON CSV HTML: the three have the same numbers, and the page is whole."""
import csv, html.parser, json, re, sys
want = [(s["name"], x, y) for c in json.load(open(sys.argv[1]))["charts"]
        for s in c["series"] for x, y in zip(s["x"], s["y"])]
rows = [(n, float(x), float(y)) for n, x, y in list(csv.reader(open(sys.argv[2])))[1:]]
assert rows == want, "csv"
page = open(sys.argv[3]).read()

class Page(html.parser.HTMLParser):
    """Elements are closed in the order that they are opened in; nothing is asked of a network."""
    VOID = {"meta"}
    def __init__(self):
        super().__init__()
        self.open, self.text, self.rows, self.script, self.seen = [], {}, [], "", []
    def handle_starttag(self, tag, attrs):
        self.seen.append(tag)
        assert not {"src", "srcset", "style"} & {k for k, _ in attrs}, attrs
        assert not any(k == "href" for k, _ in attrs), attrs
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag not in self.VOID:
            self.open.append((tag, dict(attrs)))
    def handle_endtag(self, tag):
        assert self.open.pop()[0] == tag, tag
    def handle_data(self, data):
        if self.open and self.open[-1][0] == "script":
            kind = self.open[-1][1].get("type", "code")
            self.text[kind] = self.text.get(kind, "") + data
        elif self.open and self.open[-1][0] in ("td", "th"):
            self.rows[-1][-1] += data
        elif self.open and self.open[-1][0] == "style":
            assert "url(" not in data and "@import" not in data

p = Page()
p.feed(page)
p.close()
assert p.open == [], p.open
assert {"canvas", "table", "h1", "h2", "noscript"} <= set(p.seen)
data = json.loads(p.text["application/json"])
assert [(s["name"], x, y) for c in data for s in c["series"]
        for x, y in zip(s["x"], s["y"])] == want, "page data"
for c in data:
    for a in "xy":
        ticks = [t["at"] for t in c["axes"][a]["ticks"]]
        assert ticks == sorted(ticks) and len(ticks) > 1
        assert c["axes"][a]["lo"] <= ticks[0] and ticks[-1] <= c["axes"][a]["hi"]
assert p.rows[0] == [data[0]["x"]["label"]] + [s["name"] for s in data[0]["series"]]
assert len(p.rows) == 1 + len(data[0]["series"][0]["x"])
assert "Chart.js v" in p.text["code"] and "'use strict'" in p.text["code"]
print("same")
PYTHON
run python3 same.py d.json d.csv d.html
is "$out" same "JSON, CSV, the page and its table have the same numbers"
unlike "$(sed 's/https:..www.chartjs.org//; s/http:..www.w3.org[^"]*//' d.html | head -c 4000)" \
    'https?://' "and the page names no address"

# ---- the page's script ----

if command -v node >/dev/null; then
    run node "$PAGODA_TESTS/cli/page.js" d.html d.csv
    is "$out$err" "ok" "the page's script draws, switches series and offers the CSV"
else
    skip "no node to run the page's script"
fi

# ---- gnuplot ----

mkdir empty
refused 4 'gnuplot: no such program' "no gnuplot" \
    env PATH="$PWD/empty" "$PAGODA" experiment looping --svg x.svg
hinted 'gnuplot-nox'
mkdir broken
printf '#!/bin/sh\nexec >&2\necho "line 1: no way"\nexit 1\n' >broken/gnuplot
chmod +x broken/gnuplot
refused 4 'gnuplot could not draw hit_ratio: line 1: no way' "a gnuplot that fails" \
    env PATH="$PWD/broken:$PATH" "$PAGODA" experiment looping --png x.png
if ! command -v gnuplot >/dev/null; then
    skip "no gnuplot to draw with"
    finish
fi
run "$PAGODA" experiment looping --svg l.svg --png l.png
exit_is 0 "SVG and PNG"
is "$(head -c 8 l.png | od -An -tx1 | tr -d ' ')" 89504e470d0a1a0a "PNG is one"
cat >svg.py <<'PYTHON'
import re, sys, xml.dom.minidom as dom
d = dom.parse(sys.argv[1])
assert d.documentElement.tagName == "svg"
def text(node):
    return node.data if node.nodeType == node.TEXT_NODE else "".join(map(text, node.childNodes))
words = {" ".join(text(t).split()) for t in d.getElementsByTagName("text")}
for word in sys.argv[2:]:
    assert word in words, (word, sorted(words))
curves = [p for p in d.getElementsByTagName("path") if p.getAttribute("d").count("L") > 20]
print(len(curves))
PYTHON
run python3 svg.py l.svg opt lru fifo random clock '100 %' '20 %' 'hit ratio' 'memory, frames' 60
((out >= 5))
ok $? "the SVG is well-formed and has each curve, with the axes' words ($err)"
run "$PAGODA" experiment page-size @loop:pages=9,refs=99 --svg p.svg
run python3 svg.py p.svg '64 B' '4 MiB' 'page table' 'unused in pages'
is "$err" "" "units stand on the axes"
odd="it's 100 % <&> \`id\` \$x \\n.rwi"
printf 'R 1000\nR 5000\n' >"$odd"
run "$PAGODA" experiment page-size "$odd" --svg o.svg
run python3 svg.py o.svg "$odd through bounded; least with pages of 256 bytes"
is "$err" "" "and words are words, whatever they have in them"
finish
