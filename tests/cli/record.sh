#!/usr/bin/env bash
# record.sh - `pagoda record`: what it keeps of a program, and what it says when it cannot.
. "${BASH_SOURCE[0]%/*}/user.sh"

refused 4 '^pagoda: no-such-program: no such program' "a program that is not there" \
    "$PAGODA" record -- no-such-program
refused 4 '^pagoda: \.: no such program' "a folder" "$PAGODA" record -- .
refused 2 '^pagoda: expected -- and a program' "none at all" "$PAGODA" record --
refused 2 'standard output is the program' "a trace on the program's output" \
    "$PAGODA" record -o - -- true
mkdir bin
ln -s "$(type -P true)" bin/true
refused 4 '^pagoda: valgrind: no such program' "no valgrind" \
    env PATH="$work/bin" "$PAGODA" record -- true
hinted 'install valgrind'
if ! command -v valgrind >/dev/null; then
    skip "no valgrind"
    finish
fi

run "$PAGODA" record -- true
exit_is 0 "true is recorded"
is "$out" "" "with nothing on standard output"
like "$err" '^true\.pgt: [0-9,]{6,} references$' "under the program's name, which is told"
run "$PAGODA" info true.pgt --json
cp "$work/.out" i.json
is "$(member i.json '(r["trace"]["format"], r["origin"], min(r["refs"].values()) > 1000,
    r["events"]["map"] > 3)')" \
    "('pgt', 'pagoda record -- true', True, True)" "with its references and mappings"
run "$PAGODA" replay true.pgt --frames 64
exit_is 0 "and can be replayed"
like "$out" '^    major: from the file +[1-9]' "in too little memory"

# ---- a file that is mapped shared ----

# FLAGS: a program that maps 16 pages of a file so, writes to each, reads them for a while, takes
# half of the mapping away and reads on.
cat >map.c <<'C'
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>
int main(void)
{
    int fd = open("mapped", O_RDWR | O_CREAT | O_TRUNC, 0600);
    volatile char *p;
    int sum = 0;
    if (fd < 0 || ftruncate(fd, 16 * 4096) != 0)
        return 1;
    p = mmap(NULL, 16 * 4096, PROT_READ | PROT_WRITE, FLAGS, fd, 0);
    if (p == MAP_FAILED)
        return 2;
    for (int i = 0; i < 16; i++)
        p[i * 4096] = (char)(i + 1);
    for (int k = 0; k < 20000; k++)
        sum += p[k % 16 * 4096];
    munmap((char *)p + 8 * 4096, 8 * 4096);
    for (int k = 0; k < 20000; k++)
        sum += p[k % 8 * 4096];
    return sum == 0;
}
C
if ! command -v cc >/dev/null; then
    skip "no cc"
else
    for flags in MAP_SHARED MAP_PRIVATE; do
        cc -O1 -DFLAGS=$flags -o $flags map.c &&
            "$PAGODA" record -o $flags.pgt -- ./$flags 2>/dev/null
        "$PAGODA" info $flags.pgt --json >$flags.info
        "$PAGODA" replay $flags.pgt --memory 8MiB --json >$flags.json
        "$PAGODA" replay $flags.pgt --memory 8MiB --json --flush-ms 0.2 >$flags.flushed
    done
    maps='r["maps"]["shared_file"], sum(r["maps"].values()) == r["events"]["map"]'
    is "$(member MAP_SHARED.info "$maps") $(member MAP_PRIVATE.info "$maps")" \
        "(1, True) (0, True)" "what a program maps shared is recorded as that"
    run "$PAGODA" info MAP_SHARED.pgt
    like "$out" '^  map +[0-9]+ +events: [0-9]+ anonymous, [0-9]+ file, 1 shared file$' "and told"
    run "$PAGODA" convert MAP_SHARED.pgt -o again.pgt
    is "$("$PAGODA" info again.pgt --json | python3 -c 'import json, sys
print(json.load(sys.stdin)["maps"]["shared_file"])')" 1 "a conversion keeps it"
    written='tuple(r["counts"][k] for k in ("flushes", "shared_writes"))'
    is "$(member MAP_SHARED.json "$written")" "(0, 8)" \
        "in a replay what is unmapped is written to the file"
    is "$(member MAP_SHARED.flushed "$written")" "(16, 0)" \
        "and with a flusher every page, before that"
    is "$(member MAP_PRIVATE.json "$written") $(member MAP_PRIVATE.flushed "$written")" \
        "(0, 0) (0, 0)" "of a private mapping nothing"
fi

printf 'two\nlines\n' >input
status=0
echo piped | "$PAGODA" record -o cat.pgt -- cat input - >output 2>err || status=$?
is "$status $(<output)" "0 two
lines
piped" "a program's input and output are its own"
run "$PAGODA" record -o status.pgt --json -- sh -c 'exit 7'
exit_is 0 "that the program fails is no failure of recording"
cp "$work/.out" r.json
is "$(member r.json 'r["kind"], r["program_status"], r["refs"] > 1000')" "('record', 7, True)" \
    "but told in JSON"
run "$PAGODA" record -o status.pgt -- sh -c 'exit 7'
like "$err" 'references; the program ended with status 7$' "and in words"
run "$PAGODA" record -o status.pgt -- sh -c 'kill -KILL $$'
like "$err" '^status\.pgt: .*signal 9$' "a signal too"
run "$PAGODA" info status.pgt
like "$out" "^  made by pagoda record -- sh -c 'kill -KILL \\$\\$'\$" \
    "which info shows as it was typed"
printf '#!/none\n' >broken
chmod +x broken
run "$PAGODA" record -o broken.pgt -- ./broken
exit_is 4 "what valgrind cannot run"
like "$err" '^pagoda: \./broken: valgrind could not run it' "is told"
[[ ! -e broken.pgt ]]
ok $? "and leaves no trace"
run "$PAGODA" record -o options.pgt -- ls -A --color=never input
is "$out" "input" "a program has its own options"

refused 4 '^pagoda: none/t\.pgt: cannot create it' "an output in no folder" \
    "$PAGODA" record -o none/t.pgt -- true
refused 4 '^pagoda: /dev/full: the disk is full' "a full disk" "$PAGODA" record -o /dev/full -- true
refused 4 'is a directory' "an output that is a folder" "$PAGODA" record -o bin -- true

# An interrupt from the keyboard goes to both: the program ends, what it did is kept.
set -m
"$PAGODA" record -o interrupted.pgt -- sleep 20 2>err &
child=$!
set +m
sleep 2
kill -INT -- -"$child"
wait "$child"
is $? 0 "an interrupt ends the program, not the recording"
run "$PAGODA" info interrupted.pgt
exit_is 0 "which is whole"
finish
