#!/usr/bin/env bash
# formats_docs.sh - docs/formats/ against the program: every member of the JSON reports, every key
# of a machine description, and the examples of traces and descriptions.
. "${BASH_SOURCE[0]%/*}/user.sh"

docs=$PAGODA_SOURCE/docs/formats

# ---- json.md ----

"$PAGODA" replay @uniform:pages=200,refs=2000 --frames 100 --walk-caches p1=4 --cache l1=4KiB/2 \
    --swap-size 100KiB --swap-slow hdd --list-high 4 --json >replay.json
"$PAGODA" thrash '@uniform:pages=200,refs=2000*2' --frames 100 --swap-size 100KiB \
    --swap-slow hdd --json >thrash.json
"$PAGODA" sched --jobs 0:8:io=3/2:cpus=0,0:5 --policy fifo,lottery --trace --json >sched1.json
"$PAGODA" sched --jobs 0:60,1:2 --policy mlfq,stcf,cfs,stride:new=floor --quantum 3 --trace --json \
    >sched2.json
python3 -c 'import json
print(json.dumps([json.load(open("sched%d.json" % i)) for i in range(1, 3)]))' >sched.json
"$PAGODA" partitions --jobs 0:4:memory=3K,0:4:memory=900K,0:3:memory=200K --at 1 --json \
    >partitions.json
if ! ldd "$PAGODA_MISTAKES" | grep -q libasan; then
    for mistake in twice leak; do
        "$PAGODA" heapcheck --json --report-to "check_$mistake.json" -- "$PAGODA_MISTAKES" \
            $mistake >check.out
    done
    python3 -c 'import json
print(json.dumps([json.load(open("check_%s.json" % m)) for m in ("twice", "leak")]))' \
        >heapcheck.json
fi
# An unknown call, and exit(3).
python3 "$PAGODA_TESTS/cli/tiny_elf.py" calls 7d000893 00000073 00300513 05d00893 00000073
"$PAGODA" run --root . --cpus 2 --json -- /calls 2>run.json
"$PAGODA" compare @uniform:pages=200,refs=2000 --policies lru --json >compare.json
"$PAGODA" locality @uniform:pages=200,refs=2000 --json >locality.json
"$PAGODA" tables @uniform:pages=200,refs=2000 sv39 --json >tables.json
"$PAGODA" curve @uniform:pages=200,refs=2000 --shards 0.5 --error --json >curve.json
"$PAGODA" info @uniform:pages=200,refs=2000 --json >info.json
"$PAGODA" list --json >list.json
exec {life}> >(exec "$PAGODA_SERVED" >served.out)
served=$!
sleep 0.5
"$PAGODA" top "$served" --interval 50ms --count 1 --json 2>top.err | head -1 >top.json
exec {life}>&-
"$PAGODA" watch $$ --interval 10ms --count 2 --json >watch.json 2>watch.err
"$PAGODA" convert @loop:refs=10 -o t.pgt --json >convert.json
printf '%s\n' request,call,address,bytes,align,from,thread,site alloc,malloc,0x10,24,0,0,1,here \
    free,free,0x20,0,0,0,1,there >requests.csv
"$PAGODA" heap requests.csv --at end --measure --json >heap.json
# No one reference has every kind of step.
spaces 1:0x1000 2:0x1000 1:0x2000 1:0x3000 1:0x4000 >s.trace
told() { # OPTION ...
    "$PAGODA" explain s.trace --format cloudsuite --tables apart --json "$@"
}
told --at 2 --tlb-tags flush >explain1.json
told --at 5 --frames 2 --policy opt >explain2.json
told --at 5 --frames 2 --policy aging >explain3.json
told --at 5 --tlb l1=1 --walk-caches p1=4 --prefetch next --cache l1=1KiB/2 >explain4.json
printf 'R 1000\nW 1000\n' >w.trace
"$PAGODA" explain w.trace --at 2 --marks trap --json >explain5.json
printf '%s\n' 'W 0' 'W 1000' 'W 2000' 'W 3000' 'W 4000' 'W 5000' 'W 6000' 'W 7000' 'R 1000' 'R 0' \
    >ahead.trace
for at in 9 10; do
    "$PAGODA" explain ahead.trace --at $at --frames 4 --tables apart --readahead vma --json \
        >explain$((at - 3)).json
