/* tlb_staircase.c - the size of a TLB, seen from a program: time an access against pages touched.
 *
 * A program touches one word in each of n pages, again and again. While n pages are within the
 * reach of a level of TLBs their translations stay there; beyond it an lru TLB misses at each
 * touch, and the curve steps up to the price of the next level, or of a walk. Two passes come
 * before what is counted: the first brings the pages in, the second fills the TLBs. The price of a
 * pass is the difference between two replays that are equal up to where the shorter ends.
 *
 * Source: Saavedra-Barrera, "CPU performance evaluation and execution time prediction using narrow
 * spectrum benchmarking", 1992; as homework: Arpaci-Dusseau, Operating Systems: Three Easy Pieces,
 * chapter 19 (tlb.c).
 */
#include "analysis/figures.h"
#include "base/bits.h"

#include <stdio.h>
#include <string.h>

#define WARM_PASSES 2
#define POINTS      256 /* four an octave, up to the largest number of pages */
#define GRAIN_BYTES UINT64_C(4096)

enum { CACHES_LEFT_OUT, CACHES_COUNTED };

struct staircase {
    const struct vm_experiment_request *request;
    struct vm_config machine;
    uint64_t stride_bytes, passes;
};

/* What passes over n pages cost, from empty TLBs and memory on. */
static bool price(const struct staircase *s, uint64_t n, uint64_t passes, struct vm_prices *out,
                  struct vm_error *e)
{
    char spec[160];
    struct vm_result result;
    struct vm_trace_options options = {.seed = s->machine.seed};
    snprintf(spec, sizeof spec, "@stride:refs=%llu,pages=%llu,stride=%llu",
             (unsigned long long)n * passes,
             (unsigned long long)n * (s->stride_bytes / GRAIN_BYTES),
             (unsigned long long)s->stride_bytes);
    if (!vm_replay(&s->machine, spec, &options, s->request->progress, &result, e))
        return false;
    *out = result.prices;
    return true;
}

static double translation_ns(const struct vm_prices *p)
{
    return p->tlb_ns + p->walk_ns + p->refill_ns + p->mark_ns;
}

/* The two charts: all of an access, and its translation alone. */
struct charts {
    struct figure access, translation;
};

static bool add_point(const struct staircase *s, struct charts *c, uint64_t n, struct vm_error *e)
{
    struct vm_prices warm, all;
    double touches = (double)(n * s->passes);
    if (!price(s, n, WARM_PASSES, &warm, e) || !price(s, n, WARM_PASSES + s->passes, &all, e))
        return false;
    double translation = (translation_ns(&all) - translation_ns(&warm)) / touches;
    figure_point(&c->access, 0, (double)n, (all.total_ns - warm.total_ns) / touches);
    figure_point(&c->access, 1, (double)n, translation);
    figure_point(&c->translation, 0, (double)n, translation);
    return true;
}

/* 1, 2, 3, 4, then four steps to each double. */
static uint64_t next_size(uint64_t n)
{
    return n < 4 ? n + 1 : n + (UINT64_C(1) << (vm_log2(n) - 2));
}

static bool holds(const struct vm_tlb_config *t, uint64_t page_bytes)
{
    return t->sizes == 0 || t->sizes & page_bytes;
}

/* "l1d 64, l2 1536": how many pages each level holds. */
static const char *note_of(struct vm_figures *out, const struct staircase *s)
{
    struct vm_tlb_plan plan;
    struct vm_error ignored;
    char text[400] = "";
    size_t n = 0;
    if (!vm_tlb_plan_parse(&plan, s->machine.tlb, &ignored))
        plan.n = 0;
    for (size_t i = 0; i < plan.n && n < sizeof text - 40; i++)
        if (plan.tlb[i].side != VM_TLB_FETCH && holds(&plan.tlb[i], s->machine.page_bytes))
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%s %u", n ? ", " : "", plan.name[i],
                                  plan.tlb[i].entries << plan.tlb[i].pairs);
    return figures_text(out, "pages that TLBs hold: %s; %s, stride %llu bytes, %llu passes",
                        n ? text : "none", s->machine.scheme, (unsigned long long)s->stride_bytes,
                        (unsigned long long)s->passes);
}

