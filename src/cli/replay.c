/* replay.c - `pagoda replay`: a trace through a machine. */
#include "cli/cli.h"

static bool report(const struct vm_result *r, const struct args *a, struct vm_error *e)
{
    if (args_has(a, "json") && !vm_report_replay_json(stdout, r, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_replay_text(stdout, r, stdout_colour());
    if (!args_has(a, "json") && args_has(a, "show"))
        vm_report_frames_text(stdout, r, stdout_colour());
    return stdout_finish(e);
}

static bool run_replay(const struct args *a, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_result result;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    const char *trace = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    if (!trace || !args_config(a, &config, e) || !args_trace_options(a, &options, e) ||
        !args_show(a, e))
        return false;
    options.seed = config.seed;
    progress_start(&bar);
    bool done = vm_replay(&config, trace, &options, &progress, &result, e);
    progress_end(&bar);
    return done && report(&result, a, e);
}

static const struct flag flags[] = {TRACE_FLAGS, SHOW_FLAG, {0}};

const struct command command_replay = {
    .name = "replay",
    .usage = "TRACE [OPTION ...]",
    .summary = "replay a trace through a machine and say what happened and what it cost",
    .about = "TRACE is a file in any of the formats that `pagoda list formats` shows, compressed\n"
             "or not, - for standard input, or a workload: @zipf:pages=1M,s=0.9.\n"
             "The machine is what --machine describes, changed by the options. A SIZE has a unit\n"
             "(64KiB, 1.5GiB) or is in bytes; N may be 10k, 1M; a SPEC is a name, or with\n"
             "parameters NAME:KEY=VALUE,KEY=VALUE.\n\n"
             "  pagoda replay ls.pgt --memory 512KiB\n"
             "  pagoda replay ls.pgt --machine skylake --frames 128 --policy lru --swap ssd\n"
             "  pagoda replay @loop:pages=101 --model pages --frames 100 --policy opt --json",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_replay,
};
