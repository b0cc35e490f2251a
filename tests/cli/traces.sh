#!/usr/bin/env bash
# traces.sh - every format and compression through the program; `pagoda info`; `pagoda convert`.
. "${BASH_SOURCE[0]%/*}/user.sh"

samples
for format in $("$PAGODA" list formats | sed -n 's/^  \([^ ][^ ]*\).*/\1/p'); do
    trace=samples/$format.trace
    run "$PAGODA" info "$trace" --json
    exit_is 0 "a trace of $format is read"
    cp "$work/.out" i.json
    pages=2
    case $format in
    requests) kinds='[0, 0, 0]' pages=0 ;; # no references
    pin) kinds='[3, 1, 0]' ;;           # no fetches in it
    pages | oracle) kinds='[4, 0, 0]' ;; # no kinds
    *) kinds='[1, 1, 2]' ;;
    esac
    is "$(member i.json 'r["trace"]["format"], list(r["refs"].values()), r["pages_4k"]')" \
        "('$format', $kinds, $pages)" "recognised, with its reads, writes, fetches and pages"
    run "$PAGODA" info "$trace" --format "$format" --json
    cmp -s "$work/.out" i.json
    ok $? "and the same when told"
    run "$PAGODA" replay "$trace" --frames 30
    exit_is 0 "and is replayed"
    run "$PAGODA" convert "$trace" -o converted.pgt
    exit_is 0 "and converted"
    run "$PAGODA" info converted.pgt --json
    cp "$work/.out" c.json
    same='{k: v for k, v in r.items() if k not in ("trace", "origin")}'
    is "$(member c.json "$same")" "$(member i.json "$same")" "without a change"
    rm converted.pgt
done

for tool in gzip:gz xz:xz zstd:zst; do
    if ! command -v "${tool%:*}" >/dev/null; then
        skip "no ${tool%:*}"
        continue
    fi
    "${tool%:*}" -c samples/lackey.trace >"packed.${tool#*:}" 2>/dev/null
    run "$PAGODA" info "packed.${tool#*:}" --json
    cp "$work/.out" i.json
    is "$(member i.json 'r["trace"]["format"], r["touches"]')" "('lackey', 4)" \
        "${tool%:*} is undone"
done
if command -v zip >/dev/null; then
    zip -q packed.zip samples/drmemtrace.trace
    run "$PAGODA" info packed.zip
    exit_is 0 "zip is undone"
else
    skip "no zip"
fi

# info
run "$PAGODA" info samples/lackey.trace
for part in References Footprint Regions Runs; do
    like "$out" "^$part( |\$)" "info has a part $part"
done
like "$out" '^  fetches +2 +50\.0 %, 8 B$' "references by kind, with bytes"
like "$out" '^  pages of 4 KiB +2 +8 KiB$' "the footprint"
like "$out" '^ +1 to 1 +2 ' "the lengths of runs"
"$PAGODA" convert samples/lackey.trace -o from.pgt 2>/dev/null
run "$PAGODA" info from.pgt
like "$out" '^  made by pagoda convert samples/lackey.trace$' "a .pgt tells how it was made"
run "$PAGODA" info --json @zipf:refs=1000,pages=50
cp "$work/.out" a.json
run "$PAGODA" info --json @zipf:refs=1000,pages=50 --seed 9
! cmp -s "$work/.out" a.json
ok $? "--seed makes another workload"
run "$PAGODA" info @loop --skip 10 --refs 7 --json
cp "$work/.out" i.json
is "$(member i.json 'r["touches"]')" 7 "--skip and --refs"
name=$'caf\xe9.pgt'
cp from.pgt "$name"
run "$PAGODA" info "$name" --json
cp "$work/.out" i.json
is "$(member i.json 'r["trace"]["name"]')" 'caf?.pgt' \
    "a file name that is not UTF-8 does not spoil JSON"
finish
