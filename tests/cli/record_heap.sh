#!/usr/bin/env bash
# record_heap.sh - `pagoda record --heap`: every request of programs that say what they asked,
# however they run and end. The trace is read by the reader that knows nothing but its page.
. "${BASH_SOURCE[0]%/*}/user.sh"

refused 4 '^pagoda: no-such-program: no such program' "a program that is not there" \
    "$PAGODA" record --heap -- no-such-program
refused 2 '^pagoda: expected -- and a program' "none at all" "$PAGODA" record --heap --
refused 4 '^pagoda: none/t\.pgt: cannot create it' "an output in no folder" \
    "$PAGODA" record --heap -o none/t.pgt -- true
if ! command -v cc >/dev/null || ! zstd -qV >/dev/null 2>&1; then
    skip "no cc, or no zstd"
    finish
fi

cat >asks.c <<'C'
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

/* What was asked, as the trace's reader prints it: kind, address, bytes, alignment, from, call. */
static void told(const char *kind, void *at, size_t bytes, size_t align, void *from, int call)
{
    char line[200]; /* printing to a stream, or by dprintf, would ask for a buffer */
    int n = snprintf(line, sizeof line, "%s %lx %zu %zu %lx %d\n", kind, (unsigned long)at, bytes,
                     align, (unsigned long)from, call);
    if (write(1, line, n) != n)
        abort();
}

__attribute__((noinline)) static void calls(void)
{
    void *volatile p = malloc(100), *volatile q, *volatile from;
    told("alloc", p, 100, 0, NULL, 1);
    q = calloc(30, 7);
    told("alloc", q, 210, 0, NULL, 2);
    from = p;
    p = realloc(p, 5000);
    told("resize", p, 5000, 0, from, 3);
    from = p;
    p = reallocarray(p, 100, 70);
    told("resize", p, 7000, 0, from, 4);
    told("free", q, 0, 0, NULL, 10);
    free(q);
    q = realloc(NULL, 33);
    told("alloc", q, 33, 0, NULL, 3);
    told("free", q, 0, 0, NULL, 3);
    realloc(q, 0);
    q = aligned_alloc(64, 640);
    told("alloc", q, 640, 64, NULL, 5);
    void *out = NULL;
    if (posix_memalign(&out, 4096, 10) || (uintptr_t)out % 4096)
        abort();
    told("alloc", out, 10, 4096, NULL, 6);
    told("alloc", memalign(32, 77), 77, 32, NULL, 7);
    told("alloc", valloc(5), 5, 4096, NULL, 8);
    told("alloc", pvalloc(5), 5, 4096, NULL, 9);
    told("alloc", malloc(0), 0, 0, NULL, 1);
    volatile size_t most = SIZE_MAX / 2;
    if (malloc(most) || errno != ENOMEM)
        abort();
    told("alloc", NULL, most, 0, NULL, 1);
    if (calloc(most, 3))
        abort();
    told("alloc", NULL, SIZE_MAX, 0, NULL, 2);
    if (realloc(p, most))
        abort();
    told("resize", NULL, most, 0, p, 3);
    free(NULL);
    q = strdup("a text of a length that nothing else here has");
    told("alloc", q, 46, 0, NULL, 1);
}

/* Threads that put blocks into places where others find, resize and free them. */
enum { THREADS = 4, TURNS = 30000, PLACES = 64 };
static void *_Atomic place[PLACES];

static void *work(void *seed)
{
    unsigned state = (unsigned)(uintptr_t)seed;
    for (int i = 0; i < TURNS; i++) {
        state = state * 1103515245 + 12345;
        void *mine = malloc(1 + state % 700);
        if (state >> 16 & 1)
            mine = realloc(mine, 1 + (state >> 8) % 3000);
        memset(mine, 1, 1);
        free(__atomic_exchange_n((void **)&place[(state >> 20) % PLACES], mine, __ATOMIC_ACQ_REL));
    }
    return NULL;
}

static void threads(void)
{
    pthread_t thread[THREADS];
    for (uintptr_t i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, work, (void *)(i + 1));
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
}

/* A child that asks for much; then the parent goes on. */
static void children(void)
{
    pid_t child = fork();
    if (child == 0) {
        for (int i = 0; i < 1000; i++)
            free(malloc(54321));
        _exit(0);
    }
    waitpid(child, NULL, 0);
    char *const argv[] = {"asks", "calls", NULL};
    if (posix_spawn(&child, "./asks.silent", NULL, NULL, argv, environ))
        abort();
    waitpid(child, NULL, 0);
    void *p = malloc(12345);
    told("alloc", p, 12345, 0, NULL, 1);
}