done
python3 -c 'import json
print(json.dumps([json.load(open("explain%d.json" % i)) for i in range(1, 8)]))' >explain.json
if command -v valgrind >/dev/null; then
    "$PAGODA" record -o t.pgt --json -- true >record.json
fi
"$PAGODA" experiment looping --refs 100 --json >experiment.json
"$PAGODA" replay @uniform:pages=200,refs=2000 --as-live --memory 512KiB --json >as-live.json
"$PAGODA" advise @uniform:pages=200,refs=2000 --policies fifo --json >advise.json
"$PAGODA" live --memory 1MiB --report json -o live.json -- true 2>live.err
# members FILE: the paths of all members of a report, as json.md writes them.
members() {
    python3 - "$1" <<'PYTHON'
import json, sys
PARTS = {"policies", "schemes", "formats", "workloads", "devices", "readaheads", "allocators",
         "storages", "heaps", "schedulers", "admissions", "detections", "stores",
         "experiments", "vectors", "syscalls", "presets"}
# What has a table of its own in json.md, wherever it stands.
SHARED = {"fields": "FIELD", "entry": "ENTRY", "held": "ENTRY", "victim": "FRAME",
          "rivals": "FRAME", "memory_before": "FRAME", "memory_after": "FRAME"}
# What another report's table has.
ELSEWHERE = {("machine", "run"), ("config", "explain"), ("config", "experiment"),
             ("config", "compare"), ("config", "thrash")}
def paths(value, at):
    if isinstance(value, dict):
        for key, inner in value.items():
            for one in (inner if isinstance(inner, list) else [inner]) if key in SHARED else []:
                yield from paths(one, SHARED[key])
            if key in SHARED or (key, value.get("kind")) in ELSEWHERE:
                continue
            if key == "params" and isinstance(inner, dict): # each experiment has its own
                inner = {"PARAM": one for one in inner.values()}
            yield from paths(inner, "%s.%s" % (at, key) if at else "PART" if key in PARTS else key)
    elif isinstance(value, list):
        for inner in value:
            yield from paths(inner, at + "[]")
    else:
        yield at
whole = json.load(open(sys.argv[1]))
print("\n".join(sorted({p for one in (whole if isinstance(whole, list) else [whole])
                        for p in paths(one, "")})))
PYTHON
}
for kind in replay as-live advise run top watch live compare curve thrash sched partitions heap \
    heapcheck locality tables explain experiment info list convert record; do
    if [[ ! -s $kind.json ]]; then
        skip "nothing to make a report of $kind with"
        continue
    fi
    documented=$(sed -n "/^## $kind\$/,/^## /s/^| \`\([^\`]*\)\` |.*/\1/p" "$docs/json.md" | sort)
    is "$(LC_ALL=C sort <<<"$documented")" "$(LC_ALL=C sort <<<"$(members $kind.json)")" \
        "json.md names each member of $kind, and no other"
done
is "$(python3 -c 'import json
replay, run = json.load(open("replay.json")), json.load(open("run.json"))
print(sorted(set(run["machine"]) ^ set(replay)))')" \
    "['kind', 'schema', 'slow_device', 'trace', 'version']" \
    "the machine of run is that of replay"
# What a count and a price mean is written once in the source and once in the page.
python3 - "$PAGODA_SOURCE" >meanings <<'PYTHON'
import re, sys
root = sys.argv[1]
page = open(root + "/docs/formats/json.md").read()
rows = re.findall(r"^\| `([^`]*)` \| [^|]* \| (.*) \|$", page, re.M)
doc = dict(reversed(rows)) # a member of several reports: as replay has it, the first
for path, macro, member in (("counts.h", "VM_COUNTS", "counts.%s"),
                            ("cache.h", "VM_CACHE_COUNTS", "caches[].%s"),
                            ("pager.h", "VM_PAGER_COUNTS", "pager.%s"),
                            ("engine.h", "VM_PRICES", "prices.%s_ns")):
    text = open("%s/include/pagoda/%s" % (root, path)).read()
    table = re.search(r"#define %s\(X\)(.*?)\n\n" % macro, text, re.S)[1].replace("\\\n", "")
    rows = re.findall(r'X\((\w+),\s*((?:"[^"]*"\s*)+)\)', table)
    for field, words in rows:
        means = "".join(re.findall(r'"([^"]*)"', words))
        same = doc.get(member % field) == means
        print("same" if same else "json.md: %s: not %s" % (member % field, means))
