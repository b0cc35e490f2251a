# shellcheck shell=bash
# real.sh - sourced by tests of programs that are not ours instead of tap.sh, which it brings.
#
# The idea: a program runs twice, under qemu-riscv64 and under Pagoda, each time in its own copy of
# one folder, `world`, with equal arguments. What it says, how it ends and what it leaves behind
# must be equal, byte for byte.
#
#     world/bin/PROGRAM ...      the programs; a shell finds them by $PATH
#     world/desk/                where they begin, and may write
#
# build.sh makes the programs; where one is not there its tests are skipped. PAGODA_REAL_SIZE=full
# (./dev real) wants the large runs too; the tests of every day are done in seconds.
# shellcheck disable=SC2034 # size is for the scripts
tap=${BASH_SOURCE[0]%/*}/../cli/tap.sh
# shellcheck source=tests/cli/tap.sh
. "$tap"
real=${PAGODA_REAL:-${XDG_CACHE_HOME:-$HOME/.cache}/pagoda/real}
size=${PAGODA_REAL_SIZE:-quick}
qemu=$(command -v qemu-riscv64)
options=(--model none) # of `pagoda run`, for the runs to come
times=''               # lines of what a program says that tell times: each machine's own

# needs NAME...: or the whole script is skipped.
needs() {
    local name
    for name; do
        [[ -e $real/$name ]] && continue
        skip "$name is not built: ./dev real does it where Debian's sources can be had"
        finish
    done
    [[ -n $qemu ]] && return
    skip "there is no qemu-riscv64 to compare with"
    finish
}

# program NAME [LINK...]: it is in the world, under the links' names too.
program() {
    local name=$1 link
    shift
    mkdir -p world/{bin,desk,etc}
    cp "$real/$name" world/bin/
    cp /etc/passwd /etc/group world/etc/ # names of owners
    for link; do
        ln -s "$name" "world/bin/$link"
    done
}

# A program that QEMU's guest executes is the host's to run: it gets a script that starts QEMU.
wrap() { # FOLDER
    local link name
    rm -rf wrapped && mkdir wrapped
    for link in "$1"/bin/*; do
        name=${link##*/}
        printf '#!/bin/sh\nexec %s -0 %s %s "$@"\n' "$qemu" "$name" "$PWD/$link" >"wrapped/$name"
    done
    chmod +x wrapped/*
}

# theirs PROGRAM ARGUMENT...: under QEMU; leaves theirs/, theirs.out, theirs.err, $theirs_status.
theirs() {
    rm -rf theirs && cp -a world theirs && wrap theirs
    theirs_status=0
    (cd theirs/desk && PATH=$OLDPWD/wrapped HOME=/ TERM=dumb exec "$qemu" -0 "/bin/$1" \
        "../bin/$1" "${@:2}") >theirs.out 2>theirs.err </dev/null || theirs_status=$?
}

# ours PROGRAM ARGUMENT...: under Pagoda; leaves ours/, ours.{out,err,json}, $ours_status.
ours() {
    rm -rf ours && cp -a world ours
    ours_status=0
    "$PAGODA" run "${options[@]}" --json --report-to ours.json --root ours --cwd /desk --writable \
        -- "/bin/$1" "${@:2}" >ours.out 2>ours.err </dev/null || ours_status=$?
}

# count NAME: of the last run of ours, as the JSON report has it.
count() {
    python3 -c 'import json, sys
print(json.load(open("ours.json"))["machine"]["counts"][sys.argv[1]])' "$1"
}

# What is in a folder: kinds, rights, links, lengths; contents are for `diff`.
manifest() {
    (cd "$1" && find . -type d -printf '%M %p\n' -o -printf '%M %n %s %p %l\n' | sort -k 3)
}

# What it said, but for lines that tell times.
said() { # FILE
    if [[ -n $times ]]; then grep -vE "$times" "$1"; else cat "$1"; fi
}

same() { # NAME
    local notes
    notes=$(diff <(said theirs.out) <(said ours.out) 2>&1 | head -n 20 && diff theirs.err ours.err | head -n 20 &&
        diff -r --no-dereference theirs/desk ours/desk | head -n 20 &&
        diff <(manifest theirs/desk) <(manifest ours/desk) | head -n 20)
    [[ -z $notes && $theirs_status == "$ours_status" ]]
    tap_line $? "$1" "exit status $ours_status, under QEMU $theirs_status" "$notes"
}

# both NAME PROGRAM ARGUMENT...: one test.
both() {
    theirs "${@:2}"
    ours "${@:2}"
    same "$1"
}

# again NAME OPTION... -- PROGRAM ARGUMENT...: what `both` ran last, on another machine.
again() {
    local name=$1 before=("${options[@]}")
    shift
    while [[ $1 != -- ]]; do
        options+=("$1")
        shift
    done
    shift
    ours "$@"
    same "$name"
    options=("${before[@]}")
}

# squeezed COMMAND...: in a quarter of the frames that it had last, it does the same, with more
# faults.
squeezed() {
    local frames faults
    frames=$(count frames_peak) faults=$(count faults)
    again "the same in $((frames / 4)) of $frames frames" --memory "$((frames / 4 * 4))KiB" \
        --swap ssd -- "$@"
    (($(count faults) > faults))
    tap_line $? "with more faults" "$(count faults) and $faults"
}