int main(int argc, char **argv)
{
    const char *how = argc > 1 ? argv[1] : "";
    if (!strcmp(how, "calls"))
        calls();
    if (!strcmp(how, "threads"))
        threads();
    if (!strcmp(how, "children"))
        children();
    if (!strcmp(how, "exec")) {
        told("alloc", malloc(4321), 4321, 0, NULL, 1);
        execl("/proc/self/exe", "asks", "calls", NULL);
    }
    if (!strcmp(how, "exit"))
        told("alloc", malloc(999), 999, 0, NULL, 1), _exit(3);
    if (!strcmp(how, "killed"))
        told("alloc", malloc(998), 998, 0, NULL, 1), raise(SIGKILL);
    if (!strcmp(how, "closes")) {
        for (int fd = 3; fd < 1024; fd++)
            close(fd);
        told("alloc", malloc(997), 997, 0, NULL, 1);
        execl("/proc/self/exe", "asks", "exit", NULL);
    }
    return 0;
}
C
cc -O1 -fno-builtin -w -pthread -o asks asks.c
printf '#!/bin/sh\nexec ./asks "$@" >/dev/null\n' >asks.silent
chmod +x asks.silent

# recorded HOW: the requests of `asks HOW` are in got, those that it told of in told.
recorded() {
    status=0
    "$PAGODA" record --heap -o t.pgt -- ./asks "$1" >told 2>err || status=$?
    err=$(<err)
    python3 "$PAGODA_TESTS/golden/read_pgt.py" t.pgt >got
}

# requests: the lines of requests without address space, thread and site.
requests() {
    awk '/^(alloc|free|resize) / { print $1, $3, $4, $5, $6, $9 }' got
}

# same NAME: the requests that the program told of are the trace's, in its order, and no others.
same() {
    requests >asked
    is "$(diff told asked | head -5)" "" "$1"
}

recorded calls
is "$status" 0 "a program's requests are recorded"
like "$err" '^t\.pgt: 17 requests to the heap$' "and counted"
same "each call of malloc's family with what it asked and got"
is "$(awk '/^(alloc|free|resize) / { print $7 }' got | sort -u)" 1 "by its one thread"
sites=$(awk '$1 == "alloc" && $9 == 2 { print $8 }' got | sort -u | head -1)
like "$(grep "^site $sites " got)" '^site [0-9]+ asks\+0x[0-9a-f]+ \(calls\+0x[0-9a-f]+\)$' \
    "from where the function's name says"
sites=$(awk '$4 == 46 { print $8 }' got)
like "$(grep "^site $sites " got)" '^site [0-9]+ libc.*\(_*strdup\+0x' "strdup's from the library"

recorded threads
is "$status" 0 "threads that free each other's blocks"
run "$PAGODA" heap t.pgt --allocators first-fit --strict
exit_is 0 "are told in an order in which no block is freed twice, or given while it is live"
takes=$((4 * 30000))
is "$(awk '$1 == "alloc" && $9 == 1 && $4 <= 700' got | wc -l)" "$takes" "with every malloc"
# Of the 64 places, all hold a block at the end.
frees=$(awk '$9 == 10' got | wc -l)
is "$((frees >= takes - 64))" 1 "and every free"
is "$(awk '$1 == "alloc" && $9 == 1 && $4 <= 700 { n[$7]++ }
    END { for (t in n) k += n[t] == 30000; print k }' got)" 4 "by its thread"

recorded children
is "$status" 0 "a program with children"
grep -c 54321 got >out
is "$(<out)" 0 "whose requests are not its own"
is "$(requests | grep -c ' 12345 0 0 1$') $(grep -c ' 46 ' got)" "1 0" "goes on after they end"

recorded exec
like "$(grep -n '^exec' got | head -1)" '^[0-9]+:exec 0' "a program that another takes the place of"
requests >asked
is "$(diff told asked | head -5)" "" "goes on in the same trace"
is "$(grep -c '(calls+0x' got)" "$(grep '(calls+0x' got | sort -u | wc -l)" "its sites named once"

recorded exit
is "$status $(grep -c 999 got)" "0 1" "what is asked before _exit is kept"
like "$err" 'status 3$' "and its status told"
recorded killed
is "$status $(grep -c ' 998 ' got)" "0 1" "and before SIGKILL"
recorded closes
same "a program that closes what it did not open is recorded, and so is what it becomes"

run "$PAGODA" record --heap -o t.pgt --json -- ./asks none
cp "$work/.out" r.json
is "$(member r.json '(r["kind"], r["program_status"], r["requests"])')" "('record', 0, 0)" \
    "a program that asks for nothing"
recorded none
like "$err" '^t\.pgt: 0 requests to the heap$' "is told as that"
if cc -static -w -pthread -o static asks.c 2>/dev/null; then
    refused 4 '^pagoda: ./static: told nothing: expected a program that is linked dynamically' \
        "a static program" "$PAGODA" record --heap -o t2.pgt -- ./static
fi
finish
