/* bench_mmu.c - whole machines: replay.mmu.*.
 *
 *   real.TRACE   a shipped trace that lies in memory (10 bytes a reference) through an x86-64 with
 *                two levels of TLBs (64/4 + 64/4, 1536/12), clock, half the frames that the trace
 *                and its tables take where there is enough; `real` is all of them one after another
 *   caches       the same as `real`, one trace and all, with three levels of caches (32 KiB/8 for
 *                each side, 1 MiB/16, 32 MiB/16)
 *   pgt          the same as `real`, but each .pgt is read from its file and undone
 *   policy.NAME  the first trace from its file, with that policy; opt reads it twice
 *   scheme.NAME  all shipped traces, as `real`, with that scheme: where it is narrower than their
 *                addresses, laid out in its own; tables apart, and memory for segments that hold
 *                every gap of the program
 */
#include "bench.h"

#include <pagoda/engine.h>
#include <pagoda/policy.h>
#include <pagoda/scheme.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define AMPLE_BYTES   (UINT64_C(1) << 32) /* more than any shipped trace touches */
#define SEGMENT_BYTES (UINT64_C(1) << 29)

#define CACHES "l1i=32KiB/8:vipt l1d=32KiB/8:vipt l2=1MiB/16 l3=32MiB/16"

enum subject { REAL, REAL_ALL, CACHED, CACHED_ALL, PGT, POLICY, SCHEME };

struct input {
    const char *path;
    struct vm_columns columns;
    struct vm_config config;
};

struct bench {
    size_t ntraces;
    struct input *trace;     /* [ntraces] */
    struct vm_config scheme; /* of the row that is about to run */
};

/* What row i is about; *which is the number among its like. */
static enum subject subject_of(size_t ntraces, size_t i, size_t *which)
{
    size_t npolicies = 0;
    while (vm_policy_at(npolicies))
        npolicies++;
    const size_t count[] = {[REAL] = ntraces, [REAL_ALL] = 1, [CACHED] = ntraces,
                            [CACHED_ALL] = 1, [PGT] = 1,      [POLICY] = npolicies};
    size_t s = REAL;
    for (; s < SCHEME && i >= count[s]; s++)
        i -= count[s];
    *which = i;
    return (enum subject)s;
}

static size_t nrows(const struct bench_host *host)
{
    size_t i = 0, which;
    while (subject_of(host->ntraces, i, &which) != SCHEME || vm_scheme_at(which))
        i++;
    return i;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    char text[48];
    size_t which;
    *out = (struct bench_row){.unit = "M refs/s", .scale = 1e6};
    switch (subject_of(host->ntraces, i, &which)) {
    case REAL:
        snprintf(out->name, sizeof out->name, "replay.mmu.real.%s",
                 bench_trace_name(host->trace[which], text, sizeof text));
        return;
    case REAL_ALL:
        strcpy(out->name, "replay.mmu.real");
        out->goal = 150;
        return;
    case CACHED:
        snprintf(out->name, sizeof out->name, "replay.mmu.caches.%s",
                 bench_trace_name(host->trace[which], text, sizeof text));
        return;
    case CACHED_ALL:
        strcpy(out->name, "replay.mmu.caches");
        out->goal = 40;
        return;
    case PGT:
        strcpy(out->name, "replay.mmu.pgt");
        out->goal = 100;
        return;
    case POLICY:
        snprintf(out->name, sizeof out->name, "replay.mmu.policy.%s", vm_policy_at(which)->name);
        return;
    case SCHEME:
        snprintf(out->name, sizeof out->name, "replay.mmu.scheme.%s", vm_scheme_at(which)->name);
        out->goal = 80;
        return;
    }
}

/* A machine run to the trace's end, its counts taken; closes the trace. */
static struct vm_counts replay(const struct vm_config *config, struct vm_trace *t,
                               struct vm_error *e)
{
    struct vm_batch b;
    struct vm_counts counts;
    struct vm_engine *m = t ? vm_engine_open(config, VM_STRAY_MAPS, NULL, e) : NULL;
    do {
        if (!m || !vm_trace_read(t, &b, e) || !vm_engine_run(m, &b, e))
            bench_fail(e);
    } while (b.nrefs || b.nevents);
    vm_engine_counts(m, &counts);
    vm_engine_close(m);
    vm_trace_close(t);
    return counts;
}

