#!/usr/bin/env bash
# list.sh - `pagoda list` and `pagoda show`: every row of every table, and descriptions that work.
. "${BASH_SOURCE[0]%/*}/user.sh"

# rows FILE MACRO: how many a table has.
rows() {
    grep -c "^$2(" "$PAGODA_SOURCE/$1"
}
run "$PAGODA" list
exit_is 0 "list succeeds"
everything=$out
run "$PAGODA" list --json
cp "$work/.out" all.json
while read -r kind table macro; do
    like "$everything" "^$kind\$" "list has $kind"
    is "$(member all.json "len(r['$kind'])")" "$(rows "$table" "$macro")" "each row of $table"
    run "$PAGODA" list "$kind"
    is "$(grep -cE '^  (--)?[^ ]' <<<"$out")" "$(rows "$table" "$macro")" "and by itself"
    run "$PAGODA" list "$kind" --json
    is "$(python3 -c 'import json, sys; print(sorted(json.loads(sys.argv[1])))' "$out")" \
        "$(python3 -c "print(sorted(['schema', 'kind', 'version', '$kind']))")" \
        "and by itself as JSON"
done <<'TABLES'
policies src/policy/policies.def POLICY
schemes src/scheme/schemes.def SCHEME
formats src/trace/formats.def FORMAT
workloads src/trace/workloads.def WORKLOAD
devices src/device/devices.def DEVICE
readaheads src/readahead/readaheads.def READAHEAD
allocators src/alloc/allocators.def ALLOCATOR
heaps src/heap/heaps.def HEAP
schedulers src/sched/schedulers.def SCHEDULER
presets machines/presets.def PRESET
options src/engine/options.def OPTION
TABLES
like "$everything" '^      load=clear +[a-z].*\(clear\|referenced\)' \
    "parameters have value, help and words"
like "$everything" '^  --memory +\[memory\] size +physical memory, .*default 64MiB' \
    "options have their place in a file"

for name in $(member all.json '" ".join(p["name"] for p in r["policies"])'); do
    run "$PAGODA" replay @uniform:pages=40,refs=400 --frames 20 --policy "$name"
    exit_is 0 "policy $name can be named"
done
for name in $(member all.json '" ".join(p["name"] for p in r["schemes"])'); do
    run "$PAGODA" replay @uniform:pages=40,refs=400 --scheme "$name" --tables apart --memory 16MiB
    [[ $err =~ expected\ ([0-9]+).*,\ those\ of\ scheme ]] && # pages of 4 KiB are not for all
        run "$PAGODA" replay @uniform:pages=40,refs=400 --scheme "$name" --tables apart \
            --memory 16MiB --page "${BASH_REMATCH[1]}"
    exit_is 0 "scheme $name can be named"
done
for name in $(member all.json '" ".join(p["name"] for p in r["devices"])'); do
    run "$PAGODA" replay @uniform:pages=40,refs=400,writes=1 --frames 40 --swap "$name"
    exit_is 0 "device $name can be named"
done
for name in $(member all.json '" ".join(p["name"] for p in r["workloads"])'); do
    run "$PAGODA" info "@$name" --refs 1000
    exit_is 0 "workload $name can be named"
done
for name in $(member all.json '" ".join(p["name"] for p in r["presets"])'); do
    run "$PAGODA" show "$name"
    is "$out" "$(<"$PAGODA_SOURCE/machines/$name.ini")" "show $name is its file"
    run "$PAGODA" replay @uniform:pages=40,refs=400 -m "$name"
    exit_is 0 "preset $name can be named"
done
finish
