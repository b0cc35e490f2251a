# shellcheck shell=bash
# tap.sh - sourced first by test scripts: says in TAP what held and what did not.
#
#     . "${BASH_SOURCE[0]%/*}/tap.sh"
#     run "$PAGODA" info nothing.pgt            # sets $status, $out, $err
#     exit_is 4 "a file that is not there is the host's no"
#     like "$err" '^pagoda: nothing\.pgt: ' "the message begins with the place"
#     finish
#
# A script works in an empty folder of its own ($work, its current folder), which is removed at the
# end. One that ends before `finish` has printed no plan, and so counts as a failure.
# shellcheck disable=SC2034 # out, err and status are for the scripts
set -u
tap_here=$PWD
work=$(mktemp -d "${TMPDIR:-/tmp}/pagoda-test.XXXXXX")
trap 'cd "$tap_here" && rm -rf "$work"' EXIT
cd "$work" || exit 1
tap_count=0
tap_failed=0

# run COMMAND...: keep its exit status, standard output and standard error.
run() {
    status=0
    "$@" >"$work/.out" 2>"$work/.err" </dev/null || status=$?
    out=$(<"$work/.out")
    err=$(<"$work/.err")
}

# tap_line STATUS NAME NOTE...: the line of one test; the notes tell why it failed.
tap_line() {
    local verdict=$1 name=$2 note
    shift 2
    tap_count=$((tap_count + 1))
    if ((verdict == 0)); then
        printf 'ok %d - %s\n' "$tap_count" "$name"
        return
    fi
    tap_failed=$((tap_failed + 1))
    printf 'not ok %d - %s\n' "$tap_count" "$name"
    for note; do
        printf '# %s\n' "${note//$'\n'/$'\n# '}"
    done
}

# ok STATUS NAME: of a condition just tested: [[ -s out.json ]]; ok $? "the report is not empty"
ok() {
    tap_line "$1" "$2" "status $1"
}

# is GOT WANT NAME: equal texts.
is() {
    [[ $1 == "$2" ]]
    tap_line $? "$3" "got:" "$1" "wanted:" "$2"
}

# like TEXT REGEX NAME: the text has a line that the extended regular expression matches.
like() {
    grep -qE -e "$2" <<<"$1"
    tap_line $? "$3" "got:" "$1" "wanted a match of:" "$2"
}

# unlike TEXT REGEX NAME: it has none.
unlike() {
    ! grep -qE -e "$2" <<<"$1"
    tap_line $? "$3" "got:" "$1" "wanted no match of:" "$2"
}

# exit_is WANT NAME: of the last `run`.
exit_is() {
    ((status == $1))
    tap_line $? "$2" "exit status $status, wanted $1; it said:" "$out" "$err"
}

# skip WHY: one test that cannot run here.
skip() {
    tap_count=$((tap_count + 1))
    printf 'ok %d # SKIP %s\n' "$tap_count" "$1"
}

# The plan, and a status that says whether all held. No test at all is a failure.
finish() {
    printf '1..%d\n' "$tap_count"
    ((tap_failed == 0 && tap_count > 0))
    exit $?
}
