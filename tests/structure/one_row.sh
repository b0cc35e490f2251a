#!/usr/bin/env bash
# one_row.sh - adding a policy, scheme, allocator, heap, storage, device, readahead, scheduler,
# store, format, workload, admission, detection or experiment is one file and one line.
#
# In a copy of the tree each table gets a fake: a file copied from a row that is there, its name
# changed, and one line. Nothing else is edited. Then the program must list the fake, and the
# conformance tests, where its kind has one, must hold it to its contract.
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/../cli/tap.sh"
root=${PAGODA_SOURCE:-$here/../..}

# kind as `pagoda list` has it | table | row macro | folder of the files | the row that is copied
rows="\
policies   src/policy/policies.def   POLICY    src/policy          fifo
schemes    src/scheme/schemes.def    SCHEME    src/scheme          sv39
allocators src/alloc/allocators.def  ALLOCATOR src/alloc           buddy
heaps      src/heap/heaps.def        HEAP      src/heap            tlsf
storages   src/alloc/partitions.def  PARTITION src/alloc/partition single
devices    src/device/devices.def    DEVICE    src/device          hdd
readaheads src/readahead/readaheads.def READAHEAD src/readahead stride
schedulers src/sched/schedulers.def SCHEDULER src/sched rr
formats    src/trace/formats.def     FORMAT    src/trace/formats   din
workloads  src/trace/workloads.def   WORKLOAD  src/trace/workloads chase
admissions src/analysis/admissions.def ADMISSION src/analysis/admission fixed
stores src/live/stores.def STORE src/live/store memory
detections src/analysis/detections.def DETECTION src/analysis/detection device
experiments src/analysis/experiments.def EXPERIMENT src/analysis/experiments looping"

# The file of a fake row: the model's, with its name changed wherever it is not an #include.
add_file() { # FOLDER MODEL
    sed -E "/^ *# *include/!s/(^|[^[:alnum:]])$2([^[:alnum:]]|\$)/\1fake\2/g" \
        "$1/$2.c" >"$1/fake.c"
}

listed() { # KIND NAME
    build/pagoda list "$1" | grep -qE "^ *$2( |:|\$)"
}

mkdir tree
(cd "$root" && tar -cf - --exclude='./build*' --exclude=./.git --exclude=./fuzz-out .) |
    tar -xf - -C tree
cd tree || exit 1

# Without optimization: this build is for its lists, not for its speed.
run meson setup build -Dbuildtype=debug -Dtests=enabled
exit_is 0 "a copy of the tree configures"

while read -r kind table macro folder model; do
    printf '%s(fake)\n' "$macro" >>"$table"
done <<<"$rows"
run meson setup --reconfigure build
ok $((status == 0)) "lines without their files do not configure"

while read -r kind table macro folder model; do
    add_file "$folder" "$model"
done <<<"$rows"
run meson setup --reconfigure build
exit_is 0 "with one file each they do"
run ninja -C build pagoda tests/conform_policy tests/conform_scheme tests/conform_alloc \
    tests/conform_heap tests/conform_readahead tests/conform_sched tests/conform_partition \
    tests/conform_store
exit_is 0 "and build"

while read -r kind table macro folder model; do
    listed "$kind" fake
    ok $? "pagoda list $kind names the fake"
done <<<"$rows"
listed policies forged
ok $(($? == 0)) "and no policy that is not there"

# That the conformance tests look at the fakes shows when these break the contract in the plainest
# way: by the name of another row.
run meson test -C build --no-rebuild conform/policy conform/scheme conform/alloc \
    conform/heap conform/readahead conform/sched conform/partition conform/store
exit_is 0 "the conformance tests pass"
grep -c '"result": "OK"' build/meson-logs/testlog.json >passed
is "$(<passed)" 8 "all of them"
sed -i 's/"fake"/"fifo"/' src/policy/fake.c
sed -i 's/"fake"/"sv39"/' src/scheme/fake.c
sed -i 's/"fake"/"buddy"/' src/alloc/fake.c
sed -i 's/"fake"/"tlsf"/' src/heap/fake.c
sed -i 's/"fake"/"single"/' src/alloc/partition/fake.c
sed -i 's/"fake"/"stride"/' src/readahead/fake.c
sed -i 's/"fake"/"rr"/' src/sched/fake.c
sed -i 's/"fake"/"memory"/' src/live/store/fake.c
run ninja -C build pagoda tests/conform_policy tests/conform_scheme tests/conform_alloc \
    tests/conform_heap tests/conform_readahead tests/conform_sched tests/conform_partition \
    tests/conform_store
exit_is 0 "fakes with the names of others build"
for room in policy scheme alloc heap partition readahead sched store; do
    run meson test -C build --no-rebuild "conform/$room"
    like "$out" "conform/$room +(FAIL|ERROR)" "and the conformance tests catch the $room"
done
finish
