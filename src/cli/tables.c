/* tables.c - `pagoda tables`: what each translation scheme's tables cost for a program. */
#include "cli/cli.h"

#include <pagoda/tables.h>

static bool report(const struct vm_table_costs *t, const struct args *a, struct vm_error *e)
{
    if (args_has(a, "json") && !vm_report_tables_json(stdout, t, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_tables_text(stdout, t, stdout_colour());
    return stdout_finish(e);
}

static bool run_tables(const struct args *a, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_table_costs tables;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    if (a->noperands == 0)
        return args_operand(a, "a trace: a file or @WORKLOAD", e);
    if (!args_config(a, &config, e) || !args_trace_options(a, &options, e))
        return false;
    options.seed = config.seed;
    bool sized = args_has(a, "memory") || args_has(a, "frames");
    struct vm_tables_request request = {.config = &config,
                                        .memory_bytes = sized ? config.memory_bytes : 0,
                                        .trace = a->operand[0],
                                        .scheme = a->operand + 1,
                                        .nschemes = a->noperands - 1,
                                        .options = &options,
                                        .progress = &progress};
    progress_start(&bar);
    bool done = vm_tables_compare(&request, &tables, e);
    progress_end(&bar);
    return done && report(&tables, a, e);
}

static const struct flag flags[] = {TRACE_FLAGS, {0}};

const struct command command_tables = {
    .name = "tables",
    .usage = "TRACE [SCHEME ...] [OPTION ...]",
    .summary = "what each translation scheme's tables cost for a program: bytes, frames, loads",
    .about =
        "Each scheme, or those named, translates the trace's pages, as many pages in a row, and\n"
        "as many spread over its addresses. Of a machine, what schemes do not decide counts:\n"
        "TLBs (which say how often it walks), --memory, --layout, --seed.\n\n"
        "  pagoda tables ls.pgt\n"
        "  pagoda tables ls.pgt sv39 x86-64 linear:bits=40 --tlb none",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_tables,
};