/* The default machine, which is the one described above, with half the frames. */
static void halve_memory(struct vm_config *config, const struct vm_columns *columns)
{
    struct vm_error e;
    vm_config_init(config);
    config->memory_bytes = AMPLE_BYTES;
    struct vm_counts c = replay(config, vm_trace_open_columns(columns, "in memory", &e), &e);
    config->memory_bytes = c.frames_peak / 2 * config->page_bytes;
}

static void close_bench(void *group)
{
    struct bench *b = group;
    for (size_t i = 0; i < b->ntraces; i++)
        vm_columns_free(&b->trace[i].columns);
    free(b->trace);
    free(b);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    struct bench *b = calloc(1, sizeof *b);
    struct input *trace = calloc(host->ntraces, sizeof *trace);
    if (!b || !trace) {
        free(b);
        free(trace);
        vm_fail(e, VM_ESYSTEM, "no memory for the machines' bench");
        return NULL;
    }
    b->ntraces = host->ntraces;
    b->trace = trace;
    for (size_t i = 0; i < b->ntraces; i++) {
        trace[i].path = host->trace[i];
        bench_load(trace[i].path, &trace[i].columns);
        halve_memory(&trace[i].config, &trace[i].columns);
    }
    return b;
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    size_t which;
    if (subject_of(b->ntraces, i, &which) != SCHEME)
        return;
    vm_config_init(&b->scheme);
    const struct vm_scheme_ops *scheme = vm_scheme_at(which);
    snprintf(b->scheme.scheme, sizeof b->scheme.scheme, "%s", scheme->name);
    if (b->scheme.page_bytes >> scheme->page_shift_min == 0)
        b->scheme.page_bytes = UINT64_C(1) << scheme->page_shift_min;
    if (b->scheme.page_bytes >> scheme->page_shift_max > 1)
        b->scheme.page_bytes = UINT64_C(1) << scheme->page_shift_max;
    b->scheme.tables = VM_TABLES_APART;
    b->scheme.memory_bytes = SEGMENT_BYTES;
}

static double run_columns(const struct input *t, const char *caches)
{
    struct vm_error e;
    struct vm_config config = t->config;
    snprintf(config.cache, sizeof config.cache, "%s", caches);
    return (double)replay(&config, vm_trace_open_columns(&t->columns, t->path, &e), &e).refs;
}

static double run_all(const struct bench *b, const char *caches)
{
    double refs = 0;
    for (size_t k = 0; k < b->ntraces; k++)
        refs += run_columns(&b->trace[k], caches);
    return refs;
}

static double run_scheme(const struct bench *b)
{
    struct vm_error e;
    double refs = 0;
    for (size_t k = 0; k < b->ntraces; k++) {
        const struct input *t = &b->trace[k];
        struct vm_trace *trace = vm_trace_open_columns(&t->columns, t->path, &e);
        refs += (double)replay(&b->scheme, trace, &e).refs;
    }
    return refs;
}

static double run_file(const struct input *t, const char *policy)
{
    struct vm_error e;
    struct vm_result result;
    struct vm_config config = t->config;
    if (policy)
        snprintf(config.policy, sizeof config.policy, "%s", policy);
    if (!vm_replay(&config, t->path, NULL, NULL, &result, &e))
        bench_fail(&e);
    return (double)result.counts.refs;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    size_t which;
    double refs = 0;
    switch (subject_of(b->ntraces, i, &which)) {
    case REAL:
        return run_columns(&b->trace[which], "none");
    case REAL_ALL:
        return run_all(b, "none");
    case CACHED:
        return run_columns(&b->trace[which], CACHES);
    case CACHED_ALL:
        return run_all(b, CACHES);
    case PGT:
        for (size_t k = 0; k < b->ntraces; k++)
            refs += run_file(&b->trace[k], NULL);
        return refs;
    case POLICY:
        return run_file(&b->trace[0], vm_policy_at(which)->name);
    case SCHEME:
        return run_scheme(b);
    }
    return 0;
}

const struct bench_group bench_mmu = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
