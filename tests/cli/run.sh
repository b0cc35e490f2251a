#!/usr/bin/env bash
# run.sh - `pagoda run`: how a program ends, what is told of it and where, and what cannot be run.
# The programs are a few instructions each, so that no compiler is needed.
. "${BASH_SOURCE[0]%/*}/user.sh"

elf() { # NAME WORD ...
    python3 "$PAGODA_TESTS/cli/tiny_elf.py" "$@"
}

# patched FROM TO OFFSET FORMAT NUMBER: a copy with another number in it, packed so.
patched() {
    python3 - "$@" <<'PYTHON'
import struct, sys
data = bytearray(open(sys.argv[1], "rb").read())
struct.pack_into(sys.argv[4], data, int(sys.argv[3]), int(sys.argv[5], 0))
open(sys.argv[2], "wb").write(data)
PYTHON
}

guest() { # OPTION ... -- PROGRAM ...
    run "$PAGODA" run --root . "$@"
}

elf three
elf hello 00100513 00000597 02058593 00600613 04000893 00000073 00000513 05d00893 00000073 \
    6c6c6568 00000a6f
elf wild 00003503
elf illegal 00000000
elf endless 0000006f
elf killed 00100513 00f00593 08100893 00000073 0000006f
elf unknown 1a900893 00000073 1a900893 00000073 7d000893 00000073 00000513 05d00893 00000073
elf failing fff00513 03900893 00000073 00000513 05d00893 00000073
# fork; the child counts from 524288 down, yields twice and exits with 7. Its parent, whose page has
# come meanwhile, waits for it.
elf forked 01100513 00000593 0dc00893 00000073 02051463 000802b7 fff28293 fe029ee3 07c00893 \
    00000073 00000073 00700513 05d00893 00000073 fff00513 00000593 00000613 00000693 10400893 \
    00000073 00000513 05d00893 00000073

# ---- how it ends ----

guest -- /three
exit_is 3 "the exit status is the program's"
is "$out$err" "" "which is all that is told unasked"
guest -- /hello
exit_is 0 "a program that writes"
guest -- hello
exit_is 0 "a program begins where its user is"
mkdir -p below
cp hello below/near
cd below || exit
run "$PAGODA" run --root .. -- ./near
exit_is 0 "below the root, too"
refused 3 'near: cannot be run' "unless --cwd says where" "$PAGODA" run --root .. --cwd / -- ./near
cd ..
run "$PAGODA" run --root below -- near
exit_is 0 "and at the root if that is elsewhere"
guest -- /hello
is "$out" "hello" "writes to standard output"
guest -- /wild
exit_is 139 "128 and SIGSEGV"
guest -- /illegal
exit_is 132 "and SIGILL"
guest -- /killed
exit_is 143 "and SIGTERM, which it sent itself"
guest --instructions 1000 --report -- /endless
like "$err" 'as many instructions were executed as the run may have' "a run that had to end"

# ---- the report, as text and as JSON ----

for model in none tlb full; do
    guest --model $model --report -- /forked
    text=$err
    guest --model $model --json -- /forked
    printf '%s' "$err" >$model.json
    like "$text" "^Run, model $model: exit 0$" "$model: how it ended"
    is "$(member $model.json '(r["model"], r["exit"], r["signal"], r["ended"])')" \
        "('$model', 0, None, None)" "$model: and as JSON"
    while read -r label member; do
        n=$(member $model.json "format($member, ',')")
        like "$text" "^  ${label//_/ } +$n$" "$model: ${label//_/ } are $n in both"
    done <<'ROWS'
instructions r["instructions"]
system_calls r["system_calls"]
page_faults r["machine"]["counts"]["faults"]
signals r["signals"]
switches_of_threads r["thread_switches"]
processes len(r["processes"])
environment_call_from_U-mode {t["scause"]:t["n"]for(t)in(r["traps"])}[8]
frames_in_use_at_the_end r["frames_left"]
ROWS
    is "$(member $model.json '[(p["pid"], p["ppid"], p["name"], p["exit"])
        for p in r["processes"]]')" "[(2, 1, 'forked', 7), (1, 0, 'forked', 0)]" "$model: processes"
    like "$text" '^ +2 +1  forked +exit 7 ' "$model: and their table"
