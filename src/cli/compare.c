/* compare.c - `pagoda compare`: replacement policies beside each other. */
#include "cli/charts.h"

#include <pagoda/compare.h>
#include <pagoda/params.h>
#include <string.h>

static bool report(const struct vm_comparison *c, const struct args *a, struct vm_error *e)
{
    struct vm_charts charts;
    if (!vm_report_compare_charts(c, &charts, e))
        return false;
    bool done = charts_write(a, c->trace.name, charts.chart, charts.n, e);
    vm_charts_free(&charts);
    if (!done || (args_has(a, "json") && !vm_report_compare_json(stdout, c, e)))
        return false;
    if (!args_has(a, "json"))
        vm_report_compare_text(stdout, c, stdout_colour());
    return stdout_finish(e);
}

/* The machine without --memory, which here is a list. */
static bool machine(const struct args *a, struct vm_config *config, struct vm_error *e)
{
    struct args rest = *a;
    rest.nflags = 0;
    for (size_t i = 0; i < a->nflags; i++) {
        if (!strcmp(a->flag[i].name, "frames") || !strcmp(a->flag[i].name, "policy"))
            return vm_fail(e, VM_EUSAGE, "--%s names one: expected --%s", a->flag[i].name,
                           *a->flag[i].name == 'f' ? "memory SIZE,..." : "policies SPEC,...");
        if (strcmp(a->flag[i].name, "memory") != 0)
            rest.flag[rest.nflags++] = a->flag[i];
    }
    return args_config(&rest, config, e);
}

static const char *value_or(const struct args *a, const char *name, const char *fallback)
{
    const char *value = args_value(a, name);
    return value ? value : fallback;
}

static bool run_compare(const struct args *a, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_comparison c;
    unsigned workers;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    const char *trace = args_operand(a, "a trace: a file or @WORKLOAD", e);
    if (!trace || !machine(a, &config, e) || !args_trace_options(a, &options, e) ||
        !args_workers(a, &workers, e))
        return false;
    options.seed = config.seed;
    struct vm_compare_request request = {.config = &config,
                                         .policies = value_or(a, "policies", "all"),
                                         .memories = value_or(a, "memory", "10%,25%,50%"),
                                         .against = args_value(a, "against"),
                                         .workers = workers,
                                         .source = {.spec = trace, .options = &options},
                                         .progress = &progress};
    progress_start(&bar);
    bool done = vm_compare(&request, &c, e);
    progress_end(&bar);
    if (!done)
        return false;
    done = report(&c, a, e);
    vm_comparison_free(&c);
    return done;
}

static const struct flag flags[] = {
    {"policies", 'p', "SPEC,...", "the policies, or all of `pagoda list policies`", "all"},
    {"memory", 0, "SIZE|N%,...", "memories: with a unit, or parts of what the trace touches",
     "10%,25%,50%"},
    {"against", 0, "SPEC|best",
     "the policy whose pages the others' are held against; without it the first named, of all the "
     "best",
     NULL},
    {"workers", 0, "N", "threads that replay; without it one a processor", NULL},
    CHART_FLAGS,
    TRACE_FLAGS,
    {0}};

const struct command command_compare = {
    .name = "compare",
    .usage = "TRACE [--policies SPEC,...] [--memory SIZE|N%,...] [OPTION ...]",
    .summary = "replacement policies beside each other: misses, writebacks, time, where they part",
    .about =
        "A table a memory, a row a policy: the same machine, in which only the policy differs.\n"
        "opt is always there, as the bound that no policy's misses can go below. Parameters of a\n"
        "policy stay with it: lru,clock:load=referenced,fifo.\n\n"
        "  pagoda compare ls.pgt\n"
        "  pagoda compare ls.pgt --policies lru,clock,fifo --memory 10%,512KiB --model pages\n"
        "  pagoda compare @zipf:pages=10k --policies all --against opt --swap ssd",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_compare,
};
