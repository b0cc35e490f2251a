#!/usr/bin/env bash
# live.sh - `pagoda live`: unmodified programs, whose output and exit status are as they are without
# it, in a quarter of the memory that they map; and a program that tries every kind of system call,
# by every store and policy.
. "${BASH_SOURCE[0]%/*}/user.sh"

refused 2 '^pagoda: expected -- and a program' "no program" "$PAGODA" live --memory 1MiB
refused 2 '^pagoda: expected --memory' "no limit" "$PAGODA" live -- true
refused 2 '^pagoda: --page 1000000000000: expected 2097152' "a page that is none" \
    "$PAGODA" live --memory 1GiB --page 1000000000000 -- true
refused 2 '^pagoda: unknown resolve' "nobody resolves so" \
    "$PAGODA" live --memory 1GiB --resolve thred -- true
hinted thread
refused 4 '^pagoda: no-such-program: no such program' "a program that is not there" \
    "$PAGODA" live --memory 1GiB -- no-such-program
printf 'int main(void) { return 0; }\n' >static.c
if cc -static -o static.exe static.c 2>/dev/null; then
    refused 2 '^pagoda: ./static.exe: linked statically' "a static program" \
        "$PAGODA" live --memory 1GiB -- ./static.exe
    printf '#!./static.exe\n' >script
    chmod +x script
    refused 2 '^pagoda: ./static.exe: linked statically' "a script of one" \
        "$PAGODA" live --memory 1GiB -- ./script
fi

run "$PAGODA" live --memory 1MiB --report none -- true
if ((status != 0)); then
    like "$err" '^pagoda: ' "what this kernel lacks is said"
    skip "${err%%$'\n'*}"
    finish
fi
refused 2 '^pagoda: .*a limit of 1024 bytes' "a limit below what an instruction needs" \
    "$PAGODA" live --memory 1KiB -- true
refused 2 "^pagoda: unknown policy" "a policy that there is not" \
    "$PAGODA" live --memory 1MiB --policy clok -- true
hinted clock
refused 2 '^pagoda: unknown store' "a store that there is not" \
    "$PAGODA" live --memory 1MiB --store lz5 -- true
hinted lz4

# ---- a program's own ----

run "$PAGODA" live --memory 1MiB -- sh -c 'cat; echo said >&2; exit 7' <<<"read"
exit_is 7 "the exit status is the program's"
like "$err" '^said$' "and its standard error"
like "$err" '^pagoda live: policy s3-fifo\S*, store lz4; the program ended: exit 7' \
    "where the report comes after it"
run "$PAGODA" live --memory 1MiB --report none -- sh -c 'kill -TERM $$'
exit_is 143 "a signal that ends it is in the exit status"
is "$err" "" "and no report is one"
run "$PAGODA" live --memory 1MiB --report json -o r.json -- sh -c 'exit 3'
is "$(member r.json '(r["kind"], r["exit"], r["signal"], r["config"]["memory_bytes"])')" \
    "('live', 3, None, 1048576)" "the report as JSON"

# ---- every kind of system call ----

calls() { # calls OPTION...: the program says that all is fine
    rm -rf calls && mkdir calls
    run env -C calls "$PAGODA" live --memory 1MiB --report json -o ../r.json "$@" \
        -- "$PAGODA_SYSTEM_CALLS"
    [[ $out == fine && $status == 0 ]]
    tap_line $? "system calls, threads, signals, forks, mappings: ${*:-as it is}" \
        "exit status $status" "$out" "$err"
}

calls
is "$(member r.json 'r["pager"]["evictions"] > 1000 and r["calls"]["pinned_calls"] > 100 \
    and r["calls"]["pieces"] > 10 and r["calls"]["forks"] > 4')" True \
    "in which buffers were away, and pinned, and in pieces"
