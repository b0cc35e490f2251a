#!/usr/bin/env bash
# man.sh - the manual page: it lints, and has whatever can be named.
. "${BASH_SOURCE[0]%/*}/user.sh"

run "$PAGODA" man
exit_is 0 "man succeeds"
cp "$work/.out" pagoda.1
version=$("$PAGODA" --version)
is "$(head -1 pagoda.1)" \
    ".TH PAGODA 1 \"2026-11-21\" \"Pagoda ${version#pagoda }\" \"User Commands\"" \
    "it begins with its title and version"
if command -v mandoc >/dev/null; then
    is "$(mandoc -T lint pagoda.1)" "" "mandoc has nothing to say"
else
    skip "no mandoc"
fi
plain=$(sed 's/\\-/-/g; s/\\&//g; s/\\f[BIR]//g' pagoda.1)
for command in $("$PAGODA" help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    like "$plain" "\"pagoda $command\"" "it has the command $command"
    for flag in $("$PAGODA" help "$command" | sed -n 's/^  \(-., \|    \)\(--[a-z-]*\).*/\2/p'); do
        like "$plain" "^\.B \"${flag}[\",]" "and $flag of $command"
    done
done
"$PAGODA" list --json >all.json
for kind in policies schemes formats workloads devices readaheads allocators heaps storages \
    admissions detections stores presets; do
    for name in $(member all.json "' '.join(p['name'] for p in r['$kind'])"); do
        like "$plain" "^\.B \"$name\"" "it has $name of $kind"
    done
done
for status in 0 2 3 4 5; do
    like "$plain" "^\.B \"$status\"" "it has the exit status $status"
done
finish