PYTHON
is "$(sort -u meanings)" same "counts and prices mean what the source says"
(($(wc -l <meanings) > 40))
ok $? "all of them"

# ---- machine.md ----

while read -r section key flag fallback; do
    like "$(grep -F "| \`$section\` | \`$key\` | \`--$flag\` |" "$docs/machine.md")" \
        " \`$fallback\` \| " \
        "machine.md has [$section] $key with its default"
done < <(python3 -c 'import json
for o in json.load(open("list.json"))["options"]:
    print(o["section"], o["key"], o["name"], o["default"].replace("/", "."))')
sed -n '/^    ; A small machine/,/^[^ ]/s/^    //p' "$docs/machine.md" >small.ini
run "$PAGODA" replay @loop:pages=400 -m small.ini
exit_is 0 "its example is a machine"
like "$out" '^  price +memory_ns +100$' "to the last line"
while read -r _ _ levels; do
    run "$PAGODA" replay @loop:pages=9 --tlb "$levels"
    exit_is 0 "TLBs $levels"
done < <(sed -n '/^## TLBs/,/^## /s/^    \(levels = [^;]*[^ ;]\) *;.*/\1/p' "$docs/machine.md")
while read -r _ _ levels; do
    run "$PAGODA" replay @loop:pages=9 --cache "$levels"
    exit_is 0 "caches $levels"
done < <(sed -n '/^## Caches/,/^## /s/^    \(levels = [^;]*[^ ;]\) *\(;.*\)*/\1/p' \
    "$docs/machine.md")
# Each message of the table is what the program says.
while IFS= read -r text && IFS= read -r message; do
    printf '%b' "$text" >mine.ini
    run "$PAGODA" replay @loop -m mine.ini
    is "${err%%$'\n'*}" "pagoda: $message" "the message: $message"
    grep -qF "\`$message\`" "$docs/machine.md"
    ok $? "which is in machine.md"
done <<'MISTAKES'
[memory]\nsiez = 1
mine.ini:2: unknown key of section [memory] "siez"
[memroy]\nsize = 1
mine.ini:2: unknown section "memroy"
[run]\nseed = 1\n[policy]\nname = lur
mine.ini:4: unknown policy "lur"
[price]\nfault_ns = -1
mine.ini:2: [price] fault_ns: -1 is out of range: expected 0 to 1e12
[memory]\nsize 3
mine.ini:2: cannot be read: expected "[section]", "key = value" or a comment after ;
[tlb]\nlevels = l1=16/3
mine.ini:2: TLB ways do not divide the entries: 16 entries in sets of 3 leave 1 over
[cache]\nlevels = l1=48KiB/8
mine.ini:2: a cache of 768 lines in 8 ways has 96 sets: expected a power of two
MISTAKES

# ---- traces.md ----

formats=$("$PAGODA" list formats | sed -n 's/^  \([^ ][^ ]*\).*/\1/p')
is "$(sed -n 's/^## \([a-z]*\)$/\1/p' "$docs/traces.md")" "$formats" \
    "traces.md has the formats, in their order"
for format in $formats; do
    for param in $(member list.json "' '.join(p['name'] for f in r['formats']
                                      if f['name'] == '$format' for p in f['params'])"); do
        like "$(sed -n "/^## $format\$/,/^## /p" "$docs/traces.md")" "\`${param}[=\`]" \
            "parameter $param of $format is there"
    done
done
for format in lackey pin din rwi requests csv pages; do
    sed -n "/^## $format\$/,/^## /s/^    //p" "$docs/traces.md" >"$format.trace"
    run "$PAGODA" info "$format.trace" --json
    cp "$work/.out" i.json
    is "$(member i.json 'r["trace"]["format"]')" "$format" "the example of $format is one"
done
sed -n '/^## oracle$/,/^## /s/^    //p' "$docs/traces.md" | python3 -c 'import sys
sys.stdout.buffer.write(bytes.fromhex(sys.stdin.read()))' >oracle.trace
run "$PAGODA" info oracle.trace --format oracle
exit_is 0 "the example of oracle is one"
finish
