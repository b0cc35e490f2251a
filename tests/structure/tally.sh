#!/usr/bin/env bash
# tally.sh - tests/tally.py counts test functions, and takes no silence for success.
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/../cli/tap.sh"

# ran RESULT STATUS OUTPUT: a test program's line in a log as Meson writes it.
ran() {
    printf '{"name":"unit/x","result":"%s","returncode":%d,"stdout":"%s","stderr":""}\n' \
        "$1" "$2" "${3//$'\n'/\\n}" >>log.json
}

# counts WANT STATUS NAME: what the tally makes of the log so far; the log is empty again after.
counts() {
    run python3 "$here/../tally.py" log.json
    is "${out##*$'\n'}" "$1" "$3"
    exit_is "$2" "  with status $2"
    : >log.json
}

ran OK 0 $'1..2\nok 1 - a\nok 2 - b'
ran OK 0 $'1..1\nok 1 - c'
counts "3 passed, 0 failed" 0 "test functions are counted, not programs"

ran ERROR 1 $'1..2\nok 1 - a\nnot ok 2 - b\n# a.c:9: error'
run python3 "$here/../tally.py" log.json
like "$out" 'a\.c:9: error' "a failure is shown with its diagnostics"
counts "1 passed, 1 failed" 1 "a failing function is one failure"

ran OK 0 $'1..2\nok 1 - a\nnot ok 2 # SKIP b'
counts "1 passed, 0 failed, 1 skipped" 0 "cmocka writes a skipped function as not ok"

ran ERROR -11 $'1..3\nok 1 - a'
counts "1 passed, 1 failed" 1 "a crash is a failure"
ran ERROR -6 $'1..1\nok 1 - a'
counts "1 passed, 1 failed" 1 "a crash after the last test, too"
ran ERROR 0 $'1..3\nok 1 - a'
counts "1 passed, 1 failed" 1 "fewer tests than planned are a failure"
ran ERROR 1 $'1..1\nok 1 - a'
counts "1 passed, 1 failed" 1 "so is a bad status when all passed: a leak, perhaps"
ran TIMEOUT -15 $'1..3\nok 1 - a'
counts "1 passed, 1 failed" 1 "a program that was stopped is a failure"
ran OK 0 ""
counts "0 passed, 1 failed" 1 "silence is a failure"
ran OK 0 "1..0"
counts "0 passed, 1 failed" 1 "a program without tests is a failure"
ran SKIP 0 "1..0 # SKIP no such kernel"
counts "0 passed, 0 failed, 1 skipped" 1 "nothing but skips is no success"
counts "0 passed, 0 failed" 1 "no program at all is no success"
run python3 "$here/../tally.py" --broke "the build"
is "${out##*$'\n'}" "0 passed, 1 failed" "a part that did not build is a failure"
finish
