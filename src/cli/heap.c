/* heap.c - `pagoda heap`: a program's requests to its heap, through one allocator beside the other.
 */
#include "cli/beside.h"
#include "cli/charts.h"

#include <pagoda/requests.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { HEAPS_MAX = 64, SPEC_MAX = 128 };

/* All that a command line names, and what came of it. */
struct comparison {
    struct vm_requests requests;
    struct vm_heap_options options;
    bool at_peak, at_end;
    size_t nspecs, nresults;
    char spec[HEAPS_MAX][SPEC_MAX];
    struct vm_heap_result result[HEAPS_MAX];
    double ns[HEAPS_MAX];
    size_t nmeasured;
    struct vm_heap_measured measured[3];
};

/* ---- what is asked ---- */

static bool add_spec(struct comparison *c, const char *spec, struct vm_error *e)
{
    if (c->nspecs == HEAPS_MAX)
        return vm_fail(e, VM_EUSAGE, "--allocators: more than %d heaps", HEAPS_MAX);
    snprintf(c->spec[c->nspecs++], SPEC_MAX, "%s", spec);
    return true;
}

static bool parse_heaps(const struct args *a, struct comparison *c, struct vm_error *e)
{
    const char *list = args_value(a, "allocators");
    char item[SPEC_MAX], name[32];
    if (!list || !strcmp(list, "all")) {
        for (size_t i = 0; vm_heap_at(i); i++)
            if (!add_spec(c, vm_heap_at(i)->name, e))
                return false;
        return true;
    }
    while ((list = vm_spec_next(list, item, sizeof item))) {
        const char *text = vm_spec_split(item, name, sizeof name);
        const struct vm_heap_ops *ops = vm_heap_find(name, e);
        struct vm_params params;
        if (!ops || !vm_params_parse(&params, name, ops->param, ops->nparams, text, e) ||
            !add_spec(c, item, e))
            return false;
    }
    return c->nspecs || vm_fail(e, VM_EUSAGE, "--allocators: no heap");
}

static bool parse_options(const struct args *a, struct comparison *c, struct vm_error *e)
{
    const char *limit = args_value(a, "limit"), *at = args_value(a, "at");
    const char *cpus = args_value(a, "cpus");
    uint64_t ncpus = 1;
    if (limit && !vm_parse_bytes(limit, "--limit", &c->options.limit, e))
        return false;
    if (cpus && !vm_parse_count(cpus, "--cpus", &ncpus, e))
        return false;
    if (ncpus < 1 || ncpus > VM_HEAP_CPUS_MAX)
        return vm_fail(e, VM_EUSAGE, "--cpus %s: expected 1 to %d", cpus, VM_HEAP_CPUS_MAX);
    c->options.cpus = (uint32_t)ncpus;
    c->at_peak = at && !strcmp(at, "peak");
    c->at_end = at && !strcmp(at, "end");
    return !at || c->at_peak || c->at_end || vm_parse_count(at, "--at", &c->options.at, e);
}

/* Where the map is to be drawn is known when the trace is. */
static bool place_map(const struct args *a, struct comparison *c, struct vm_error *e)
{
    if (c->at_peak)
        c->options.at = c->requests.peak_number;
    if (c->at_end)
        c->options.at = c->requests.n;
    if (c->options.at > c->requests.n)
        return vm_fail(e, VM_EUSAGE, "--at %s: the trace has %zu requests", args_value(a, "at"),
                       c->requests.n);
    return true;
}

/* ---- what is said ---- */

/* The trace again, from its beginning: `n` lines. */
static bool print_events(const struct args *a, const char *name, const struct vm_trace_info *info,
                         uint64_t n, struct vm_error *e)
{
    struct vm_trace_options options;
    struct vm_batch b;
    uint64_t number = 0;
    if (!args_trace_options(a, &options, e))
        return false;
    struct vm_trace *t = vm_trace_open(name, &options, e);
    bool good = t;
    do {
        good = good && vm_trace_read(t, &b, e);
        for (uint32_t i = 0; good && i < b.nevents && number < n; i++)
            if (vm_event_is_request(b.event[i].kind))
                vm_report_request(stdout, info, ++number, &b.event[i]);
    } while (good && number < n && (b.nrefs || b.nevents));
    vm_trace_close(t);
    return good;
}

static bool maybe_events(const struct args *a, const char *name, const struct vm_trace_info *info,
                         struct vm_error *e)
{
    const char *text = args_value(a, "events");
    uint64_t n = 0;
    if (!text)
        return true;
    if (!vm_parse_count(text, "--events", &n, e))
        return false;
    if (!strcmp(name, "-"))
        return vm_fail(e, VM_EUSAGE, "--events: standard input cannot be read twice");
    return print_events(a, name, info, n, e);
}

static bool put_charts(const struct args *a, const struct vm_heaps *h, struct vm_error *e)
{
    struct vm_charts charts;
    bool drawn = args_has(a, "chart") && !args_has(a, "json");
    if (!charts_asked(a) && !drawn && !args_has(a, "at"))
        return true;
    bool all = charts_asked(a) || drawn;
    if (!(all ? vm_report_heap_charts : vm_report_heap_maps)(h, &charts, e))
        return false;
    bool good = !charts_asked(a) || charts_write(a, "Heaps", charts.chart, charts.n, e);
    if (good && !args_has(a, "json") && (drawn || args_has(a, "at"))) {
        putchar('\n');
        good = charts_print(charts.chart, charts.n, e);
    }
    vm_charts_free(&charts);
    return good;
}

