#!/usr/bin/env bash
# step.sh - `pagoda step`: its commands by lines and by keys.
. "${BASH_SOURCE[0]%/*}/user.sh"

printf '%s\n' 7 0 1 2 0 3 0 4 2 3 0 3 2 1 2 0 1 7 0 1 >string.trace
machine=(--frames 3 --policy lru --tables apart --tlb l1=2)

# walk COMMAND...: the references that are shown, one after the other.
walk() {
    printf '%s\n' "$@" | "$PAGODA" step string.trace "${machine[@]}" 2>&1 |
        sed -n 's/^Reference \([0-9,]*\):.*/\1/p' | tr '\n' ' '
}
is "$(walk q)" "1 " "it begins at the first reference"
is "$(walk n '' n q)" "1 2 3 4 " "n and an empty line go on"
is "$(walk n n b b)" "1 2 3 2 1 " "b goes back, and the end of the input is an end"
is "$(walk 'g 15' b 'g 3' n)" "1 15 14 3 4 " "g goes anywhere"
is "$(walk f f f f)" "1 2 3 4 6 " "f goes to the next fault"
is "$(walk e e e)" "1 4 6 8 " "e to the next eviction"
is "$(walk t t t t t)" "1 2 3 4 5 6 " "t to the next TLB miss"
is "$(walk 'g 19' e)" "1 19 " "and stays where there is none ahead"

say() {
    printf '%s\n' "$@" | "$PAGODA" step string.trace "${machine[@]}" 2>&1
}
like "$(say 'g 20' e)" '^no further eviction$' "which it says"
like "$(say 'g 21')" '^no reference 21: the trace has 20$' "so it does of the end"
like "$(say b)" '^this is the first reference$' "and of the beginning"
like "$(say 'g x')" '^g x: expected a reference' "and of what is no number"
like "$(say z)" '^no command "z"; h lists them$' "and of what is no command"
like "$(say h)" '^b +the one before' "h lists them"
like "$(say 'g 4')" '^      frame 0 +page 2 .*before: page 7$' "what memory held before is told"
like "$(say 'g 4')" '^      evictions +0 -> 1$' "and each count that changes"

say 'g 12' >ahead
say 'g 20' 'g 12' >back
is "$(sed -n '/^Reference 12:/,$p' back)" "$(sed -n '/^Reference 12:/,$p' ahead)" \
    "a story is the same from ahead and from behind"
"$PAGODA" explain string.trace --at 12 "${machine[@]}" >explained
is "$(sed -n '/^Reference 12:/,$p' ahead)" "$(sed -n '/^Reference 12:/,$p' explained)" \
    "and as explain tells it"
is "$(printf 'n\n' | "$PAGODA" step string.trace --at 9 "${machine[@]}" |
    sed -n 's/^Reference \([0-9]*\):.*/\1/p' | tr '\n' ' ')" "9 10 " "--at begins elsewhere"
refused 2 'expected a trace in a file' "commands and trace from one input" "$PAGODA" step -
refused 2 'no reference 99' "a beginning past the end" "$PAGODA" step string.trace --at 99
refused 2 'expected a trace' "no trace" "$PAGODA" step

# ---- by keys ----

cat >keys.py <<'PYTHON'
import fcntl, os, pty, select, struct, sys, termios, time
def read(fd, until, seconds=20):
    got, end = b"", time.time() + seconds
    while until not in got and time.time() < end:
        if select.select([fd], [], [], 0.05)[0]:
            try:
                more = os.read(fd, 65536)
            except OSError:
                break
            if not more:
                break
            got += more
    return got.decode(errors="replace")
pid, fd = pty.fork()
if pid == 0:
    os.environ["TERM"] = "xterm"
    os.environ["NO_COLOR"] = "1"
    os.execv(sys.argv[1], sys.argv[1:])
fcntl.ioctl(fd, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 90, 0, 0))
for keys, until in ((b"", b" q quit"), (b"n", b"\033[7m 2 "), (b"e", b"\033[7m 4 "),
                    (b"b", b"\033[7m 3 "), (b"g", b"go to reference: "),
                    (b"1x\x7f2\n", b"\033[7m 12 "), (b"j", b"\033[7m 12 "), (b"h", b"TLB miss\r"),
                    (b"q", b"\033[?1049l")):
    os.write(fd, keys)
    got = read(fd, until)
    lines = got.split("\033[H\033[J")[-1].count("\n") + 1
    print(keys.decode().strip() or "start", "yes" if until in got.encode() else "no",
          "fits" if lines <= 20 else "too long")
print("status", os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
PYTHON
if [[ $(script -qec 'echo there' /dev/null </dev/null 2>/dev/null) != there* ]]; then
    skip "no pseudo terminal here"
    finish
fi
run python3 keys.py "$PAGODA" step string.trace "${machine[@]}"
is "$(grep -c ' yes fits$' <<<"$out")" 9 "each key does on a terminal what its line does"
like "$out" '^status 0$' "and q ends well"
finish
