/* bench_run.c - whole programs under `pagoda run`: run.DEPTH.PROGRAM, in instructions, for the
 * three depths of the memory model; run.qemu.PROGRAM is the same under qemu-riscv64, so that the
 * ratio of two rows is that of the times.
 *
 * run.DEPTH.fork64 is in forks, each with the exit and the wait for it, of a process of 64 MiB: the
 * goal is under a millisecond. run.memory.PROGRAM is what the process holds at its peak beyond 1.25
 * times what its guest does, page tables included: the goal is what a machine holds by itself.
 *
 * Both run as processes that are waited for, and what counts is their processor time, start and end
 * included. The instructions are what Pagoda counts (tests/diff/rv64_qemu.c holds these equal to
 * QEMU's), also for QEMU's rows. Programs: guests/rv64_bench.c, and where tests/real/build.sh has
 * built them Lua, SQLite and busybox, in $PAGODA_REAL; without a cross compiler there are no rows,
 * and without QEMU none of its.
 */
#include "bench.h"

#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

struct program {
    const char *name;
    bool real; /* in $PAGODA_REAL, else beside this program */
    const char *file;
    const char *argument[4];
    double forks; /* what its rows are in, with a goal for ours; 0: in instructions */
};

static const char lua_work[] =
    "local t, s = {}, 0 for i = 1, 200000 do t[i] = i * 7919 % 100003 end table.sort(t) "
    "for i = 1, 200000 do s = s + t[i] % 7 * 0.5 end "
    "for i = 1, 20000 do t[i] = string.format('%d:%s', i, t[i]) end print(s, #table.concat(t))";
static const char sqlite_work[] =
    "CREATE TABLE t(a INTEGER PRIMARY KEY, b TEXT, c REAL); "
    "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 20000) "
    "INSERT INTO t SELECT i, 'row ' || (i * 7919 % 20011), i / 7.0 FROM n; "
    "CREATE INDEX tb ON t(b); SELECT count(*), sum(x.c) FROM t x JOIN t y ON x.b = y.b;";
static const char busybox_work[] = "i=0; while [ $i -lt 60000 ]; do i=$((i + 1)); done; echo $i";

static const struct program programs[] = {
    {"loop", false, "rv64_loop", {NULL}, 0},
    {"matmul", false, "rv64_matmul", {NULL}, 0},
    {"chase", false, "rv64_wander", {NULL}, 0},
    {"sort", false, "rv64_sort", {NULL}, 0},
    {"memcpy", false, "rv64_memcpy", {NULL}, 0},
    {"fork64", false, "rv64_fork64", {NULL}, 400},
    {"lua", true, "lua", {"-e", lua_work}, 0},
    {"sqlite", true, "sqlite", {":memory:", sqlite_work}, 0},
    {"busybox", true, "busybox", {"sh", "-c", busybox_work}, 0},
};
enum { PROGRAMS = sizeof programs / sizeof *programs };

/* memory: not a rate, but what the process holds. */
static const struct depth {
    const char *name, *model, *machine;
} depths[] = {{"none", "none", "sifive-u74"},
              {"tlb", "tlb", "sifive-u74"},
              {"full", "full", "skylake"},
              {"memory", "tlb", "sifive-u74"},
              {"qemu", NULL, NULL}};
enum { DEPTHS = sizeof depths / sizeof *depths, MEMORY = 3 };

#define MIB       (1024.0 * 1024.0)
#define PAGE      4096.0
#define OWN_MIB   8.0  /* that a machine may hold for itself */
#define A_GUEST   1.25 /* and of what its guest holds */
#define FORKS_A_S 1000

struct bench {
    const char *program;           /* pagoda */
    double instructions[PROGRAMS]; /* 0: not counted yet */
};

static const char *path_of(const struct program *p, char out[PATH_MAX])
{
    const char *real = getenv("PAGODA_REAL"), *home = getenv("HOME");
    if (!p->real)
        snprintf(out, PATH_MAX, "%s/%s", RV64_GUESTS, p->file);
    else if (real)
        snprintf(out, PATH_MAX, "%s/%s", real, p->file);
    else
        snprintf(out, PATH_MAX, "%s/.cache/pagoda/real/%s", home ? home : "", p->file);
    return out;
}

/* The i-th row that there can be here: rows go by program, then depth. */
static bool find_row(size_t i, size_t *program, size_t *depth)
{
    char path[PATH_MAX];
    size_t ndepths = access("/usr/bin/qemu-riscv64", X_OK) == 0 ? DEPTHS : DEPTHS - 1;
    for (*program = 0; *RV64_GUESTS && *program < PROGRAMS; ++*program) {
        if (programs[*program].real && access(path_of(&programs[*program], path), X_OK) != 0)
            continue;
        if (i < ndepths) {
            *depth = i;
            return true;
        }
        i -= ndepths;
    }
    return false;
}