done
is "$(member none.json '(r["instructions"], r["system_calls"])')" \
    "$(member full.json '(r["instructions"], r["system_calls"])')" "a model changes no program"

guest --report-to r.txt -- /forked
exit_is 0 "a report into a file"
is "$out$err" "" "and nowhere else"
guest --report -- /forked
is "$(cat r.txt)" "$err" "is the report"
guest --json --report-to r.json -- /three
is "$(member r.json 'r["exit"]')" 3 "as JSON it is JSON"

# ---- unknown system calls ----

guest --report -- /unknown
is "$(grep -c 'is not here' <<<"$err")" 2 "each unknown call is told of once"
like "$err" '^  system call 425 \(io_uring_setup\) is not here: ENOSYS$' "with its name"
like "$err" '^  system call 2000 is not here: ENOSYS$' "if it has one"
guest --json -- /unknown
printf '%s' "$err" >u.json
is "$(member u.json '[(c["number"], c["name"]) for c in r["unknown_syscalls"]]')" \
    "[(425, 'io_uring_setup'), (2000, None)]" "and so as JSON"
twice=$(sed -nE 's/^(SYSCALL|ABSENT)\(([0-9]+), .*/\2/p' \
    "$PAGODA_SOURCE"/src/kernel/{syscalls,absent}.def | sort | uniq -d)
is "$twice" "" "no call is here and absent"

# ---- traces ----

guest --trace syscalls -- /hello
like "$err" '^ +0\.[0-9]{6} ms +1 call +write\(1, "hello\\n", 6\) = 6$' "a call with its text"
like "$err" ' 1 call +exit\(0\) = \?$' "one without an answer"
guest --trace syscalls -- /failing
like "$err" 'close\(-1\) = -EBADF$' "an error has its name"
guest --trace syscalls -- /unknown
like "$err" 'system call 425 \(io_uring_setup\) = -ENOSYS$' "a call that is not here"
guest --trace traps -- /three
like "$err" ' trap +scause 8 \(environment call from U-mode\), sepc 0x10080, stval 0x0 -> call$' \
    "a trap with its cause and its handler"
guest --trace faults -- /wild
like "$err" ' fault +fetch 0x10078, pc 0x10078: .*, r-x /wild$' "a fault with its mapping"
like "$err" ' fault +load 0x0, pc 0x10078: no mapping: SIGSEGV$' "one that is refused"
guest --trace signals -- /killed
like "$err" ' signal +SIGTERM: ends the process$' "a signal"
guest --trace sched -- /forked
like "$err" ' sched +forked runs: 1 sleeps in wait4$' "a switch, and why"
like "$err" ' sched +forked runs: 2 has ended$' "and the switch back"
guest --trace traps,sched --trace-to t.txt -- /forked
is "$err" "" "a trace into a file"
told=$(sed -E 's/^ *[0-9.]+ ms +[0-9]+ ([a-z]+) .*/\1/' t.txt | sort -u | tr '\n' ' ')
is "$told" "sched trap " "has what was asked for"
guest --trace traps,sched -- /forked
is "$(cat t.txt)" "$err" "and is what standard error would have"
is "$(grep -c $'\033' t.txt)" 0 "without colours"
if [[ $(script -qec 'echo there' /dev/null </dev/null 2>/dev/null) == there* ]]; then
    told=$(env -u NO_COLOR TERM=xterm script -qec "$PAGODA run --root . --trace traps -- /three" \
        /dev/null </dev/null) || true
    like "$told" $'^\033\\[2m.* trap ' "a terminal has colours"
else
    skip "script can make no pseudo terminal here"
fi
guest --report -- /forked
plain=$err
guest --report --trace traps,faults,syscalls,sched,signals --trace-to t.txt -- /forked
is "$err" "$plain" "a trace changes nothing"

# ---- lists ----

run "$PAGODA" list vectors
like "$out" '^  8 +environment call from U-mode -> call: the system call in a7$' "the vector table"
like "$out" '^  interrupt 5 +supervisor timer interrupt -> timer: ' "with its interrupt"
run "$PAGODA" list syscalls
like "$out" '^  openat +system call 56$' "the system calls"
is "$(grep -c . <<<"$out")" "$(grep -c '^SYSCALL' "$PAGODA_SOURCE/src/kernel/syscalls.def")" \
    "all of them"

