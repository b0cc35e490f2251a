/* info.c - `pagoda info`: what a trace is like. */
#include "cli/cli.h"

#define REPORT_REFS (UINT64_C(1) << 20)

static bool profile(struct vm_trace *t, struct vm_profiler *p, struct vm_error *e)
{
    struct progress bar;
    struct vm_batch b;
    struct vm_trace_info info;
    uint64_t refs = 0, next = REPORT_REFS;
    bool good;
    progress_start(&bar);
    while ((good = vm_trace_read(t, &b, e)) && (b.nrefs || b.nevents)) {
        if (!(good = vm_profiler_batch(p, &b, e)))
            break;
        refs += b.nrefs;
        if (refs >= next) {
            vm_trace_info(t, &info);
            progress_report(&bar, "reading", &info, refs);
            next = refs + REPORT_REFS;
        }
    }
    progress_end(&bar);
    return good;
}

static bool report(struct vm_trace *t, struct vm_profiler *p, const struct args *a,
                   struct vm_error *e)
{
    struct vm_profile result;
    struct vm_trace_info info;
    if (!vm_profiler_result(p, &result, e))
        return false;
    vm_trace_info(t, &info);
    if (args_has(a, "json") && !vm_report_profile_json(stdout, &result, &info, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_profile_text(stdout, &result, &info, stdout_colour());
    return stdout_finish(e);
}

static bool run_info(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    const char *name = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    if (!name || !args_trace_options(a, &options, e))
        return false;
    struct vm_trace *t = vm_trace_open(name, &options, e);
    struct vm_profiler *p = t ? vm_profiler_open(e) : NULL;
    bool done = p && profile(t, p, e) && report(t, p, a, e);
    vm_profiler_close(p);
    vm_trace_close(t);
    return done;
}

static const struct flag flags[] = {TRACE_FLAGS, SEED_FLAG, {0}};

const struct command command_info = {
    .name = "info",
    .usage = "TRACE",
    .summary = "what a trace is like: references, footprint, regions, runs",
    .about =
        "References by kind, distinct pages of 4 KiB and 2 MiB, where they lie, and how long the\n"
        "program stays on one page. TRACE is what `pagoda replay` takes.\n\n"
        "  pagoda info ls.pgt\n"
        "  pagoda info @matmul:n=100,order=row",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_info,
};
