#!/usr/bin/env bash
# failures.sh - every n-th allocation, read and write fails, for all n: the program says so and
# leaves nothing behind, or does without and says the same as ever. Never a crash, never half a
# result that looks whole.
. "${BASH_SOURCE[0]%/*}/tap.sh"

if [[ -z ${PAGODA_INJECT:-} ]] || grep -q __asan_init "$PAGODA"; then
    skip "the sanitizers' allocator cannot be replaced"
    finish
fi

"$PAGODA" convert @zipf:refs=3000,pages=400,writes=0.3 -o small.pgt >/dev/null 2>&1
for ((i = 0; i < 400; i++)); do
    printf 'R 10%03x008\nW 7f%03x010\n' $((i * 31 % 64)) $((i * 17 % 61))
done >small.rwi
xz -k small.rwi 2>/dev/null || cp small.rwi small.rwi.xz

# The outcome with the n-th call failing is wrong: a crash, another status than 4, other output at
# status 0, or a file left behind at another status.
wrong() { # WANT_OUT OUTPUT_FILE
    if ((status == 0)); then
        [[ $out != "$1" ]]
    else
        ((status != 4)) || [[ -n $2 && -e $2 ]] || [[ $err != pagoda:* ]]
    fi
}

# all KIND OUTPUT_FILE COMMAND...: one test over all n. Standard I/O's own writes are not the
# program's calls; that standard output can be full is seen elsewhere.
all() {
    local kind=$1 file=$2 n want bad=''
    shift 2
    rm -f "$file"
    run "$PAGODA" "$@"
    want=$out
    for ((n = 1; n < 5000; n++)); do
        rm -f "$file" told
        run env "PAGODA_FAIL_$kind=$n" PAGODA_FAIL_TOLD=9 LD_PRELOAD="$PAGODA_INJECT" \
            "$PAGODA" "$@" 9>told
        [[ -s told ]] || break
        if wrong "$want" "$file"; then
            bad+="n=$n: status $status, ${err:0:160}"$'\n'
        fi
    done
    is "$bad" "" "$kind $*: each of $((n - 1)) failures is told"
    ((n > 1))
    ok $? "and there was one at least"
}

for kind in MALLOC READ; do
    all "$kind" '' replay small.pgt --frames 40 --json
    all "$kind" '' replay small.pgt --frames 40 --policy opt --model pages
    all "$kind" '' info small.rwi.xz --json
    all "$kind" new.pgt convert small.rwi -o new.pgt
done
all MALLOC '' replay small.rwi --frames 40 --policy opt --machine skylake
all MALLOC '' list schemes --json
all MALLOC '' sched --jobs 0:5:io=2/3,1:4 --policy mlfq,mqms --cpus 2 --cache 9 --trace --json
printf '0:5\n1:4\n' >two.jobs
all MALLOC c.csv sched two.jobs --policy fifo --csv c.csv
all MALLOC '' curve small.rwi --policies lru,opt,fifo --pages 4KiB,64KiB --workers 1 --json
all MALLOC '' curve small.rwi --shards-size 16 --error --json
all MALLOC '' explain small.rwi --at 300 --frames 12 --policy opt
all MALLOC '' explain small.rwi --at 300 --frames 12 --html
all MALLOC new.html experiment looping --refs 60 --pages 9 --policies 'opt clock' --html new.html
all MALLOC '' experiment belady --strings 2 --members 2 --json
all MALLOC '' compare small.rwi --policies fifo --memory 40% --model pages --workers 1 --json
all MALLOC '' locality small.rwi --memory 40% --periods 8
printf '%s\n' request,call,address,bytes,align,from,thread,site alloc,malloc,0x1000,1000,0,0,1,a \
    alloc,malloc,0x2000,3000,0,0,2,b resize,realloc,0x3000,9000,0,0x1000,1,c \
    free,free,0x2000,0,0,0,1,d free,free,0x2000,0,0,0,1,e >requests.csv
"$PAGODA" convert requests.csv -o requests.pgt >/dev/null 2>&1
all MALLOC '' heap requests.csv --allocators tlsf --at peak --json
all MALLOC c-memory.csv heap requests.pgt --allocators all --csv c.csv
all READ '' heap requests.pgt --allocators tlsf --json
all WRITE new.pgt convert small.rwi -o new.pgt
finish
