/* replay.c - `pagoda replay`: a trace through a machine, or through the pager of real memory. */
#include "cli/cli.h"

#include <pagoda/as_live.h>
#include <stdlib.h>
#include <string.h>

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

static bool run_replay(const struct args *a, const char *trace, struct vm_error *e)
{
    struct vm_config config;
    struct vm_trace_options options;
    struct vm_result result;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    if (!args_config(a, &config, e) || !args_trace_options(a, &options, e) || !args_show(a, e))
        return false;
    options.seed = config.seed;
    progress_start(&bar);
    bool done = vm_replay(&config, trace, &options, &progress, &result, e);
    progress_end(&bar);
    return done && report(&result, a, e);
}

/* ---- as the pager of real memory ---- */

/* A flag's number into *out, and where it lies into *given; NULL there: it was not given. */
static bool number(const struct args *a, const char *flag,
                   bool (*parse)(const char *, const char *, uint64_t *, struct vm_error *),
                   uint64_t *out, const uint64_t **given, struct vm_error *e)
{
    char what[32];
    const char *text = args_value(a, flag);
    *given = text ? out : NULL;
    snprintf(what, sizeof what, "--%s", flag);
    return !text || parse(text, what, out, e);
}

static bool takes(const char *flag)
{
    static const char *const taken[] = {"as-live", "ahead",  "batch",  "workers", "memory",
                                        "page",    "policy", "seed",   "json",    "format",
                                        "skip",    "refs",   "salvage"};
    for (size_t i = 0; i < sizeof taken / sizeof taken[0]; i++)
        if (!strcmp(flag, taken[i]))
            return true;
    return false;
}

static bool request_as_live(const struct args *a, struct vm_as_live_request *r, uint64_t value[4],
                            struct vm_error *e)
{
    const uint64_t *page;
    for (size_t i = 0; i < a->nflags; i++)
        if (!takes(a->flag[i].name))
            return vm_fail(e, VM_EUSAGE,
                           "--%s is of a machine: a pager of real memory has --memory, "
                           "--page, --policy, --ahead, --batch and --seed",
                           a->flag[i].name);
    r->policies = args_value(a, "policy");
    r->memory = args_value(a, "memory");
    if (!number(a, "page", vm_parse_bytes, &value[0], &page, e) ||
        !number(a, "ahead", vm_parse_bytes, &value[1], &r->ahead, e) ||
        !number(a, "batch", vm_parse_count, &value[2], &r->batch, e) ||
        !number(a, "seed", vm_parse_count, &value[3], &r->seed, e) ||
        !args_workers(a, &r->workers, e))
        return false;
    r->page_bytes = page ? *page : 0;
    return true;
}

static bool report_as_live(const struct vm_as_live *found, const struct args *a, struct vm_error *e)
{
    if (args_has(a, "json") && !vm_report_as_live_json(stdout, found, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_as_live_text(stdout, found, stdout_colour());
    return stdout_finish(e);
}

static bool run_as_live(const struct args *a, const char *trace, struct vm_error *e)
{
    struct vm_trace_options options;
    struct vm_as_live *found = malloc(sizeof *found);
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    struct vm_as_live_request r = {.progress = &progress,
                                   .source = {.spec = trace, .options = &options}};
    uint64_t value[4];
    if (!found)
        return vm_fail(e, VM_ESYSTEM, "no memory for a replay");
    bool done = request_as_live(a, &r, value, e) && args_trace_options(a, &options, e);
    if (done) {
        options.seed = r.seed ? *r.seed : 1;
        progress_start(&bar);
        done = vm_as_live(&r, found, e);
        progress_end(&bar);
    }
    if (done) {
        done = report_as_live(found, a, e);
        vm_as_live_free(found);
    }
    free(found);
    return done;
}

static bool run_either(const struct args *a, struct vm_error *e)
{
    const char *trace = args_operand(a, "a trace: a file, - or @WORKLOAD", e);
    if (!trace)
        return false;
    return args_has(a, "as-live") ? run_as_live(a, trace, e) : run_replay(a, trace, e);
}

static const struct flag flags[] = {
    {"as-live", 0, NULL,
     "as the pager of real memory would do, that hears of faults alone: its misses, first writes, "
     "evictions and writebacks; --policy may name several, or all",
     NULL},
    {"ahead", 0, "SIZE", "as live: what comes along with a page at most; 0: nothing", "256KiB"},
    {"batch", 0, "N", "as live: pages that leave at once; 0: 64, less in little memory", "0"},
    {"workers", 0, "N", "as live: threads that replay; without it one a processor", NULL},
    TRACE_FLAGS,
    SHOW_FLAG,
    {0}};

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
             "  pagoda replay log.pgt --as-live --policy clock,s3-fifo,lirs --memory 256MiB\n"
             "  pagoda replay @loop:pages=101 --model pages --frames 100 --policy opt --json",
    .flag = flags,
    .machine = MACHINE_FLAGS_TAKEN,
    .json = JSON_FLAG_TAKEN,
    .run = run_either,
};
