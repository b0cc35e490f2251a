/* partitions.c - `pagoda partitions`: whole jobs in one memory, by several ways to share it. */
#include "cli/job_flags.h"
#include "cli/keys.h"

#include <pagoda/multiprogram.h>
#include <stdlib.h>
#include <string.h>

#define STORAGE "variable"
#define POLICY  "rr"

enum { RESULTS_MAX = 32 };

/* All that a command line names. */
struct residence {
    struct vm_job_list jobs;
    struct vm_multiprogram_request request[RESULTS_MAX]; /* that differ in their storage */
    char storage[RESULTS_MAX][128];
    size_t nstorages;
    struct vm_multiprogram_result result[RESULTS_MAX];
    size_t nresults;
};

static bool find_jobs(const struct args *a, struct residence *s, struct vm_error *e)
{
    static const char example[] =
        "pagoda partitions --memory 2560K --jobs 0:10:memory=600K,0:5:memory=1000K";
    return job_flags_read(a, example, &s->jobs, e);
}

static bool bytes(const struct args *a, const char *flag, uint64_t *out, struct vm_error *e)
{
    char what[32];
    const char *text = args_value(a, flag);
    snprintf(what, sizeof what, "--%s", flag);
    return !text || vm_parse_bytes(text, what, out, e);
}

static bool parse_queue(const struct args *a, enum vm_memory_queue *out, struct vm_error *e)
{
    static const char *const words[] = {"fifo", "fitting", "smallest"};
    const char *text = args_value(a, "queue");
    for (unsigned i = 0; text && i < 3; i++)
        if (!strcmp(text, words[i])) {
            *out = (enum vm_memory_queue)i;
            return true;
        }
    return !text || vm_fail_unknown(e, "queue", text, words, 3);
}

static bool parse_memory(const struct args *a, struct vm_multiprogram_request *r,
                         struct vm_error *e)
{
    r->memory = 1 << 20;
    if (!bytes(a, "memory", &r->memory, e) || !bytes(a, "move-rate", &r->move_rate, e) ||
        !bytes(a, "swap-rate", &r->swap_rate, e) ||
        !job_flags_number(a, "swap-access", "0", &r->swap_access, e) ||
        !job_flags_number(a, "residence", "0", &r->residence, e) || !parse_queue(a, &r->queue, e))
        return false;
    if (r->swap_rate == 0 && (args_has(a, "swap-access") || args_has(a, "residence")))
        return vm_fail(e, VM_EUSAGE, "nothing is swapped: expected --swap-rate too");
    return true;
}

static bool find_storages(const struct args *a, struct residence *s, struct vm_error *e)
{
    const char *list = args_value(a, "storage");
    for (list = list ? list : STORAGE;;) {
        list = vm_spec_next(list, s->storage[s->nstorages], sizeof s->storage[0]);
        if (!list)
            break;
        if (++s->nstorages == RESULTS_MAX)
            return vm_fail(e, VM_EUSAGE, "--storage: expected less than %d", RESULTS_MAX);
    }
    return s->nstorages || vm_fail(e, VM_EUSAGE, "--storage: expected one at least");
}

static bool parse(const struct args *a, struct residence *s, struct vm_error *e)
{
    struct vm_multiprogram_request r = {0};
    const char *scheduler = args_value(a, "policy");
    struct vm_params params;
    r.jobs.scheduler = scheduler ? scheduler : POLICY;
    if (!vm_sched_parse(r.jobs.scheduler, &params, e) || !job_flags_processors(a, &r.jobs, e) ||
        !parse_memory(a, &r, e) || !find_storages(a, s, e) || !find_jobs(a, s, e))
        return false;
    r.jobs.job = s->jobs.job;
    r.jobs.njobs = s->jobs.n;
    for (size_t i = 0; i < s->nstorages; i++) {
        r.storage = s->storage[i];
        s->request[i] = r;
    }
    return true;
}

static bool run_all(struct residence *s, struct vm_error *e)
{
    for (; s->nresults < s->nstorages; s->nresults++)
        if (!vm_multiprogram_run(&s->request[s->nresults], &s->result[s->nresults], e))
            return false;
    return true;
}

static bool show(const struct args *a, const struct residence *s, struct vm_error *e)
{
    struct vm_residence shown = {s->request, s->nresults, s->result, VM_TIME_NEVER};
    unsigned lines, columns;
    if (args_has(a, "at") && !job_flags_number(a, "at", "0", &shown.at, e))
        return false;
    if (args_has(a, "json"))
        return vm_report_partitions_json(stdout, &shown, e) && stdout_finish(e);
    keys_size(&lines, &columns);
    return vm_report_partitions_text(stdout, &shown, columns, stdout_colour(), e) &&
           stdout_finish(e);
}

static bool run_partitions(const struct args *a, struct vm_error *e)
{
    struct residence *s = calloc(1, sizeof *s);
    bool done = s || vm_fail(e, VM_ESYSTEM, "no memory for what jobs do");
    done = done && parse(a, s, e) && run_all(s, e) && show(a, s, e);
    for (size_t i = 0; s && i < s->nresults; i++)
        vm_multiprogram_free(&s->result[i]);
    if (s)
        vm_job_list_free(&s->jobs);
    free(s);
    return done;
}

static const struct flag flags[] = {
    {"memory", 0, "SIZE", "that jobs share: the monitor's own is not counted", "1MiB"},
    {"storage", 0, "SPEC,...", "how it is shared: see `pagoda list storages`", STORAGE},
    {"queue", 0, "fifo|fitting|smallest",
     "who goes in when there is room: nobody before the first in line; the first that fits; the "
     "smallest",
     "fifo"},
    {"move-rate", 0, "SIZE", "that compaction moves in a unit of time; 0: in no time", "0"},
    {"swap-rate", 0, "SIZE",
     "that a transfer to swap moves in a unit of time; 0: jobs stay until they end", "0"},
    {"swap-access", 0, "N", "time of a transfer beside that of its bytes", "0"},
    {"residence", 0, "N", "time that a job is in memory at least before it is swapped out", "0"},
    {"at", 0, "N", "show the tables of used and free areas at that time, too", NULL},
    {"policy", 'p', "NAME", "the CPU scheduler: see `pagoda list schedulers`", POLICY},
    PROCESSOR_FLAGS,
    JOB_FLAGS,
    {0}};

const struct command command_partitions = {
    .name = "partitions",
    .usage = "[FILE ...] [OPTION ...]",
    .summary = "whole jobs in one memory: partitions, fits, compaction, swapping",
    .about =
        "A job is in memory whole and in one piece, or it waits for room. --jobs 0:10:memory=600K\n"
        "is one that comes at 0, needs the processor for 10, and is 600 KiB; other keys, and "
        "files\n"
        "of jobs, are as `pagoda help sched` has them. Those in memory share the processors by a\n"
        "scheduler; compaction, where the storage does it, takes the processors' time by\n"
        "--move-rate; with --swap-rate, jobs whose turn is over make room for those that wait.\n\n"
        "For each storage there is a map of memory after each change, a line for each job, and\n"
        "what was lost to fragmentation; several storages are compared.\n\n"
        "  pagoda partitions --memory 2160K --quantum 1 --jobs "
        "0:10:memory=600K,0:5:memory=1000K,\\\n"
        "      0:20:memory=300K,0:8:memory=700K,0:15:memory=500K --at 14\n"
        "  pagoda partitions --random 40 --largest 300K --gap 20 --storage "
        "single,fixed:parts=4,\\\n"
        "      variable:fit=best-fit,variable:compact=needed",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_partitions,
};
