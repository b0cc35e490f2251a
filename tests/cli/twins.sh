#!/usr/bin/env bash
# twins.sh - programs that were built for the host and for RISC-V say the same, line for line: what
# Linux answers, and what Pagoda does. In every depth of the model, and where memory is short.
. "${BASH_SOURCE[0]%/*}/user.sh"

if [[ ! -r ${PAGODA_GUESTS:-}/hello ]]; then
    skip "no guests: no riscv64-linux-gnu-gcc to build them"
    finish
fi

# scratch NAME: an empty root, with only the twin in it.
scratch() {
    rm -rf root
    mkdir -p root/tmp
    cp "$PAGODA_GUESTS/twin_$1" root/twin
}

# same NAME WHERE OPTION...: what the run says is what expected.txt has.
same() {
    local name=$1 where=$2
    shift 2
    scratch "$name"
    run timeout 120 "$PAGODA" run "$@" --root root --writable -- /twin
    is "$out"$'\n'"status $status" "$(cat expected.txt)" "$name: as on Linux, $where"
}

for source in "$PAGODA_TESTS"/twins/*.c; do
    name=${source##*/}
    name=${name%.c}
    scratch "$name"
    (cd root && timeout 60 "$PAGODA_NATIVE/native_$name" && echo "status 0") >expected.txt
    like "$(cat expected.txt)" '^status 0$' "$name: Linux runs it"
    same "$name" "no model" --model none
    same "$name" "in little memory, with another scheduler" --memory 512KiB --policy clock \
        --swap ssd --sched mlfq
done
finish
