/* bench_curve.c - miss-ratio curves: curve.WAY.zipf.
 *
 * lru, opt and shards have the references of zipf.h in memory: exact curves as runs of pages
 * numbered by their first touch, the sample (a rate of 0.01) as addresses, in batches as a reader
 * would hand them out. opt has the first 2 million only. The error of the sample is that of a
 * workload of the same kind, against the exact curve.
 *
 * sweep is a whole measurement, its generated trace included, of 8 policies at 32 sizes on all
 * processors, in touches replayed; by the clock on the wall.
 */
#include "analysis/sample.h"
#include "analysis/stacks.h"
#include "bench.h"
#include "zipf.h"

#include <pagoda/curve.h>
#include <stdio.h>
#include <stdlib.h>

#define OPT_REFS   (2u * 1000 * 1000)
#define RUNS       1024
#define SWEEP_REFS 500000u
#define ERROR_SPEC "@zipf:pages=1M,refs=20M"

enum { ROW_LRU, ROW_OPT, ROW_SHARDS, ROW_SHARDS_ERROR, ROW_SWEEP, ROWS };

struct bench {
    struct vm_arena arena;
    vm_pageref *ref; /* [ZIPF_REFS] */
    vm_va *va;       /* [ZIPF_REFS] */
    uint16_t *meta;  /* [ZIPF_REFS] */
    struct stacks stacks;
    struct sample sample;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    return ROWS;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    static const struct bench_row rows[ROWS] = {
        [ROW_LRU] = {"curve.lru.zipf", "M refs/s", 1e6, BENCH_RATE, 15},
        [ROW_OPT] = {"curve.opt.zipf", "M refs/s", 1e6, BENCH_RATE, 0},
        [ROW_SHARDS] = {"curve.shards.zipf", "M refs/s", 1e6, BENCH_RATE, 200},
        [ROW_SHARDS_ERROR] = {"curve.shards.zipf.error", "miss ratio", 1, BENCH_AMOUNT, 0.005},
        [ROW_SWEEP] = {"curve.sweep.8x32.zipf", "M refs/s", 1e6, BENCH_ELAPSED, 0},
    };
    *out = rows[i];
}

static bool number_pages(vm_pageref *ref)
{
    uint32_t *number = calloc(ZIPF_PAGES, sizeof *number), n = 0;
    for (uint32_t i = 0; number && i < ZIPF_REFS; i++) {
        uint32_t page = ref[i] / 2;
        if (!number[page])
            number[page] = ++n;
        ref[i] = (number[page] - 1) * 2 + (ref[i] & 1);
    }
    free(number);
    return number;
}

static void close_bench(void *group)
{
    struct bench *b = group;
    stacks_close(&b->stacks);
    sample_close(&b->sample);
    vm_arena_close(&b->arena);
    free(b);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    struct bench *b = calloc(1, sizeof *b);
    if (!b || !vm_arena_open(&b->arena, ZIPF_REFS * (size_t)14 + 1024, e)) {
        free(b);
        vm_fail(e, VM_ESYSTEM, "no memory for the curves' bench");
        return NULL;
    }
    b->ref = vm_arena_take(&b->arena, ZIPF_REFS * sizeof *b->ref);
    b->va = vm_arena_take(&b->arena, ZIPF_REFS * sizeof *b->va);
    b->meta = vm_arena_take(&b->arena, ZIPF_REFS * sizeof *b->meta);
    if (!bench_zipf(b->ref) || !number_pages(b->ref)) {
        vm_fail(e, VM_ESYSTEM, "no memory for the input of the curves' bench");
        close_bench(b);
        return NULL;
    }
    for (uint32_t i = 0; i < ZIPF_REFS; i++) {
        b->va[i] = (vm_va)(b->ref[i] / 2) << 12;
        b->meta[i] = vm_ref_meta(b->ref[i] & 1 ? VM_WRITE : VM_READ, 8);
    }
    return b;
}

static void prepare(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_error e;
    stacks_close(&b->stacks);
    sample_close(&b->sample);
    if (i <= ROW_OPT && !stacks_open(&b->stacks, i == ROW_LRU, i == ROW_OPT, &e))
        bench_fail(&e);
    if (i == ROW_SHARDS && !sample_open(&b->sample, 12, 0.01, 0, &e))
        bench_fail(&e);
}

static double run_stacks(struct bench *b, uint32_t nrefs)
{
    struct vm_page_run run[RUNS];
    struct vm_error e;
    for (uint32_t at = 0; at < nrefs; at += RUNS) {
        size_t n = nrefs - at < RUNS ? nrefs - at : RUNS;
        for (size_t k = 0; k < n; k++)
            run[k] = (struct vm_page_run){b->ref[at + k], 1};
        if (!stacks_runs(&b->stacks, run, n, &e))
            bench_fail(&e);
    }
    if (!stacks_end(&b->stacks, &e))
        bench_fail(&e);
    return nrefs;
}

static double run_sample(struct bench *b)
{
    struct vm_error e;
    for (uint32_t at = 0; at < ZIPF_REFS; at += VM_BATCH_REFS) {
        uint32_t n = ZIPF_REFS - at < VM_BATCH_REFS ? ZIPF_REFS - at : VM_BATCH_REFS;
        struct vm_batch batch = {.nrefs = n, .va = b->va + at, .meta = b->meta + at};
        if (!sample_batch(&b->sample, &batch, &e))
            bench_fail(&e);
    }
    return ZIPF_REFS;
}

static struct vm_curves measure(struct vm_curve_request request, const char *spec)
{
    struct vm_curves s;
    struct vm_error e;
    struct vm_trace_options options = {.seed = 1};
    request.npages = 1;
    request.page_bytes[0] = 4096;
    request.source = (struct vm_source){.spec = spec, .options = &options};
    if (!vm_curve_measure(&request, &s, &e))
        bench_fail(&e);
    return s;
}

static double sample_error(void)
{
    struct vm_curves s =
        measure((struct vm_curve_request){.policies = "lru", .sample_rate = 0.01, .error = true},
                ERROR_SPEC);
    double error = s.curve[0].error_mean;
    vm_curves_free(&s);
    return error;
}

/* 32 sizes from 1/32 of the pages to all of them. */
static double run_sweep(void)
{
    char spec[64], sizes[512];
    size_t n = 0;
    snprintf(spec, sizeof spec, "@zipf:pages=100k,refs=%u", SWEEP_REFS);
    for (unsigned i = 1; i <= 32; i++)
        n += (size_t)snprintf(sizes + n, sizeof sizes - n, "%s%u", i > 1 ? "," : "", i * 2000);
    struct vm_curves s = measure(
        (struct vm_curve_request){.policies = "fifo,random,mru,lfu,clock,enhanced-clock,nru,aging",
                                  .frames = sizes},
        spec);
    double replayed = (double)s.refs * (double)s.ncurves * (double)s.nsizes;
    vm_curves_free(&s);
    return replayed;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    switch (i) {
    case ROW_LRU:
        return run_stacks(b, ZIPF_REFS);
    case ROW_OPT:
        return run_stacks(b, OPT_REFS);
    case ROW_SHARDS:
        return run_sample(b);
    case ROW_SHARDS_ERROR:
        return sample_error();
    default:
        return run_sweep();
    }
}

const struct bench_group bench_curve = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
