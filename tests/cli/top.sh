#!/usr/bin/env bash
# top.sh - `pagoda top` and the socket behind it: what pagers tell, who is told, what is refused.
. "${BASH_SOURCE[0]%/*}/user.sh"

export XDG_RUNTIME_DIR=$work
start() {
    rm -f served.out
    exec {life}> >(exec "$PAGODA_SERVED" >served.out)
    pid=$!
    for _ in {1..100}; do
        [[ -s served.out ]] && break
        sleep 0.05
    done
}
end() {
    exec {life}>&-
    wait "$pid"
}

start
if [[ $(<served.out) != ready ]]; then
    skip "$(<served.out)"
    finish
fi
run "$PAGODA" top "$pid" --interval 100ms --count 3 --json
exit_is 0 "three intervals of two pagers"
cp "$work/.out" lines.json
python3 -c 'import json
print(json.dumps([json.loads(line) for line in open("lines.json")]))' >t.json
two="(0, 'clock', 'lz4'), (1, 'lru', 'lz4')"
is "$(member t.json '[(p["pager"], p["policy"], p["store"]) for p in r]')" \
    "[$two, $two, $two]" \
    "an object a line, a pager, an interval"
is "$(member t.json '[p["events"]["misses"] > 100 for p in r if p["pager"] == 0]')" \
    "[True, True, True]" "who reads more than is resident misses"
is "$(member t.json '[p["events"]["misses"] for p in r if p["pager"] == 1][1:]')" "[0, 0]" \
    "who reads less does not: counts are of the interval"
is "$(member t.json '[0 < p["resident_bytes"] <= p["limit_bytes"] == 512 * 4096 for p in r]')" \
    "[True, True, True, True, True, True]" "resident, of the limit"
is "$(member t.json 'all(0 < t["p50_ns"] <= t["p90_ns"] <= t["p99_ns"] <= t["p999_ns"] and
    t["p999_ns"] <= t["max_ns"] and t["n"] > 0
    for t in (p["times"] for p in r if p["pager"] == 0))')" True "times rise"
is "$(member t.json 'all(p["store_bytes"] < p["stored_bytes"] for p in r if p["pager"] == 0)')" \
    True "what the store holds is compressed"
is "$(member t.json 'all(0.09e9 < p["interval_ns"] < 5e9 and p["failures"] == 0 for p in r)')" \
    True "how long an interval was"
run "$PAGODA" top "$pid" --interval 50ms --count 2
exit_is 0 "as text"
like "$out" '^ +pager +resident +limit +misses ' "a head"
is "$(grep -cE '^ +[01] +[0-9.]+ [MK]iB +2(\.0)? MiB ' <<<"$out")" 4 "a row a pager and interval"
is "$(stat -c %a pagoda-live."$pid".*)" $'600\n600' "only the user may ask"
python3 - "$pid" >raw <<'PYTHON'
import json, socket, sys, time
def ask(what):
    s = socket.socket(socket.AF_UNIX)
    s.connect("pagoda-live.%s.0" % sys.argv[1])
    f = s.makefile("rwb")
    f.write(what)
    f.flush()
    return json.loads(f.readline()), f
first, f = ask(b"stats\n")
time.sleep(0.2)
f.write(b"stats\n")
f.flush()
second = json.loads(f.readline())
print(first["pid"] == int(sys.argv[1]), second["misses"] > first["misses"],
      sum(n for _, n in first["times"]["buckets"]) == first["times"]["n"])
print(ask(b"everything\n")[0])
PYTHON
is "$(<raw)" $'True True True\n{\'error\': \'expected a line: stats\'}' "the protocol, by hand"

"$PAGODA" top "$pid" --interval 50ms >until.txt 2>&1 {life}>&- &
viewer=$!
sleep 0.3
end
status=0
wait "$viewer" || status=$?
is "$status" 0 "without a count it ends with the process"
((status == 0)) || cat until.txt
is "$(echo pagoda-live.*)" 'pagoda-live.*' "a pager that closes takes its sockets along"

# ---- refusals ----

run "$PAGODA" top "$pid"
exit_is 4 "a process that has ended"
run "$PAGODA" top $$
exit_is 4 "a process without a pager"
like "$err" "^pagoda: process $$ has no pager that tells what it does" "is named"
like "$err" "hint: expected a socket at $work/pagoda-live" "with where it would be"
start
kill -9 "$pid"
wait "$pid" 2>/dev/null
like "$(echo pagoda-live.*)" "pagoda-live.$pid.0" "a process that is killed leaves its socket"
run "$PAGODA" top "$pid"
exit_is 4 "where nobody listens"
python3 -c 'import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind("pagoda-live.%s.0" % sys.argv[1])
s.listen()
print(flush=True)
time.sleep(20)' $$ >liar &
liar=$!
while [[ ! -s liar ]]; do sleep 0.05; done
run "$PAGODA" top $$
exit_is 4 "a socket of another's"
like "$err" "pagoda-live.$$.0 is not of process $$" "is not believed"
kill $liar
run "$PAGODA" top
exit_is 2 "no process"
run "$PAGODA" top $$ --interval 1us
exit_is 2 "no time"
finish
