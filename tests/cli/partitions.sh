#!/usr/bin/env bash
# partitions.sh - `pagoda partitions`: jobs in one memory, told as maps, tables and JSON; and what
# is refused.
. "${BASH_SOURCE[0]%/*}/user.sh"

book=0:10:memory=600K:name=P1,0:5:memory=1000K:name=P2,0:20:memory=300K:name=P3
book+=,0:8:memory=700K:name=P4,0:15:memory=500K:name=P5
shop() { # OPTION ...
    run "$PAGODA" partitions --memory 2160K --quantum 1 --jobs "$book" "$@"
}

shop --at 14
exit_is 0 "the textbook's jobs"
like "$out" '^ +14 +A+D+\.+C+\.+$' "a map has a row for each time that memory changed"
like "$out" '1300 KiB +300 KiB$' "the table of free areas has the first hole"
like "$out" '1900 KiB +260 KiB$' "and the second"
like "$out" '600 KiB +700 KiB +700 KiB  P4$' "the table of used ones who is where"
like "$out" 'A P1 .* 600 KiB' "jobs with names have them beside their letters"

shop --storage single,variable,variable:compact=needed
like "$out" '^  variable:compact=needed .* 58$' "several storages are compared"
is "$(grep -c 'all done at' <<<"$out")" 3 "each is told, too"

shop --json --storage variable:compact=exit --at 38
printf '%s' "$out" >r.json
is "$(member r.json 'r["kind"], r["memory"], r["results"][0]["memory"]["compactions"] > 0')" \
    "('partitions', 2211840, True)" "JSON says the same"
is "$(member r.json '[a.get("job") for a in r["results"][0]["areas"]]')" "[2, 3, 4, None]" \
    "with the areas at that time"

run "$PAGODA" partitions --memory 128 --storage variable:unit=1B --quantum 2 --swap-rate 20 \
    --swap-access 1 --jobs 0:4:memory=100,0:4:memory=60
like "$out" 'jobs swapped out +2$' "jobs are swapped whole"
run "$PAGODA" partitions --random 20 --largest 100K --gap 10 --queue smallest
exit_is 0 "jobs by chance"
printf '# two jobs\n0:4:memory=10K\n1:4:memory=20K\n' >jobs.txt
run "$PAGODA" partitions jobs.txt
exit_is 0 "jobs from a file"

refused 2 'no jobs' "no jobs" "$PAGODA" partitions
hinted 'memory=600K'
refused 2 'job A: it has no size: expected memory=BYTES' "a job without a size" \
    "$PAGODA" partitions --jobs 0:4
refused 2 'bad memory "0"' "one of nothing" "$PAGODA" partitions --jobs 0:4:memory=0
refused 2 'expected at most 256 KiB, which fixed can hold' "a job that no part holds" \
    "$PAGODA" partitions --jobs 0:4:memory=300K --storage fixed
refused 2 'unknown storage' "a storage that there is not" \
    "$PAGODA" partitions --jobs 0:4:memory=3K --storage varable
hinted 'variable'
refused 2 'unknown queue' "a queue that there is not" \
    "$PAGODA" partitions --jobs 0:4:memory=3K --queue fif
hinted 'fifo'
refused 2 'expected --swap-rate too' "a residence where nothing is swapped" \
    "$PAGODA" partitions --jobs 0:4:memory=3K --residence 4
refused 2 'memory of 0 bytes' "no memory" "$PAGODA" partitions --jobs 0:4:memory=3K --memory 0
finish
