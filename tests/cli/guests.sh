#!/usr/bin/env bash
# guests.sh - guests as a user runs them: the same output and status as under qemu-riscv64 and as in
# guests/expected, and no way out of the root.
. "${BASH_SOURCE[0]%/*}/user.sh"

if [[ ! -r ${PAGODA_GUESTS:-}/hello ]]; then
    skip "no guests: no riscv64-linux-gnu-gcc to build them"
    finish
fi

# as_expected FILE NAME: what the last run gave is what the file has, its status in the last line.
as_expected() {
    [[ "$out"$'\n'"status $status" == "$(cat "$1")" || "status $status" == "$(cat "$1")" ]]
    tap_line $? "$2" "it gave:" "$out" "status $status"
}

for guest in "$PAGODA_SOURCE"/guests/expected/*.txt; do
    name=${guest##*/}
    name=${name%.txt}
    run "$PAGODA" run --root / --cwd "$PWD" --writable -- "$PAGODA_GUESTS/$name"
    as_expected "$guest" "$name: its output and status"
    # A guest that begins itself anew would be a program of the host then.
    if [[ $name != exec ]] && command -v qemu-riscv64 >/dev/null; then
        run qemu-riscv64 "$PAGODA_GUESTS/$name"
        as_expected "$guest" "$name: the same under qemu-riscv64"
    fi
done

# ---- misdeeds ----
run "$PAGODA" run -- "$PAGODA_GUESTS/wild"
as_expected "$PAGODA_SOURCE/tests/guests/wild.txt" "misdeeds end as on Linux"
if command -v qemu-riscv64 >/dev/null; then
    run qemu-riscv64 "$PAGODA_GUESTS/wild"
    as_expected "$PAGODA_SOURCE/tests/guests/wild.txt" "the same under qemu-riscv64"
fi
run "$PAGODA" run --processes 32 -- "$PAGODA_GUESTS/forkbomb"
like "$out" '^forks: some, then EAGAIN: 1$' "an endless fork ends"
run "$PAGODA" run --model none -- "$PAGODA_GUESTS/calls" 11 0 500 10
like "$out" '^500 calls, 500 ended$' "no argument harms the kernel"

# ---- the root ----
mkdir -p jail/a/b
printf 'inside\n' >jail/inside.txt
printf 'outside\n' >outside.txt
chmod 644 outside.txt
cp "$PAGODA_GUESTS/escape" jail/
run "$PAGODA" run --root jail -- /escape "$PWD/outside.txt"
exit_is 0 "a guest that would leave its root, which is not to be written"
unlike "$out" '[[:space:]]outside$' "finds nothing outside"
like "$out" '^/\.\./\.\./inside\.txt +inside$' "but what is above the root is the root"
like "$out" '^rename to outside: Read-only file system$' "and changes nothing"
is "$(ls jail)" $'a\nescape\ninside.txt' "nothing at all"
run "$PAGODA" run --root jail --writable -- /escape "$PWD/outside.txt"
exit_is 0 "the same where it may write"
unlike "$out" '[[:space:]]outside$' "finds nothing outside"
is "$(cat outside.txt; stat -c %a outside.txt)" $'outside\n644' "nor changes anything there"
like "$out" '^chdir a/b: 0, cwd /a/b$' "its directory is one below its root"
run "$PAGODA" run --root / --cwd "$PWD" --writable -- "$PAGODA_GUESTS/escape" none
unlike "$out" '^/proc/(self|1)/mem +[^NP ]' "the memory of the host's processes is not there"
finish