/* Nothing may leave memory, and every page must have a frame: faults are no part of this. */
static bool set_up(struct staircase *s, uint64_t pages, struct vm_error *e)
{
    const struct vm_experiment_request *r = s->request;
    s->machine = *r->config;
    s->machine.model = VM_MODEL_MACHINE;
    if (vm_params_count(r->params, "caches") == CACHES_LEFT_OUT)
        strcpy(s->machine.cache, "none");
    s->passes = vm_params_count(r->params, "passes");
    s->stride_bytes = vm_params_count(r->params, "stride");
    if (s->stride_bytes == 0)
        s->stride_bytes = s->machine.page_bytes > GRAIN_BYTES ? s->machine.page_bytes : GRAIN_BYTES;
    if (s->stride_bytes % GRAIN_BYTES)
        return vm_fail(e, VM_EUSAGE, "--stride: %llu bytes: expected a multiple of %llu",
                       (unsigned long long)s->stride_bytes, (unsigned long long)GRAIN_BYTES);
    while (s->machine.memory_bytes < 2 * pages * s->stride_bytes)
        s->machine.memory_bytes *= 2;
    return true;
}

static void open_charts(struct charts *c, struct vm_figures *out, const char *note)
{
    struct vm_chart shape = {
        .name = "access_time",
        .title = "Access time against pages touched in turn",
        .about = "Each step is where a level of TLBs no longer holds the pages: up to its reach "
                 "they are found there, beyond it each touch asks the next level, and past the "
                 "last one it walks the page table. Where a step begins is the level's size; "
                 "how high it is, the price of a miss. A slope in place of a step shows sets that "
                 "fill one after the other, or a replacement that is not lru. The machine's data "
                 "caches, which would make steps of their own, are left out unless --caches "
                 "counted is given.",
        .note = note,
        .x = {.label = "pages touched in turn", .scale = VM_SCALE_LOG},
        .y = {.label = "time an access", .unit = VM_AXIS_NS}};
    c->access = figure_add(out, &shape, 2, POINTS);
    figure_series(out, &c->access, "access", VM_SERIES_LINE);
    figure_series(out, &c->access, "of it translation", VM_SERIES_LINE);
    shape.name = "translation_time";
    shape.title = "The translation alone";
    shape.about = "On a logarithmic scale, so that the second level's step is seen beside the "
                  "walk's. A hit of the first level costs nothing and is not shown.";
    shape.y.scale = VM_SCALE_LOG;
    c->translation = figure_add(out, &shape, 1, POINTS);
    figure_series(out, &c->translation, "translation", VM_SERIES_LINE);
}

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    struct staircase s = {.request = r};
    struct charts charts;
    uint64_t pages = vm_params_count(r->params, "pages");
    if (!set_up(&s, pages, e))
        return false;
    open_charts(&charts, out, note_of(out, &s));
    for (uint64_t n = 1; n <= pages; n = next_size(n))
        if (!add_point(&s, &charts, n, e))
            return false;
    return true;
}

static const struct vm_param param[] = {
    {"pages", VM_PARAM_COUNT, "4096", 1, 1 << 20, NULL, "pages touched in turn, at most"},
    {"stride", VM_PARAM_BYTES, "0", 0, 1 << 30, NULL,
     "from one touch to the next, a multiple of 4096; 0: a page"},
    {"caches", VM_PARAM_WORD, "left-out", 0, 0, "left-out|counted",
     "data caches, whose steps mix with those of the TLBs"},
    {"passes", VM_PARAM_COUNT, "4", 1, 1000, NULL, "passes over the pages that are counted"},
};

const struct vm_experiment_ops vm_experiment_tlb_staircase = {
    .name = "tlb-staircase",
    .summary = "access time against pages touched in turn: a step at the reach of each TLB",
    .source = "Arpaci-Dusseau, Three Easy Pieces, ch. 19, homework; Saavedra-Barrera 1992",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_WHOLE_MACHINE,
    .preset = "skylake",
    .trace = VM_EXPERIMENT_OWN_REFERENCES,
    .run = run,
};
