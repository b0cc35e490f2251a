/* page_size.c - what large and small pages cost in memory: what lies unused in them, and tables.
 *
 * One trace, each page size from small to large, memory for everything. Used is what the program
 * touches, in blocks of the smallest size; what its pages have beyond that is internal
 * fragmentation. The table's bytes are those of the scheme, as it lies in memory at the end.
 *
 * With s bytes in use and e bytes an entry, the textbook's estimate is s e / p for the table and
 * p / 2 for each region that ends somewhere in a page; their sum is least at p = sqrt(2 s e).
 *
 * Source: Tanenbaum & Bos, Modern Operating Systems, section 3.5.3 ("Page Size"); Silberschatz,
 * Operating System Concepts, 10.9.2.
 */
#include "analysis/figures.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define MEMORY_BYTES (UINT64_C(1) << 36)
#define SIZES_MAX    32

enum { SERIES_UNUSED, SERIES_TABLE, SERIES_BOTH };

struct sizes {
    const struct vm_experiment_request *request;
    struct vm_trace_options options;
    const char *scheme;
    uint64_t used_bytes; /* 0: not known yet */
    size_t built;
    double best_page, best_bytes;
};

static struct vm_config machine_of(const struct sizes *s, uint64_t page_bytes)
{
    struct vm_config c = *s->request->config;
    c.model = VM_MODEL_MACHINE;
    c.tables = VM_TABLES_APART;
    c.page_bytes = page_bytes;
    /* As many frames as entries have numbers for, and address space for them. */
    c.memory_bytes = page_bytes << 20 < MEMORY_BYTES ? page_bytes << 20 : MEMORY_BYTES;
    strcpy(c.tlb, "none");
    strcpy(c.walk_caches, "none");
    strcpy(c.policy, "fifo");
    snprintf(c.scheme, sizeof c.scheme, "%s", s->scheme);
    return c;
}

static void add_sizes(struct sizes *s, struct figure *g, double page, const struct vm_result *r)
{
    uint64_t held = r->counts.demand_zero * r->config.page_bytes;
    double table = (double)(r->tables.own_bytes + r->tables.shared_bytes + r->tables.kernel_bytes);
    if (!s->used_bytes)
        s->used_bytes = held;
    double unused = (double)(held - s->used_bytes), both = unused + table;
    figure_point(g, SERIES_UNUSED, page, unused);
    figure_point(g, SERIES_TABLE, page, table);
    figure_point(g, SERIES_BOTH, page, both);
    if (!s->built || both < s->best_bytes) {
        s->best_page = page;
        s->best_bytes = both;
    }
    s->built++;
}

/* A size that the scheme cannot have is a gap, as long as it has one. */
static bool add_point(struct sizes *s, struct figure *g, uint64_t page_bytes, struct vm_error *e)
{
    const struct vm_config machine = machine_of(s, page_bytes);
    struct vm_result result;
    if (vm_replay(&machine, s->request->trace, &s->options, s->request->progress, &result, e)) {
        add_sizes(s, g, (double)page_bytes, &result);
        return true;
    }
    for (size_t i = 0; i <= SERIES_BOTH; i++)
        figure_point(g, i, (double)page_bytes, NAN);
    return e->code == VM_EMACHINE;
}

static bool run(const struct vm_experiment_request *r, struct vm_figures *out, struct vm_error *e)
{
    struct sizes s = {
        .request = r,
        .scheme = vm_params_text(r->params, "table"),
        .options = {.seed = r->config->seed, .limit = vm_params_count(r->params, "refs")}};
    uint64_t from = vm_params_count(r->params, "from"), to = vm_params_count(r->params, "to");
    static const struct vm_chart shape = {
        .name = "memory_lost",
        .title = "What is lost to pages: unused parts of them, and the page table",
        .about = "Large pages hold bytes that the program never touches; small pages need many "
                 "entries to map them. One falls where the other rises, and their sum has a least "
                 "value in between. A table fills whole frames, so that with very large pages it "
                 "costs more again.",
        .x = {.label = "page size", .unit = VM_AXIS_BYTES, .scale = VM_SCALE_LOG},
        .y = {.label = "memory lost", .unit = VM_AXIS_BYTES, .scale = VM_SCALE_LOG}};
    if (from & (from - 1) || from > to)
        return vm_fail(e, VM_EUSAGE, "--from, --to: expected powers of two, the smaller first");
    struct figure g = figure_add(out, &shape, 3, SIZES_MAX);
    figure_series(out, &g, "unused in pages", VM_SERIES_LINE);
    figure_series(out, &g, "page table", VM_SERIES_LINE);
    figure_series(out, &g, "both", VM_SERIES_LINE);
    for (uint64_t page = from; page <= to; page *= 2)
        if (!add_point(&s, &g, page, e))
            return false;
    if (!s.built)
        return false;
    g.chart->note = figures_text(out, "%.160s through %.64s; least with pages of %.0f bytes",
                                 r->trace, s.scheme, s.best_page);
    return true;
}

static const struct vm_param param[] = {
    {"refs", VM_PARAM_COUNT, "0", 0, 0, NULL, "references to read at most; 0: all"},
    {"table", VM_PARAM_TEXT, "bounded", 0, 0, NULL,
     "the scheme whose tables are measured, one of any page size"},
    {"from", VM_PARAM_BYTES, "64", 8, 1 << 30, NULL, "the smallest page, a power of two"},
    {"to", VM_PARAM_BYTES, "4MiB", 8, 1 << 30, NULL, "the largest"},
};

const struct vm_experiment_ops vm_experiment_page_size = {
    .name = "page-size",
    .summary = "page size against bytes unused in pages and bytes of tables, for a trace",
    .source = "Tanenbaum & Bos, Modern Operating Systems, 3.5.3",
    .param = param,
    .nparams = sizeof param / sizeof param[0],
    .machine = VM_EXPERIMENT_SEED_ONLY,
    .trace = VM_EXPERIMENT_ANY_TRACE,
    .run = run,
};
