/* tables.c - see tables.h: replays that differ in nothing but the scheme and the space. */
#include "base/bits.h"

#include <pagoda/tables.h>
#include <stdio.h>
#include <string.h>

/* A first look at the trace needs memory for whatever it touches; it is reserved, not used. */
#define LOOK_BYTES (UINT64_C(1) << 38)
#define LOOK_PAGE  UINT64_C(4096)
#define DENSE_BASE (UINT64_C(4) << 20) /* where linkers put programs */

struct comparison {
    const struct vm_tables_request *request;
    struct vm_table_costs *out;
    unsigned page_shift, va_bits; /* of the scheme whose row is being filled */
};

/* The scheme's base page nearest to 4 KiB, and its width. */
static bool find_scheme(struct comparison *c, const char *spec, struct vm_error *e)
{
    char name[VM_CONFIG_TEXT];
    struct vm_params params;
    const char *text = vm_spec_split(spec, name, sizeof name);
    const struct vm_scheme_ops *ops = vm_scheme_find(name, e);
    if (!ops || !vm_params_parse(&params, name, ops->param, ops->nparams, text, e))
        return false;
    unsigned shift = vm_log2(LOOK_PAGE);
    if (shift < ops->page_shift_min)
        shift = ops->page_shift_min;
    if (shift > ops->page_shift_max)
        shift = ops->page_shift_max;
    struct vm_scheme_env env = {.page_shift = shift, .params = &params};
    if (!ops->accept(&env, e))
        return false;
    c->page_shift = shift;
    c->va_bits = ops->va_bits(&env);
    return true;
}

/* The machine of every cell: nothing leaves it, and tables are beside its memory. */
static struct vm_config machine_of(const struct vm_tables_request *r, const char *scheme,
                                   uint64_t memory_bytes, uint64_t page_bytes)
{
    struct vm_config c = *r->config;
    c.memory_bytes = memory_bytes;
    c.page_bytes = page_bytes;
    c.tables = VM_TABLES_APART;
    c.model = VM_MODEL_MACHINE;
    snprintf(c.scheme, sizeof c.scheme, "%s", scheme);
    strcpy(c.policy, "fifo");
    return c;
}

/* How many pages of 4 KiB the trace touches, by a scheme that can name them all. */
static bool look_at_trace(struct comparison *c, struct vm_error *e)
{
    const struct vm_tables_request *r = c->request;
    struct vm_config machine = machine_of(r, "x86-64", LOOK_BYTES, LOOK_PAGE);
    struct vm_result result;
    if (!vm_replay(&machine, r->trace, r->options, r->progress, &result, e))
        return false;
    c->out->trace = result.trace;
    memcpy(c->out->trace_format, result.trace_format, sizeof c->out->trace_format);
    c->out->trace.format = c->out->trace_format;
    c->out->pages = result.counts.demand_zero;
    uint64_t bytes = UINT64_C(1) << 20;
    while (bytes < 4 * LOOK_PAGE * c->out->pages)
        bytes *= 2;
    c->out->memory_bytes = r->memory_bytes ? r->memory_bytes : bytes;
    return true;
}

/* The trace of a space, into text[cap]: one touch of each page, where it is not the trace's own. */
static const char *space_spec(const struct comparison *c, enum vm_tables_space space, char *text,
                              size_t cap)
{
    uint64_t step = LOOK_PAGE, base = DENSE_BASE, pages = c->out->pages ? c->out->pages : 1;
    if (space == VM_TABLES_TRACE)
        return c->request->trace;
    if (space == VM_TABLES_SPARSE) { /* the lower half, which every scheme gives to programs */
        uint64_t room = (UINT64_C(1) << (c->va_bits - 1)) / pages & ~(LOOK_PAGE - 1);
        step = room ? room : LOOK_PAGE;
        base = room / 2 & ~(LOOK_PAGE - 1);
    }
    snprintf(text, cap, "@sequential:refs=%llu,step=%llu,base=%llu", (unsigned long long)pages,
             (unsigned long long)step, (unsigned long long)base);
    return text;
}

static void fill_cell(struct comparison *c, const char *scheme, enum vm_tables_space space,
                      struct vm_tables_cell *cell)
{
    char text[128];
    struct vm_result result;
    struct vm_error e;
    uint64_t page_bytes = UINT64_C(1) << c->page_shift;
    struct vm_config machine = machine_of(c->request, scheme, c->out->memory_bytes, page_bytes);
    cell->page_bytes = page_bytes;
    const struct vm_trace_options *options = space == VM_TABLES_TRACE ? c->request->options : NULL;
    cell->built = vm_replay(&machine, space_spec(c, space, text, sizeof text), options,
                            c->request->progress, &result, &e);
    if (!cell->built) {
        snprintf(cell->why, sizeof cell->why, "%.*s", (int)sizeof cell->why - 1, e.text);
        return;
    }
    cell->footprint = result.tables;
    cell->frames_peak = result.counts.table_frames_peak;
    cell->pages = result.counts.demand_zero;
    cell->walks = result.counts.walks;
    cell->walk_loads = result.counts.walk_loads;
    cell->unnamed = result.counts.unnamed;
}

static bool fill_row(struct comparison *c, const char *scheme, struct vm_error *e)
{
    if (c->out->nrows == VM_TABLES_ROWS)
        return vm_fail(e, VM_EUSAGE, "more than %d schemes to compare", VM_TABLES_ROWS);
    if (!find_scheme(c, scheme, e))
        return false;
    struct vm_tables_row *row = &c->out->row[c->out->nrows++];
    *row = (struct vm_tables_row){0};
    snprintf(row->scheme, sizeof row->scheme, "%s", scheme);
    for (enum vm_tables_space s = 0; s < VM_TABLES_SPACES; s++)
        fill_cell(c, scheme, s, &row->cell[s]);
    return true;
}

bool vm_tables_compare(const struct vm_tables_request *r, struct vm_table_costs *out,
                       struct vm_error *e)
{
    struct comparison c = {.request = r, .out = out};
    out->nrows = 0;
    for (size_t i = 0; i < r->nschemes; i++) /* said before the trace is waited for */
        if (!find_scheme(&c, r->scheme[i], e))
            return false;
    if (!look_at_trace(&c, e))
        return false;
    for (size_t i = 0; i < r->nschemes; i++)
        if (!fill_row(&c, r->scheme[i], e))
            return false;
    for (size_t i = 0; r->nschemes == 0 && vm_scheme_at(i); i++)
        if (!fill_row(&c, vm_scheme_at(i)->name, e))
            return false;
    return true;
}
