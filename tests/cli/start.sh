#!/usr/bin/env bash
# start.sh - the first words with the program: versions, help, and commands that are none.
. "${BASH_SOURCE[0]%/*}/tap.sh"

run "$PAGODA" --version
exit_is 0 "--version succeeds"
like "$out" '^pagoda [0-9]+\.[0-9]+\.[0-9]+' "and prints the version"
is "$err" "" "and nothing else"

run "$PAGODA" help
exit_is 0 "help succeeds"
like "$out" '^usage: pagoda COMMAND' "and says how to go on"

run "$PAGODA"
exit_is 2 "no command is a mistake of usage"
is "$out" "" "which leaves standard output to results"
like "$err" 'pagoda' "and is told on standard error"

run "$PAGODA" replya
exit_is 2 "so is an unknown command"
like "$err" '^pagoda: .*replya' "which is named"
like "$err" '^hint: .*replay' "with the nearest one"
finish
