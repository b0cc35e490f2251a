/* advise.c - `pagoda advise`: which policy, readahead and memory a pager of real memory should have
 * for a program. */
#include "cli/cli.h"

#include <pagoda/live_proposal.h>

static bool report(const struct vm_live_proposal *found, const struct args *a, struct vm_error *e)
{
    if (args_has(a, "json") && !vm_report_live_proposal_json(stdout, found, e))
        return false;
    if (!args_has(a, "json"))
        vm_report_live_proposal_text(stdout, found, stdout_colour());
    return stdout_finish(e);
}

static bool wish(const struct args *a, struct vm_live_proposal_request *r, struct vm_error *e)
{
    const char *page = args_value(a, "page"), *seed = args_value(a, "seed");
    r->policies = args_value(a, "policies");
    r->memories = args_value(a, "memory");
    r->aheads = args_value(a, "ahead");
    r->cost = args_value(a, "store-cost");
    return (!page || vm_parse_bytes(page, "--page", &r->page_bytes, e)) &&
           (!seed || vm_parse_count(seed, "--seed", &r->seed, e)) &&
           args_workers(a, &r->workers, e);
}

static bool run_advise(const struct args *a, struct vm_error *e)
{
    struct vm_trace_options options;
    struct vm_live_proposal found;
    struct progress bar;
    struct vm_progress progress = {&bar, progress_report};
    const char *trace = args_operand(a, "a trace: a file or @WORKLOAD", e);
    struct vm_live_proposal_request r = {
        .seed = 1, .progress = &progress, .source = {.spec = trace, .options = &options}};
    if (!trace || !wish(a, &r, e) || !args_trace_options(a, &options, e))
        return false;
    options.seed = r.seed;
    progress_start(&bar);
    bool done = vm_live_propose(&r, &found, e);
    progress_end(&bar);
    if (!done)
        return false;
    done = report(&found, a, e);
    vm_live_proposal_free(&found);
    return done;
}

static const struct flag flags[] = {
    {"policies", 'p', "SPEC,...", "the policies to try; without it some that differ", NULL},
    {"memory", 0, "SIZE|N%,...",
     "the memories to try: with a unit, or parts of what the trace touches; without it parts from "
     "5% to all of it",
     NULL},
    {"ahead", 0, "SIZE,...", "what may come along with a page", "0,64KiB,256KiB"},
    {"store-cost", 0, "STORE[:KEY=NS,...]",
     "what faults and transfers cost: as measured of memory, lz4, zstd, file, spill or nbd, with "
     "changes to fault, copy, load, along, write, evict",
     "lz4"},
    {"page", 0, "SIZE", "what comes and goes as one; without it the log's, or 4KiB", NULL},
    {"workers", 0, "N", "threads that replay; without it one a processor", NULL},
    SEED_FLAG,
    TRACE_FLAGS,
    {0}};

const struct command command_advise = {
    .name = "advise",
    .usage = "TRACE [--store-cost STORE] [--memory SIZE,...] [OPTION ...]",
    .summary = "propose policy, readahead and memory for a program under the live pager",
    .about =
        "TRACE is best a log of accesses (pagoda live --log FILE --log-depth accesses), for which\n"
        "the faults of every run are known; any other trace will do. Each policy is replayed as\n"
        "the pager would have it, with each readahead and memory; what it counts is priced. The\n"
        "memory proposed is the knee: more saves little, less costs much.\n\n"
        "  pagoda advise log.pgt\n"
        "  pagoda advise log.pgt --store-cost file:load=120000 --memory 64MiB,128MiB,256MiB\n"
        "  pagoda advise @zipf:pages=100k,writes=0.2 --policies s3-fifo,lirs",
    .flag = flags,
    .json = JSON_FLAG_TAKEN,
    .run = run_advise,
};
