/* bench_malloc.c - real programs under libpagoda-malloc: malloc.PROGRAM.HEAP, in runs a second by
 * their processor time; malloc.PROGRAM.glibc is the same with the host's own malloc, so that the
 * ratio of two rows is that of the times. The goal of segregated is two thirds of glibc's.
 *
 * The programs have one thread, and do little but make and drop small blocks. One that is not there
 * has no rows.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static const char python_work[] = "import json\n"
                                  "d = {'k%d' % i: [i, str(i) * 3] for i in range(100000)}\n"
                                  "t = json.dumps(d)\n"
                                  "assert json.loads(t) == d\n"
                                  "p = [bytearray(i % 5000) for i in range(20000)]\n"
                                  "del p[::2]\n";
static const char perl_work[] = "my %h; $h{$_} = [split //, 'item ' . $_] for 1 .. 60000; "
                                "my @k = sort keys %h; print scalar(@k)";
static const char sqlite_work[] =
    "create table t(a integer primary key, b text); "
    "with recursive n(i) as (select 1 union all select i + 1 from n where i < 60000) "
    "insert into t select i, 'row ' || (i * 7919 % 60013) from n; create index tb on t(b); "
    "select count(*) from t x join t y on x.b = y.b;";

static const struct program {
    const char *name;
    const char *argv[5];
} programs[] = {
    {"python", {"/usr/bin/python3", "-c", python_work, NULL}},
    {"perl", {"/usr/bin/perl", "-e", perl_work, NULL}},
    {"sqlite", {"/usr/bin/sqlite3", ":memory:", sqlite_work, NULL}},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

/* NULL: the host's own. */
static const char *const heaps[] = {NULL, "segregated", "slab", "tlsf", "tree-fit", "buddy"};
enum { HEAPS = sizeof heaps / sizeof *heaps };

static const struct program *program_of(size_t i, size_t *heap)
{
    for (const struct program *p = programs; p < programs + PROGRAMS; p++) {
        if (access(p->argv[0], X_OK) != 0)
            continue;
        if (i < HEAPS) {
            *heap = i;
            return p;
        }
        i -= HEAPS;
    }
    return NULL;
}

static size_t nrows(const struct bench_host *host)
{
    size_t n = 0, heap;
    (void)host;
    while (program_of(n, &heap))
        n++;
    return n;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    size_t heap = 0;
    const struct program *p = program_of(i, &heap);
    (void)host;
    *out = (struct bench_row){.unit = "runs/s", .scale = 1, .kind = BENCH_CHILD};
    snprintf(out->name, sizeof out->name, "malloc.%s.%s", p->name,
             heaps[heap] ? heaps[heap] : "glibc");
}

static void *open_group(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    (void)e;
    return (void *)programs;
}

static void prepare(void *group, size_t i)
{
    (void)group;
    (void)i;
}

static void become(const struct program *p, const char *heap)
{
    int nothing = open("/dev/null", O_RDWR);
    dup2(nothing, STDIN_FILENO);
    dup2(nothing, STDOUT_FILENO);
    if (heap) {
        setenv("LD_PRELOAD", MALLOC_LIBRARY, 1);
        setenv("PAGODA_MALLOC", heap, 1);
    }
    execv(p->argv[0], (char **)p->argv);
    _exit(127);
}

static double run(void *group, size_t i)
{
    size_t heap = 0;
    int status;
    const struct program *p = program_of(i, &heap);
    struct vm_error e;
    (void)group;
    pid_t pid = fork();
    if (pid == 0)
        become(p, heaps[heap]);
    if (pid > 0 && waitpid(pid, &status, 0) == pid && status == 0)
        return 1;
    vm_fail(&e, VM_ESYSTEM, "%s: could not be run, or failed", p->argv[0]);
    bench_fail(&e);
}

static void close_group(void *group)
{
    (void)group;
}

const struct bench_group bench_malloc = {
    .nrows = nrows,
    .row = row,
    .open = open_group,
    .prepare = prepare,
    .run = run,
    .close = close_group,
};
