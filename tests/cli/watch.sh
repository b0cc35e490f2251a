#!/usr/bin/env bash
# watch.sh - `pagoda watch`: what a process touches, how that grows with the window, and what it
# refuses.
. "${BASH_SOURCE[0]%/*}/user.sh"

# 48 MiB, of which 6 are touched again and again; then one more MiB each 0.2 s.
cat >work.py <<'PYTHON'
import mmap, sys, time
memory = mmap.mmap(-1, 48 << 20, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
memory.madvise(15)  # MADV_NOHUGEPAGE: pages of 4 KiB
for at in range(0, len(memory), 4096):
    memory[at] = 1
print("ready", flush=True)
end = time.time() + float(sys.argv[1])
began = time.time()
while time.time() < end:
    grown = int((time.time() - began) / 0.2) if len(sys.argv) > 2 else 0
    for at in range(0, min(6 + grown, 48) << 20, 4096):
        memory[at] = 2
    time.sleep(0.01)
PYTHON
start() { # SECONDS [grows]
    exec {ready}< <(exec python3 work.py "$@")
    pid=$!
    read -r _ <&"$ready"
}

start 30
run "$PAGODA" watch "$pid" --interval 200ms --count 4 --json
if ((status == 4)) && grep -q 'clearing its referenced bits' <<<"$err"; then
    skip "no referenced bits here: $err"
    kill "$pid"
    finish
fi
exit_is 0 "four windows"
cp "$work/.out" w.json
is "$(member w.json '[len(r["samples"]), r["pid"], r["command"], r["method"], r["ended"]]')" \
    "[4, $pid, 'python3', 'clear-refs', False]" "who was watched, and how"
is "$(member w.json '[6 << 20 <= s["kinds"]["anon"]["touched_bytes"] < 10 << 20
    for s in r["samples"]]')" "[True, True, True, True]" "6 MiB of 48 are touched in each window"
is "$(member w.json 'all(s["kinds"]["anon"]["rss_bytes"] >= 48 << 20 for s in r["samples"])')" \
    True "48 MiB are resident"
is "$(member w.json '[all(s[m] == sum(k[m] for k in s["kinds"].values()) for s in r["samples"])
    for m in ("rss_bytes", "touched_bytes", "swapped_bytes")]')" "[True, True, True]" \
    "kinds sum up"
is "$(member w.json 'all(0.19e9 < s["window_ns"] < 2e9 and s["mark_ns"] > 0 and s["look_ns"] > 0
    for s in r["samples"])')" True "windows and what watching took are told"
run "$PAGODA" watch "$pid" --interval 50ms --count 3 --maps --csv w.csv
exit_is 0 "as text"
is "$(grep -cE '^ +[0-9.]+ [mn]?s +[0-9.]+ ms ' <<<"$out")" 3 "a row a window"
like "$out" ' heap +anon +stack +file +shared' "by kind"
like "$out" '^Touched in a window: .* resident: ' "a summary"
like "$out" '^Watching cost: a mark .* each page after a mark .* of its time' "what it perturbs"
like "$out" "^Each mark takes from the kernel's reclaim" "and whose bits it takes"
like "$out" '\* resident +\+ touched' "a chart"
like "$(<w.csv)" '^touched,' "its data"
kill "$pid"

start 20 grows
run "$PAGODA" watch "$pid" --curve --interval 50ms --count 6 --json
exit_is 0 "one mark, windows that grow"
cp "$work/.out" c.json
is "$(member c.json '[all(a["touched_bytes"] <= b["touched_bytes"] and
    a["window_ns"] < b["window_ns"] for a, b in zip(r["samples"], r["samples"][1:])),
    r["samples"][-1]["touched_bytes"] - r["samples"][0]["touched_bytes"] > 3 << 20]')" \
    "[True, True]" "the longer the window, the larger the set"
kill "$pid"

start 0.5
run "$PAGODA" watch "$pid" --interval 100ms
exit_is 0 "without a count it ends with the process"
like "$out" '^The process has ended' "and says so"

# ---- refusals ----

run "$PAGODA" watch 999999999
exit_is 4 "a process that there is not"
is "$err" "pagoda: no process 999999999" "is named"
run "$PAGODA" watch redis
exit_is 2 "no number"
like "$err" '"redis" is no process: expected its number' "is explained"
run "$PAGODA" watch
exit_is 2 "no process"
run "$PAGODA" watch $$ --method guess
exit_is 2 "an unknown method"
like "$err" 'unknown method "guess"' "is named"
run "$PAGODA" watch $$ --interval 0
exit_is 2 "no time"
run "$PAGODA" watch $$ --curve --count 50
exit_is 2 "windows that never end"
exec {ended}< <(exec python3 -c 'import os, signal, time
signal.signal(signal.SIGCHLD, signal.SIG_DFL)
child = os.fork()
if child == 0:
    os._exit(0)
os.waitid(os.P_PID, child, os.WEXITED | os.WNOWAIT)
print(child, flush=True)
time.sleep(20)')
parent=$!
read -r zombie <&"$ended"
run "$PAGODA" watch "$zombie"
exit_is 4 "a process that has ended"
like "$err" 'has ended: nobody has waited for it' "is explained"
kill $parent
thread=
for stat in /proc/[0-9]*/stat; do
    read -r line <"$stat" 2>/dev/null || continue
    read -r _ _ _ _ _ _ flags _ <<<"${line##*)}"
    ((flags & 0x200000)) && thread=${stat//[!0-9]/} && break
done
if [[ -n $thread ]]; then
    run "$PAGODA" watch "$thread"
    exit_is 4 "a thread of the kernel's"
    like "$err" "is a thread of the kernel's" "is explained"
else
    skip "no kernel threads are to be seen here"
fi
if ((EUID == 0)) && command -v setpriv >/dev/null; then
    chmod 711 . # mktemp made it ours alone
    cp "$PAGODA" whoever && chmod 755 whoever
    run setpriv --reuid=65534 --clear-groups ./whoever watch $$
    exit_is 4 "another's process"
    like "$err" 'referenced bits: Permission denied' "is refused by the kernel"
    like "$err" 'hint: its owner may' "and who may is told"
else
    skip "whom the kernel refuses: takes root and setpriv"
fi
run "$PAGODA" watch $$ --method pagemap-scan --interval 10ms --count 1 --json
if ((status == 4)); then
    like "$err" 'CONFIG_MEM_SOFT_DIRTY' "a kernel without soft-dirty bits is told from one with"
else
    cp "$work/.out" d.json
    is "$(member d.json '[s["touched_bytes"] for s in r["samples"]]')" "[None]" \
        "pagemap-scan tells what is written, not what is touched"
fi
run "$PAGODA" watch $$ --method idle --interval 10ms --count 1
((status == 0 || status == 4))
ok $? "idle frames: seen, or refused"
((status == 0)) || like "$err" 'CONFIG_IDLE_PAGE_TRACKING|does not show' "with what it takes"
finish
