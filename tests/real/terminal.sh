#!/usr/bin/env bash
# terminal.sh - busybox's shell at a terminal: prompt, line editing, job control, Ctrl-C.
. "${BASH_SOURCE[0]%/*}/real.sh"
needs busybox
# shellcheck disable=SC2046 # a list of words
program busybox $("$qemu" "$real/busybox" --list | grep -vx busybox)
exec python3 "$PAGODA_TESTS/real/terminal.py" "$PAGODA" world