for store in $("$PAGODA" list stores --json | python3 -c 'import json, sys
print(*(s["name"] for s in json.load(sys.stdin)["stores"] if s["name"] != "nbd"))'); do
    calls --store "$store"
done
calls --page 64KiB --memory 16MiB
calls --ahead 0
calls --resolve handler
calls --policy vms
calls --serve

# ---- real programs ----

cat >some.py <<'PYTHON'
import array, random
d = {i: str(i) * 2 for i in range(60000)}
a = array.array("Q", range(400000))
random.seed(5)
x = sum(len(d[random.randrange(60000)]) + a[random.randrange(400000)] for _ in range(60000))
print(x, sum(a[::3]), sum(map(len, d.values())))
PYTHON
cat >threads.py <<'PYTHON'
import threading
found = {}
def work(n):
    d = {(i, n): str(i * n) for i in range(15000)}
    found[n] = sum(map(len, d.values()))
threads = [threading.Thread(target=work, args=(n,)) for n in range(1, 5)]
[t.start() for t in threads], [t.join() for t in threads]
print(sorted(found.items()))
PYTHON
cat >processes.py <<'PYTHON'
import multiprocessing, os, signal, subprocess
big = [str(i) for i in range(60000)]
def part(k):
    return sum(map(len, big[k::7]))
if __name__ == "__main__":
    ticks = []
    signal.signal(signal.SIGALRM, lambda *_: ticks.append(1))
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    ends = os.pipe()
    if os.fork() == 0:
        big[5] = "changed"
        os.write(ends[1], str(part(5)).encode())
        os._exit(0)
    os.wait()
    print(os.read(ends[0], 99), big[5], os.popen("echo shell").read())
    text = "\n".join(big).encode()
    print(subprocess.run(["sort", "-r"], input=text, capture_output=True).stdout[-50:])
    with multiprocessing.Pool(2) as pool:
        print(pool.map(part, range(7)), len(ticks) > 0)
    signal.setitimer(signal.ITIMER_REAL, 0)
PYTHON
printf '%s\n' 'create table t(a integer primary key, b text, c integer);' \
    'with recursive n(i) as (select 1 union all select i + 1 from n where i < 30000)' \
    "insert into t select i, 'row ' || (i * 7919 % 30000) || ' of it', i * 31 % 1000 from n;" \
    'create index by_b on t(b);' \
    "select count(*), sum(length(b)), max(b) from t where b like 'row 1%';" \
    "select c, count(*) from t group by c order by c limit 5;" >some.sql
python3 - >lines <<'PYTHON'
import random
random.seed(3)
for i in range(100000):
    print("%x %d" % (random.getrandbits(64), i))
PYTHON
python3 - >large.c <<'PYTHON'
for i in range(400):
    print("int f%d(int x) { int s = 0; for (int i = 0; i < x; i++) s += i * %d ^ x; "
          "switch (s & 3) { case 0: return s; case 1: s *= 3; } return s + %d; }" % (i, i, i))
PYTHON

# quarter COMMAND...: the same output and exit status in a quarter of what it touches.
quarter() {
    local pages kib output error before evicted
    run "$@"
    output=$out error=$err before=$status
    run "$PAGODA" live --memory 1GiB --ahead 0 --report json -o r.json -- "$@"
    pages=$(member r.json 'r["pager"]["zero_fills"]')
    kib=$((pages > 1024 ? pages : 1024))
    run "$PAGODA" live --memory "${kib}KiB" --report json -o r.json -- "$@"
    evicted=$(member r.json 'r["pager"]["evictions"]')
    [[ $out == "$output" && $err == "$error" && $status == "$before" ]]
    tap_line $? "${1##*/} ${2##*/} in $kib of $((pages * 4)) KiB" "exit status $status ($before)" \
        "$(diff <(echo "$output") <(echo "$out") | head -5)" "$err"
    ((evicted > 100))
    tap_line $? "which is not enough" "$evicted pages left"
}

python=$(python3 -c 'import sys; print(sys.executable)')
quarter "$python" some.py
quarter "$python" threads.py
quarter "$python" processes.py
quarter sort -S 32M lines
quarter sort --parallel=2 -S 32M -r lines
run sort -S 32M lines
sorted=$out
for policy in $("$PAGODA" list policies --json | python3 -c 'import json, sys
print(*(p["name"] for p in json.load(sys.stdin)["policies"]))'); do
    run "$PAGODA" live --memory 2MiB --policy "$policy" --report none -- sort -S 32M lines
    if grep -q 'future' <<<"$err"; then
        exit_is 2 "$policy knows the future, and is refused"
        continue
    fi
    [[ $out == "$sorted" && $status == 0 ]]
    tap_line $? "sort by $policy" "exit status $status" "$err"
done
command -v sqlite3 >/dev/null && quarter sqlite3 -init /dev/null :memory: '.read some.sql'
command -v perl >/dev/null && quarter perl -e \
    'my %h; $h{"key$_"} = "v" x ($_ % 40) for 1 .. 30000; my $s = 0;
     $s += length $h{$_} * ord substr $_, -1 for sort keys %h; print "$s\n"'
cc1=$(cc -print-prog-name=cc1 2>/dev/null)
[[ -x $cc1 ]] && quarter "$cc1" -quiet -O1 large.c -o -
if command -v cc >/dev/null; then
    run "$PAGODA" live --memory 4MiB --children --report none -- cc -O1 -S large.c -o live.s
    cc -O1 -S large.c -o plain.s
    cmp -s live.s plain.s
    tap_line $? "a compiler with its children" "$err"
fi

# who is paged
paged() { # paged WANT NAME COMMAND...
    run "$PAGODA" live --memory 8MiB --report json -o r.json "${@:3}"
    is "$(member r.json 'r["memory"]["managed_bytes_most"] > 4000000') $status" "$1 0" "$2"
}
large="$python -c 'x = bytearray(5000000)'"
paged True "what takes the program's place is paged" -- sh -c "exec $large"
paged False "what the program starts is not" -- sh -c "$large; true"
paged True "with --children it is, too" --children -- sh -c "$large; true"
printf '#!/bin/sh\nexec %s\n' "$large" >script
chmod +x script
paged True "a script's program is paged" -- ./script

if command -v redis-server >/dev/null; then
    port=$((20000 + RANDOM % 20000))
    "$PAGODA" live --memory 4MiB --report json -o r.json -- redis-server --port $port --save '' \
        --bind 127.0.0.1 --dir "$work" >redis.log 2>&1 &
    for _ in {1..100}; do
        redis-cli -p $port ping >/dev/null 2>&1 && break
        sleep 0.1
    done
    redis-cli -p $port --pipe >/dev/null < <(python3 - <<'PYTHON'
import sys
for i in range(12000):
    words = [b"SET", b"key:%d" % i, (b"%d," % (i * 7919)) * 100]
    sys.stdout.buffer.write(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(w), w) for w in words))
PYTHON
    )
    is "$(redis-cli -p $port dbsize)" 12000 "redis-server with four times the limit has all of it"
    redis-cli -p $port bgsave >/dev/null
    got=0
    for i in 0 77 5000 11999; do
        python3 -c "print('$((i * 7919)),' * 100)" |
            cmp -s - <(redis-cli -p $port get key:$i) && got=$((got + 1))
    done
    is "$got" 4 "and each value is what it was"
    for _ in {1..100}; do
        redis-cli -p $port info persistence | grep -q 'bgsave_in_progress:0' && break
        sleep 0.1
    done
    like "$(redis-cli -p $port info persistence)" 'rdb_last_bgsave_status:ok' \
        "as its child saves it"
    redis-cli -p $port shutdown nosave >/dev/null 2>&1
    wait $!
    is "$? $(member r.json 'r["pager"]["evictions"] > 1000')" "0 True" "and ends as it does"
fi
finish
