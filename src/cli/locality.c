/* locality.c - `pagoda locality`: how a program uses its pages over time. */
#include "cli/charts.h"

#include <pagoda/locality.h>
#include <pagoda/params.h>
#include <stdlib.h>
#include <string.h>

#define PERIODS "128"
#define ROWS    128

static const struct {
    const char *name;
    unsigned parts;
} parts[] = {
    {"working-set", VM_LOCALITY_WORKING_SET},
    {"intervals", VM_LOCALITY_INTERVALS},
    {"distances", VM_LOCALITY_DISTANCES},
    {"faults", VM_LOCALITY_FAULTS},
    {"heat", VM_LOCALITY_HEAT},
    {"all", VM_LOCALITY_ALL},
};
#define NPARTS (sizeof parts / sizeof parts[0])

/* ---- flags ---- */

static bool add_part(const char *name, unsigned *out, struct vm_error *e)
{
    const char *known[NPARTS];
    for (size_t i = 0; i < NPARTS; i++) {
        known[i] = parts[i].name;
        if (!strcmp(name, known[i])) {
            *out |= parts[i].parts;
            return true;
        }
    }
    return vm_fail_unknown(e, "part", name, known, NPARTS);
}

static bool parse_parts(const char *list, unsigned *out, struct vm_error *e)
{
    char name[64];
    *out = 0;
    while ((list = vm_spec_next(list, name, sizeof name)))
        if (!add_part(name, out, e))
            return false;
    return *out || vm_fail(e, VM_EUSAGE, "--of names nothing: expected working-set,heat");
}

static int by_number(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static bool parse_windows(const char *list, struct vm_locality_view *v, struct vm_error *e)
{
    char text[64];
    while ((list = vm_spec_next(list, text, sizeof text))) {
        if (v->nwindows == VM_WINDOWS_MAX)
            return vm_fail(e, VM_EUSAGE, "more than %d windows", VM_WINDOWS_MAX);
        if (!vm_parse_count(text, "--windows", &v->window[v->nwindows], e))
            return false;
        if (v->window[v->nwindows++] == 0)
            return vm_fail(e, VM_EUSAGE, "--windows: a window of no touch: expected 1 or more");
    }
    qsort(v->window, v->nwindows, sizeof v->window[0], by_number);
    return true;
}

static bool parse_bins(const char *text, struct vm_locality_view *v, struct vm_error *e)
{
    static const char *const known[] = {"log2", "exact"};
    for (unsigned i = 0; i < 2; i++)
        if (!strcmp(text, known[i])) {
            v->bins = (enum vm_bins)i;
            return true;
        }
    return vm_fail_unknown(e, "kind of bins", text, known, 2);
}

static bool parse_periods(const char *text, struct vm_locality_request *r, struct vm_error *e)
{
    uint64_t n;
    if (!vm_parse_count(text, "--periods", &n, e))
        return false;
    if (n < 2 || n > 4096 || n % 2)
        return vm_fail(e, VM_EUSAGE, "--periods %s: expected an even number from 2 to 4096", text);
    r->periods_max = n;
    return true;
}

/* ---- the command ---- */

static const char *value_or(const struct args *a, const char *name, const char *fallback)
{
    const char *value = args_value(a, name);
    return value ? value : fallback;
}

static bool parse(const struct args *a, struct vm_locality_request *r, struct vm_locality_view *v,
                  struct vm_error *e)
{
    r->policy = value_or(a, "policy", "lru");
    r->heat_rows_max = ROWS;
    return parse_parts(value_or(a, "of", "all"), &r->parts, e) &&
           args_page_sizes(value_or(a, "pages", "4KiB"), r->page_bytes, VM_LOCALITY_SIZES,
                           &r->nsizes, e) &&
           vm_size_parse(value_or(a, "memory", "50%"), "--memory", &r->memory, e) &&
           parse_periods(value_or(a, "periods", PERIODS), r, e) &&
           parse_windows(value_or(a, "windows", ""), v, e) &&
           parse_bins(value_or(a, "bins", "log2"), v, e);
}

static bool report_charts(const struct args *a, const struct vm_locality *l,
                          const struct vm_locality_view *v, const struct vm_charts *charts,
                          struct vm_error *e)
{
    if (!charts_write(a, l->trace.name, charts->chart, charts->n, e))
        return false;
    if (args_has(a, "json"))
        return vm_report_locality_json(stdout, l, v, e) && stdout_finish(e);
    vm_report_locality_text(stdout, l, v, stdout_colour());
    if (charts_asked(a))
        return stdout_finish(e);
    putchar('\n');
    return charts_print(charts->chart, charts->n, e);
}

static bool report(const struct args *a, const struct vm_locality *l,
                   const struct vm_locality_view *v, struct vm_error *e)
{
    struct vm_charts charts;
    if (!vm_report_locality_charts(l, v, &charts, e))
        return false;
    bool done = report_charts(a, l, v, &charts, e);
    vm_charts_free(&charts);
    return done;
}

static bool run_locality(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    struct vm_locality l;
    struct vm_locality_view view = {.nwindows = 0};
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    const char *trace = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    struct vm_locality_request r = {.source = {.spec = trace, .options = &options},
                                    .progress = &progress};
    if (!trace || !args_trace_options(a, &options, e) || !parse(a, &r, &view, e))
        return false;
    r.seed = options.seed;
    progress_start(&bar);
    bool done = vm_locality_measure(&r, &l, e);
    progress_end(&bar);
    if (!done)
        return false;
    done = report(a, &l, &view, e);
    vm_locality_free(&l);
    return done;
}

static const struct flag flags[] = {
    {"of", 0, "PART,...", "working-set, intervals, distances, faults, heat", "all"},
    {"pages", 0, "SIZE,...", "page sizes to measure at", "4KiB"},
    {"windows", 0, "N,...", "windows of the working set, in touches; without it, powers of two",
     NULL},
    {"bins", 0, "log2|exact", "of histograms: from a power of two to the next, or each number",
     "log2"},
    {"policy", 0, "SPEC", "of the faults over time: who leaves memory", "lru"},
    {"memory", 0, "SIZE|N%", "of the faults over time: with a unit, or a part of the footprint",
     "50%"},
    {"periods", 0, "N", "equal stretches that time is cut into, at most", PERIODS},
    CHART_FLAGS,
    TRACE_FLAGS,
    SEED_FLAG,
    {0}};

const struct command command_locality = {
    .name = "locality",
    .usage = "TRACE [--of PART,...] [OPTION ...]",
    .summary = "how a program uses its pages over time: working sets, reuse, faults, heat",
    .about =
        "The mean size and the misses of the working set for every window (exact, from one pass),\n"
        "with VMIN, its optimum, beside it; how long, and for how many other pages, pages are not\n"
        "used; when faults come; which addresses are touched when. Times are in touches of pages,\n"
        "or in references. A memory in per cent, and the policy opt, read the trace twice.\n\n"
        "  pagoda locality ls.pgt\n"
        "  pagoda locality ls.pgt --of working-set --pages 4KiB,2MiB --svg ws.svg\n"
        "  pagoda locality ls.pgt --of faults --policy clock --memory 256KiB --periods 32",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_locality,
};
