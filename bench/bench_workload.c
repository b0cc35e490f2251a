/* bench_workload.c - making references: workload.NAME, each with its own parameters' fallbacks but
 * for a length of 4 M references, so that opening it (tables, permutations) weighs little. */
#include "bench.h"
#include "trace/source.h"

#include <stdio.h>
#include <string.h>

static bool makes_refs(const struct vm_workload_ops *w)
{
    for (size_t i = 0; i < w->nparams; i++)
        if (!strcmp(w->param[i].name, "refs"))
            return true;
    return false;
}

/* The i-th of the workloads that make references: others make requests to a heap. */
static const struct vm_workload_ops *workload_at(size_t i)
{
    const struct vm_workload_ops *w;
    for (size_t row = 0; (w = vm_workload_at(row)); row++)
        if (makes_refs(w) && i-- == 0)
            return w;
    return NULL;
}

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (workload_at(n))
        n++;
    return n;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){.unit = "M refs/s", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "workload.%s", workload_at(i)->name);
}

/* No input: only a workload's name is needed. */
static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    static char nothing;
    (void)host, (void)e;
    return &nothing;
}

static void prepare(void *group, size_t i)
{
    (void)group, (void)i;
}

static double run(void *group, size_t i)
{
    (void)group;
    struct vm_error e;
    char spec[64];
    snprintf(spec, sizeof spec, "@%s:refs=4M", workload_at(i)->name);
    return (double)bench_drain(vm_trace_open(spec, NULL, &e), &e);
}

static void close_bench(void *group)
{
    (void)group;
}

const struct bench_group bench_workload = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
