/* curve.c - `pagoda curve`: misses at every size of memory. */
#include "cli/charts.h"
#include "cli/cli.h"

#include <pagoda/curve.h>
#include <pagoda/params.h>
#include <string.h>

static bool report_charts(const struct vm_curves *s, const struct args *a, struct vm_error *e)
{
    struct vm_charts charts;
    if (!vm_report_curve_charts(s, &charts, e))
        return false;
    bool done = charts_asked(a) ? charts_write(a, s->trace.name, charts.chart, charts.n, e)
                                : charts_print(charts.chart, charts.n, e);
    vm_charts_free(&charts);
    return done && stdout_finish(e);
}

static bool report(const struct vm_curves *s, const struct args *a, struct vm_error *e)
{
    enum vm_curve_points which = args_has(a, "all") ? VM_CURVE_POINTS_ALL : VM_CURVE_POINTS_SHOWN;
    if (args_has(a, "json"))
        return vm_report_curve_json(stdout, s, which, e) && stdout_finish(e);
    if (!charts_asked(a)) {
        vm_report_curve_text(stdout, s, stdout_colour());
        putchar('\n');
    }
    return report_charts(s, a, e);
}

static bool parse_of(const char *what, struct vm_curve_request *r, struct vm_error *e)
{
    static const char *const known[] = {"memory", "tlb"};
    if (!strcmp(what, known[1]))
        r->of = VM_CURVE_OF_TLB;
    else if (strcmp(what, known[0]) != 0)
        return vm_fail_unknown(e, "--of", what, known, 2);
    return true;
}

static bool parse_sample(const struct args *a, struct vm_curve_request *r, struct vm_error *e)
{
    const char *rate = args_value(a, "shards"), *pages = args_value(a, "shards-size");
    if (rate && !vm_parse_real(rate, "--shards", &r->sample_rate, e))
        return false;
    if (rate && !(r->sample_rate > 0 && r->sample_rate <= 1))
        return vm_fail(e, VM_EUSAGE, "--shards %s: expected a rate above 0 to 1", rate);
    if (pages && !vm_parse_count(pages, "--shards-size", &r->sample_pages, e))
        return false;
    return !pages || r->sample_pages ||
           vm_fail(e, VM_EUSAGE, "--shards-size %s: expected a number of pages", pages);
}

static bool parse(const struct args *a, struct vm_curve_request *r, struct vm_error *e)
{
    const char *pages = args_value(a, "pages"), *of = args_value(a, "of");
    if (!args_page_sizes(pages ? pages : "4KiB", r->page_bytes, VM_CURVE_PAGES, &r->npages, e) ||
        !parse_of(of ? of : "memory", r, e) || !parse_sample(a, r, e) ||
        !args_workers(a, &r->workers, e))
        return false;
    bool lru_only = r->of == VM_CURVE_OF_TLB || r->sample_rate > 0 || r->sample_pages;
    r->policies = args_value(a, "policies");
    if (!r->policies)
        r->policies = lru_only ? "lru" : "lru,opt";
    r->sizes = args_value(a, "sizes");
    r->frames = args_value(a, "frames");
    r->error = args_has(a, "error");
    return true;
}

static bool run_curve(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    struct vm_curves curves;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    struct vm_curve_request request = {.progress = &progress};
    const char *trace = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    if (!trace || !args_trace_options(a, &options, e) || !parse(a, &request, e))
        return false;
    request.source = (struct vm_source){.spec = trace, .options = &options};
    request.seed = options.seed;
    progress_start(&bar);
    bool done = vm_curve_measure(&request, &curves, e);
    progress_end(&bar);
    if (!done)
        return false;
    done = report(&curves, a, e);
    vm_curves_free(&curves);
    return done;
}

static const struct flag flags[] = {
    {"policies", 'p', "SPEC,...",
     "lru and opt at all sizes, others at those shown (default lru,opt; lru of a sample or TLB)",
     NULL},
    {"sizes", 0, "SIZE|N%,...",
     "at which to show, and sweep: with a unit, or parts of what the trace touches; without it "
     "powers of two, and where the curve bends",
     NULL},
    {"frames", 'n', "N|N%,...", "the same in frames, or in entries of a TLB", NULL},
    {"pages", 0, "SIZE,...", "page sizes, a curve each", "4KiB"},
    {"of", 0, "memory|tlb", "of a memory, or of a TLB with any number of entries", "memory"},
    {"shards", 0, "RATE", "estimate lru from a sample of that part of the pages: 0.01", NULL},
    {"shards-size", 0, "N", "the same from a sample of N pages at most: 8k", NULL},
    {"error", 0, NULL, "and how far that is off the exact curve", NULL},
    {"workers", 0, "N", "threads that sweep; without it one a processor", NULL},
    {"all", 0, NULL, "in JSON, every size at which misses fall", NULL},
    CHART_FLAGS,
    TRACE_FLAGS,
    SEED_FLAG,
    {0}};

const struct command command_curve = {
    .name = "curve",
    .usage = "TRACE [--policies SPEC,...] [--sizes SIZE|N%,...] [OPTION ...]",
    .summary = "misses at every size of memory, or of a TLB, from one pass over a trace",
    .about =
        "Miss-ratio curves of policies over touches of pages (the pages model of replay): exact\n"
        "at all sizes for lru and opt, replayed at the sizes shown for others, or estimated from\n"
        "a sample (SHARDS). The trace is read once and may be a pipe.\n\n"
        "  pagoda curve ls.pgt\n"
        "  pagoda curve gcc.pgt --policies lru,opt,clock,sieve --sizes 10%,25%,50%,4MiB\n"
        "  pagoda curve gcc.pgt --pages 4KiB,64KiB,2MiB --of tlb --svg reach.svg\n"
        "  pagoda curve @zipf:pages=1M,refs=100M --shards 0.01 --error",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_curve,
};
