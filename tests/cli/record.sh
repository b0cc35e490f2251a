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
