/* bench_memory.c - how much memory a replay takes: replay.memory.MODEL.POLICY.
 *
 * The peak of what a process of the program holds (getrusage) while it replays 32 million
 * references to a million pages, each as likely as any, so that all of them come: in a quarter of
 * them (`small`) and in more than all of them (`ample`). The goal is 64 MiB and 32 bytes a page,
 * however long the trace.
 */
#include "bench.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#define WORKLOAD "@uniform:pages=1M,refs=32M,writes=0.25"
#define NPAGES   1e6
#define MIB      (1024.0 * 1024.0)

static const struct shape {
    const char *model, *policy, *size, *memory;
} shapes[] = {
    {"machine", "lru", "small", "1GiB"}, {"machine", "lru", "ample", "16GiB"},
    {"machine", "opt", "small", "1GiB"}, {"machine", "opt", "ample", "16GiB"},
    {"pages", "lru", "small", "1GiB"},   {"pages", "lru", "ample", "16GiB"},
    {"pages", "opt", "small", "1GiB"},   {"pages", "opt", "ample", "16GiB"},
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return sizeof shapes / sizeof shapes[0];
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){
        .unit = "MiB", .scale = MIB, .kind = BENCH_AMOUNT, .goal = 64 + 32 * NPAGES / MIB};
    snprintf(out->name, sizeof out->name, "replay.memory.peak.%s.%s.%s", shapes[i].model,
             shapes[i].policy, shapes[i].size);
}

/* The group is the host: it has nothing of its own. */
static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)e;
    return (void *)(uintptr_t)host;
}

static void prepare(void *group, size_t i)
{
    (void)group, (void)i;
}

/* In the child: become the program, its report going nowhere. */
static void exec_replay(const char *program, const struct shape *s)
{
    int nowhere = open("/dev/null", O_WRONLY);
    dup2(nowhere, STDOUT_FILENO);
    execl(program, program, "replay", WORKLOAD, "--model", s->model, "--policy", s->policy,
          "--memory", s->memory, (char *)NULL);
    _exit(127);
}

static double run(void *group, size_t i)
{
    const struct bench_host *host = group;
    struct rusage used;
    struct vm_error e;
    int status;
    /* fork and not vfork: a child that shares this process's memory would count it as its own. */
    pid_t child = fork();
    if (child == 0)
        exec_replay(host->program, &shapes[i]);
    if (child < 0 || wait4(child, &status, 0, &used) < 0 || status != 0) {
        vm_fail(&e, VM_ESYSTEM, "%s replay %s failed", host->program, WORKLOAD);
        bench_fail(&e);
    }
    return (double)used.ru_maxrss * 1024;
}

static void close_bench(void *group)
{
    (void)group;
}

const struct bench_group bench_memory = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
