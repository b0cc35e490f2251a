#!/usr/bin/env bash
# terminal.sh - pipes that close early, output that cannot be written, and what a terminal sees.
. "${BASH_SOURCE[0]%/*}/user.sh"

"$PAGODA" convert @loop:pages=9,refs=1000 -o t.pgt 2>/dev/null
# shellcheck disable=SC2016 # the inner shells expand it
early() { # COMMAND
    run bash -c "$1"
    is "$err" "" "quiet: $1"
    ((status == 0))
    ok $? "and no failure"
}
early '"$PAGODA" list | head -1 >/dev/null'
early '"$PAGODA" man | true'
early '"$PAGODA" info t.pgt | true'
early '"$PAGODA" info @loop:refs=1M | true'
early '"$PAGODA" replay t.pgt --json | head -c 1 >/dev/null'
early '"$PAGODA" convert @uniform:refs=1M -o - 2>/dev/null | head -c 1 >/dev/null'
for command in help list man 'show skylake' 'info t.pgt' 'replay t.pgt' 'replay t.pgt --json' \
    'info t.pgt --json' 'list --json' 'replay --help' '--version' 'sched --jobs 0:5' \
    'sched --jobs 0:5 --trace'; do
    # shellcheck disable=SC2086 # words
    status=0 err=$("$PAGODA" $command 2>&1 >/dev/full) || status=$?
    is "$status ${err%%:*}" "4 pagoda" "a full disk is a failure of: $command"
    like "$err" 'No space left on device' "and says why"
done
for command in help 'info t.pgt' 'replay t.pgt' 'replay nothing' 'replay t.pgt --policy lur' \
    'sched --jobs 0:5'; do
    # shellcheck disable=SC2086
    unlike "$("$PAGODA" $command 2>&1)" $'\033' "no escape sequence in a pipe: $command"
done

if [[ $(script -qec 'echo there' /dev/null </dev/null 2>/dev/null) != there* ]]; then
    skip "script can make no pseudo terminal here"
    finish
fi
# shown VARIABLE=VALUE COMMAND: what a terminal is sent, byte for byte; seen: without the returns.
shown() {
    env -u NO_COLOR TERM=xterm "$1" script -qec "$2" /dev/null </dev/null
}
seen() {
    shown "TERM=xterm" "$1" | tr -d '\r'
}
# Python feeds a conversion slowly, so that it is long work on any machine.
cat >slow.py <<'PYTHON'
import sys, time
for i in range(10):
    sys.stdout.write("R 1000\n" * 250000)
    sys.stdout.flush()
    time.sleep(0.12)
PYTHON
like "$(seen "'$PAGODA' info t.pgt")" $'^\033\\[1mTrace\033\\[0m' "a terminal gets colours"
like "$(seen "'$PAGODA' sched --jobs 0:1,0:1 --quantum 1")" \
    $'cpu 0 \033\\[0m \033\\[31mA\033\\[0m\033\\[32mB\033\\[0m' "each job has its colour"
unlike "$(shown NO_COLOR=1 "'$PAGODA' info t.pgt")" $'\033' \
    "unless NO_COLOR is set"
unlike "$(shown TERM=dumb "'$PAGODA' info t.pgt")" $'\033' \
    "or it is a dumb one"
like "$(seen "'$PAGODA' replay t.pgt --policy lur")" $'^\033\\[31mpagoda:\033\\[0m unknown policy' \
    "and a complaint stands out"
bar=$(shown TERM=xterm "python3 slow.py | '$PAGODA' convert - -o slow.pgt")
like "$bar" 'converting  [0-9,]+ references' "long work shows how far it is"
like "$(tail -1 <<<"$bar")" $'\r\033\\[K[^\r\033]*slow\\.pgt: 2,500,000 references' \
    "and the line is wiped at its end"
run bash -c "python3 slow.py | '$PAGODA' convert - -o slow.pgt"
is "$err" "slow.pgt: 2,500,000 references" "in a pipe there is none"
unlike "$(seen "'$PAGODA' convert t.pgt -o u.pgt")" 'converting' "nor for short work"
finish