# ---- what cannot be run ----

bad() { # STATUS REGEX NAME [OPTION ...] -- PROGRAM
    local status=$1 regex=$2 name=$3
    shift 3
    refused "$status" "$regex" "$name" "$PAGODA" run --root . "$@"
}
echo 'no program' >words
cp "$(type -P true)" native
mkdir folder
patched three dynamic 64 '<I' 3
head -c 100 three >headless
head -c 124 three >truncated
patched three outside 24 '<Q' 0x20000
patched three beyond 80 '<Q' 0xffffffffff000
patched three object 16 '<H' 1
bad 3 '^pagoda: /nothing: ' "no such program" -- /nothing
bad 3 '^pagoda: /folder: ' "a folder" -- /folder
bad 3 '^pagoda: /words: not an ELF file: expected a static program for rv64gc Linux' "a text" \
    -- /words
bad 3 '^pagoda: /native: a program for another architecture \(ELF machine [0-9]+, 64 bits\)' \
    "the host's own program" -- /native
bad 3 '^pagoda: /dynamic: a dynamically linked program' "a dynamic program" -- /dynamic
hinted 'link it with -static'
bad 3 '^pagoda: /headless: its table of segments lies behind its end' "no whole head" -- /headless
bad 3 '^pagoda: /truncated: segment 0 is 132 bytes from 0 on, of a file of 124' "no whole segment" \
    -- /truncated
bad 3 '^pagoda: /outside: its entry 0x20000 is in no segment' "an entry outside" -- /outside
bad 3 '^pagoda: /beyond: segment 0 lies at 0xffffffffff000: expected addresses below' \
    "addresses beyond the space" -- /beyond
bad 3 '^pagoda: /object: an ELF file of type 1: expected a program' "an object file" -- /object
bad 5 'memory' "too little memory to begin" --memory 8KiB -- /three
refused 2 "^pagoda: --root nowhere: .*: expected a directory" "a root that is not there" \
    "$PAGODA" run --root nowhere -- /three
refused 2 "^pagoda: --root words: Not a directory: expected a directory" \
    "a root that is no folder" "$PAGODA" run --root words -- /three
bad 2 '^pagoda: unknown model "tbl"' "a misspelt model" --model tbl -- /three
hinted '"tlb"'
bad 2 '^pagoda: unknown scheduler "mlqf"' "a misspelt scheduler" --sched mlqf -- /three
hinted '"mlfq"'
bad 2 '^pagoda: unknown trace "fualts"' "a misspelt trace" --trace traps,fualts -- /three
hinted '"faults"'
bad 2 '^pagoda: unknown overcommit "nevr"' "a misspelt word" --overcommit nevr -- /three
hinted '"never"'
bad 2 'quantum 0: expected milliseconds, more than 0' "no quantum" --quantum 0 -- /three
bad 2 'tick -1' "a tick backwards" --tick=-1 -- /three
bad 2 'instruction-ns 0: expected more than 0' "instructions in no time" \
    --instruction-ns 0 -- /three
bad 2 'processes 0: expected 1 to 4000' "no processes" --processes 0 -- /three
bad 2 'trace-to without --trace' "a file for no trace" --trace-to t2.txt -- /three
bad 4 'no-such-folder' "a report that cannot be written" --report-to no-such-folder/r.txt -- /three
bad 4 'no-such-folder' "a trace that cannot be" --trace traps --trace-to no-such-folder/t -- /three
bad 5 "^pagoda: policy opt must know what comes: expected another one" \
    "a policy that must know the future" --policy opt -- /three
bad 5 "^pagoda: scheme segmentation has segments: expected one of pages" "a scheme without pages" \
    --scheme segmentation -- /three
refused 2 'which program\?|expected -- and a program' "no program" "$PAGODA" run
bad 3 '/nothing' "no program leaves no trace" --trace traps --trace-to t3.txt --report-to r3.txt \
    -- /nothing
finish