/* False where there is a fault: the first one is named. */
static bool refuse_faults(const char *name, const struct comparison *c, const struct vm_heaps *h,
                          struct vm_error *e)
{
    const struct vm_request_fault *f = c->requests.fault;
    uint32_t site = f->event.site;
    return !c->requests.nfaults ||
           vm_fail(e, VM_EINPUT, "%s: request %llu (thread %u, %.80s): %s; faults in all: %llu",
                   name, (unsigned long long)f->number, f->event.thread,
                   site && site <= h->trace.nsites ? h->trace.site[site - 1] : "unknown site",
                   vm_request_fault_text(f->kind), (unsigned long long)c->requests.nfaults);
}

static bool show(const struct args *a, const char *name, struct comparison *c, struct vm_heaps *h,
                 struct vm_error *e)
{
    if (!args_has(a, "json") && !maybe_events(a, name, &h->trace, e))
        return false;
    if (args_has(a, "json") && !vm_report_heap_json(stdout, h, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_heap_text(stdout, h, stdout_colour());
    if (!put_charts(a, h, e) || !stdout_finish(e))
        return false;
    return !args_has(a, "strict") || refuse_faults(name, c, h, e);
}

/* ---- running ---- */

static bool replay_all(struct comparison *c, struct vm_error *e)
{
    for (size_t i = 0; i < c->nspecs; i++) {
        if (!vm_heap_replay(&c->requests, c->spec[i], &c->options, &c->result[i], e))
            return false;
        c->nresults++;
    }
    return true;
}

/* Where Debian's packages put them; NULL: glibc, whose own allocator needs nothing. */
static const struct {
    const char *name, *library;
} others[] = {
    {"glibc", NULL},
    {"jemalloc", "/usr/lib/x86_64-linux-gnu/libjemalloc.so.2"},
    {"mimalloc", "/usr/lib/x86_64-linux-gnu/libmimalloc.so.2"},
};

static bool measure_all(const struct args *a, struct comparison *c, struct vm_error *e)
{
    char player[BESIDE_PATH];
    if (!args_has(a, "measure"))
        return true;
    if (!beside_find("pagoda-heap-play", player, e))
        return false;
    for (size_t i = 0; i < c->nspecs; i++)
        if (!vm_heap_time(&c->requests, c->spec[i], &c->options, &c->ns[i], e))
            return false;
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++) {
        if (others[i].library && access(others[i].library, R_OK) != 0)
            continue;
        if (!vm_heap_measure(&c->requests, others[i].name, player, others[i].library,
                             &c->measured[c->nmeasured++], e))
            return false;
    }
    return true;
}

static bool compare(const struct args *a, struct comparison *c, const char *name,
                    struct vm_trace *t, struct vm_error *e)
{
    struct vm_heaps h = {.requests = &c->requests, .limit = c->options.limit, .result = c->result};
    if (!vm_requests_load(&c->requests, t, e) || !place_map(a, c, e) || !replay_all(c, e) ||
        !measure_all(a, c, e))
        return false;
    vm_trace_info(t, &h.trace);
    h.nresults = c->nresults;
    h.ns = args_has(a, "measure") ? c->ns : NULL;
    h.nmeasured = c->nmeasured;
    h.measured = c->measured;
    return show(a, name, c, &h, e);
}

static bool run_heap(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    const char *name = args_operand(a, "a trace of requests: a file, - or @WORKLOAD", e);
    if (!name || !args_trace_options(a, &options, e))
        return false;
    struct comparison *c = calloc(1, sizeof *c);
    struct vm_trace *t = NULL;
    bool done = c || vm_fail(e, VM_ESYSTEM, "no memory for heaps");
    done = done && parse_heaps(a, c, e) && parse_options(a, c, e) &&
           (t = vm_trace_open(name, &options, e)) && compare(a, c, name, t, e);
    for (size_t i = 0; c && i < c->nresults; i++)
        vm_heap_result_free(&c->result[i]);
    if (c)
        vm_requests_free(&c->requests);
    vm_trace_close(t);
    free(c);
    return done;
}

static const struct flag flags[] = {
    {"allocators", 0, "NAME,...", "heaps to send them through: see `pagoda list heaps`", "all"},
    {"limit", 0, "BYTES", "what a heap may grow to: requests beyond it fail", NULL},
    {"cpus", 0, "N", "processors that threads are dealt out to, for heaps that mind", "1"},
    {"at", 0, "WHEN", "draw each heap's region after request N, at the peak, or at the end", NULL},
    {"chart", 0, NULL, "draw what is asked for and held over the requests", NULL},
    {"measure", 0, NULL, "time them; and glibc, jemalloc and mimalloc, where installed", NULL},
    {"events", 0, "N", "first print the first N requests, a line each", NULL},
    {"strict", 0, NULL, "a fault of the trace is an error", NULL},
    CHART_FLAGS,
    TRACE_FLAGS,
    SEED_FLAG,
    {0}};

const struct command command_heap = {
    .name = "heap",
    .usage = "TRACE [--allocators NAME,...]",
    .summary = "a program's requests to its heap, through each heap allocator",
    .about =
        "TRACE is what `pagoda record --heap` makes, or a workload of requests. Each heap serves\n"
        "the same requests in a region of its own; blocks are not touched. What no heap could\n"
        "answer (a block freed twice, or never allocated) is told with its number, thread and\n"
        "site, counted, and passed over.\n\n"
        "  pagoda record --heap -o py.pgt -- python3 -c 'print(1)'\n"
        "  pagoda heap py.pgt --allocators first-fit,best-fit --at peak\n"
        "  pagoda heap py.pgt --limit 1MiB --html py.html",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_heap,
};