static size_t nrows(const struct bench_host *host)
{
    size_t n = 0, program, depth;
    (void)host;
    while (find_row(n, &program, &depth))
        n++;
    return n;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    size_t program, depth;
    (void)host;
    find_row(i, &program, &depth);
    bool ours = depths[depth].machine;
    if (depth == MEMORY)
        *out =
            (struct bench_row){.unit = "MiB", .scale = MIB, .kind = BENCH_AMOUNT, .goal = OWN_MIB};
    else if (programs[program].forks > 0)
        *out = (struct bench_row){
            .unit = "forks/s", .scale = 1, .kind = BENCH_CHILD, .goal = ours ? FORKS_A_S : 0};
    else
        *out = (struct bench_row){.unit = "MIPS", .scale = 1e6, .kind = BENCH_CHILD};
    snprintf(out->name, sizeof out->name, "run.%s.%s", depths[depth].name, programs[program].name);
}

/* ---- a process ---- */

/* Arguments of pagoda or QEMU for the program; argv[24]. */
static void command(const struct bench *b, size_t program, size_t depth, char path[PATH_MAX],
                    const char **argv)
{
    const struct depth *d = &depths[depth];
    const char *const run[] = {b->program,  "run",      "--json",   "--model", d->model,
                               "--machine", d->machine, "--memory", "1GiB",    "--"};
    path_of(&programs[program], path);
    if (d->machine) {
        memcpy(argv, run, sizeof run);
        argv += sizeof run / sizeof *run;
    } else {
        *argv++ = "/usr/bin/qemu-riscv64";
    }
    *argv++ = path;
    for (size_t i = 0; i < 4 && programs[program].argument[i]; i++)
        *argv++ = programs[program].argument[i];
    *argv = NULL;
}

/* Its standard error is read to the end, into told[cap]; the rest of it is lost. Answers the bytes
 * that it held at its peak. */
static double execute(const char **argv, char *told, size_t cap)
{
    struct rusage used;
    int ends[2], status;
    size_t n = 0;
    struct vm_error e;
    pid_t pid = pipe(ends) == 0 ? fork() : -1;
    if (pid == 0) {
        int nothing = open("/dev/null", O_RDWR);
        dup2(nothing, STDIN_FILENO);
        dup2(nothing, STDOUT_FILENO);
        dup2(ends[1], STDERR_FILENO);
        execv(argv[0], (char **)argv);
        _exit(127);
    }
    close(ends[1]);
    for (ssize_t got; (got = read(ends[0], told + n, cap - 1 - n)) > 0;)
        n += n + (size_t)got < cap - 1 ? (size_t)got : 0;
    told[n] = 0;
    close(ends[0]);
    if (pid > 0 && wait4(pid, &status, 0, &used) == pid && WIFEXITED(status) &&
        WEXITSTATUS(status) != 127)
        return (double)used.ru_maxrss * 1024;
    vm_fail(&e, VM_ESYSTEM, "%s: could not be run", argv[0]);
    bench_fail(&e);
}

/* The number behind `member` in what was told; 0: there is none. */
static double number_of(const char *told, const char *member)
{
    const char *found = strstr(told, member);
    return found ? strtod(found + strlen(member), NULL) : 0;
}

/* Answers the instructions; of the row for memory what was held beyond the guest's. */
static double run_one(const struct bench *b, size_t program, size_t depth)
{
    char path[PATH_MAX], told[16384];
    const char *argv[24];
    command(b, program, depth, path, argv);
    double held = execute(argv, told, sizeof told);
    if (depth == MEMORY)
        return held - A_GUEST * PAGE * number_of(told, "\"frames_peak\": ");
    return number_of(told, "\"instructions\": ");
}

/* ---- the group ---- */

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    struct bench *b = calloc(1, sizeof *b);
    if (!b)
        vm_fail(e, VM_ESYSTEM, "no memory for a bench");
    else
        b->program = host->program;
    return b;
}

/* QEMU does not count. */
static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    size_t program, depth;
    find_row(i, &program, &depth);
    if (depth != MEMORY && !b->instructions[program])
        b->instructions[program] = run_one(b, program, 0);
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    size_t program, depth;
    find_row(i, &program, &depth);
    double done = run_one(b, program, depth);
    if (depth == MEMORY)
        return done;
    return programs[program].forks > 0 ? programs[program].forks : b->instructions[program];
}

const struct bench_group bench_run = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = free,
};
