#!/usr/bin/env bash
# convert.sh - where `pagoda convert` writes, and what is there when it cannot, or is stopped.
. "${BASH_SOURCE[0]%/*}/user.sh"

trace=@uniform:pages=2000,refs=300k
run "$PAGODA" convert "$trace" -o t.pgt
exit_is 0 "a workload becomes a trace"
is "$out" "" "nothing goes to standard output"
like "$err" '^t\.pgt: 300,000 references$' "what was written is told"
version=$("$PAGODA" --version | cut -d' ' -f2)
run "$PAGODA" convert "$trace" -o t2.pgt --json
is "$(python3 -c 'import json, sys; print(json.loads(sys.argv[1]))' "$out")" \
    "{'schema': 1, 'kind': 'convert', 'version': '$version', 'refs': 300000, 'requests': 0,"\
" 'refs_lost': 0}" \
    "--json tells it to programs"
cmp -s t.pgt t2.pgt
ok $? "the same trace gives the same bytes"
run "$PAGODA" convert t.pgt -o t.pgt
exit_is 0 "onto itself"
cmp -s t.pgt t2.pgt
ok $? "leaves the same trace"
"$PAGODA" convert t.pgt -o - 2>/dev/null | cmp -s - t.pgt
ok $? "-o - writes the trace, and nothing else, to standard output"
refused 2 'both write to standard output' "where JSON cannot go too" \
    "$PAGODA" convert t.pgt -o - --json
"$PAGODA" convert - -o - <t.pgt 2>/dev/null | "$PAGODA" info - >i.txt
like "$(cat i.txt)" '^References +300,000$' "a chain of pipes"

refused 4 '^pagoda: /dev/full: the disk is full' "a full disk" \
    "$PAGODA" convert "$trace" -o /dev/full
refused 4 '^pagoda: none/t\.pgt: cannot create it: No such file' "a folder that does not exist" \
    "$PAGODA" convert "$trace" -o none/t.pgt
refused 4 'is a directory' "a folder" "$PAGODA" convert "$trace" -o .
refused 4 'cannot open: No such file' "no trace" "$PAGODA" convert nothing.pgt -o u.pgt
printf 'R 1000\nR 2000\n' >good
printf 'R 1000\nR 20 00\n' >bad
refused 3 '^pagoda: bad:2: ' "a trace that breaks off leaves no file" \
    "$PAGODA" convert bad --format rwi -o u.pgt
cp t.pgt keep.pgt
run "$PAGODA" convert bad --format rwi -o keep.pgt
exit_is 3 "and where a file stood"
cmp -s t.pgt keep.pgt
ok $? "that file stays as it was"
ln -s keep.pgt link.pgt
"$PAGODA" convert good -o link.pgt 2>/dev/null
[[ -L link.pgt ]] && ! cmp -s t.pgt keep.pgt
ok $? "a symbolic link stays one, and leads to the new trace"

# A program that is stopped in the middle: the writer waits on a pipe that nobody feeds.
stopped() { # SIGNAL
    mkfifo feed
    set -m # without job control a child in the background ignores SIGINT
    env --default-signal=HUP "$PAGODA" convert feed -o stopped.pgt 2>stopped.err &
    local child=$!
    set +m
    exec 3>feed
    cat good >&3
    sleep 0.3
    kill -"$1" "$child"
    wait "$child" 2>/dev/null
    local end=$?
    exec 3>&-
    rm feed stopped.err
    ((end > 128))
    ok $? "SIG$1 stops a conversion"
    is "$(echo stopped* .stopped*)" "stopped* .stopped*" "and no file is left"
}
# Without O_TMPFILE the writer needs a name, *.part, from the start.
unnamed=$(python3 -c 'import os
try:
    os.close(os.open(".", os.O_TMPFILE | os.O_WRONLY)); print("yes")
except OSError:
    print("no")')
for signal in INT TERM HUP KILL; do
    if [[ $unnamed == yes ]]; then
        stopped $signal
    else
        skip "the file system has no unnamed files"
    fi
done

# A torn trace is made whole.
"$PAGODA" convert @uniform:pages=300,refs=1M -o long.pgt 2>/dev/null
head -c $(($(stat -c %s long.pgt) * 3 / 4)) long.pgt >torn.pgt
refused 3 'torn block' "a torn trace is refused" "$PAGODA" convert torn.pgt -o whole.pgt
run "$PAGODA" convert torn.pgt --salvage -o whole.pgt
exit_is 0 "--salvage keeps what is left"
like "$err" '^whole\.pgt: [0-9,]+ references, [0-9,]+ lost to damage$' "and says how much was lost"
run "$PAGODA" replay whole.pgt
exit_is 0 "the result is whole"
finish
