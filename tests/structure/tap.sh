#!/usr/bin/env bash
# tap.sh - the script harness (tests/cli/tap.sh) can fail: each helper, on what does not hold.
here=$(cd "${BASH_SOURCE[0]%/*}" && pwd)
. "$here/../cli/tap.sh"

# A script with these lines, run on its own.
script() {
    printf '. "%s/../cli/tap.sh"\n' "$here" >"$work/script.sh"
    printf '%s\n' "$@" finish >>"$work/script.sh"
    run bash "$work/script.sh"
}

script 'is a a "equal"' 'like "one two" "^one" "begins"' 'unlike abc x "no x"' 'run true' \
    'exit_is 0 "true is true"' '[[ -d $work ]]; ok $? "a folder to work in"' 'skip "no reason"'
exit_is 0 "a script in which all holds succeeds"
like "$out" '^1\.\.6$' "and plans what it ran"
unlike "$out" '^not ok' "and reports no failure"

script 'is a b "unequal"'
exit_is 1 "is: unequal texts fail"
like "$out" '^not ok 1 - unequal$' "and the test is named"
like "$out" '^# b$' "with what was wanted"

script 'like abc x "no x"'
like "$out" '^not ok 1' "like: a text that does not match fails"
script 'unlike abc b "a b"'
like "$out" '^not ok 1' "unlike: a text that matches fails"
script 'run false' 'exit_is 0 "false is true"'
like "$out" '^not ok 1' "exit_is: another exit status fails"
script '[[ -e nothing ]]; ok $? "it exists"'
like "$out" '^not ok 1' "ok: a condition that does not hold fails"
script ''
exit_is 1 "a script without tests fails"
script 'exit 0'
unlike "$out" '^1\.\.' "a script that ends early prints no plan"
script 'touch left; echo "$work"'
[[ ! -e ${out%%$'\n'*} ]]
ok $? "the folder of a script is gone after it"
finish
