/* sched.c - `pagoda sched`: jobs under CPU schedulers, one beside the other. */
#include "cli/charts.h"
#include "cli/job_flags.h"
#include "cli/keys.h"

#include <stdlib.h>
#include <string.h>

#define POLICIES "rr"
#define WARMUP   "10"
#define RATE     "2"

enum { RESULTS_MAX = 32, DRAWN_MAX = 1024 };

/* All that a command line names. */
struct schedule {
    struct vm_job_list jobs;
    struct vm_jobs_request request;
    uint64_t drawn[DRAWN_MAX];
    size_t nspecs;
    char spec[RESULTS_MAX][128];
    struct vm_jobs_result result[RESULTS_MAX];
    size_t nresults;
};

/* ---- schedulers and processors ---- */

/* Names and parameters are checked before the first run. */
static bool find_schedulers(const struct args *a, struct schedule *s, struct vm_error *e)
{
    const char *list = args_value(a, "policy");
    char item[128];
    struct vm_params params;
    for (list = list ? list : POLICIES; (list = vm_spec_next(list, item, sizeof item));) {
        if (s->nspecs == RESULTS_MAX)
            return vm_fail(e, VM_EUSAGE, "--policy: more than %d schedulers", RESULTS_MAX);
        if (!vm_sched_parse(item, &params, e))
            return false;
        strcpy(s->spec[s->nspecs++], item);
    }
    return s->nspecs || vm_fail(e, VM_EUSAGE, "--policy: no scheduler");
}

static bool parse_drawn(const struct args *a, struct schedule *s, struct vm_error *e)
{
    const char *list = args_value(a, "draws");
    char item[32];
    while ((list = vm_spec_next(list, item, sizeof item))) {
        if (s->request.ndrawn == DRAWN_MAX)
            return vm_fail(e, VM_EUSAGE, "--draws: more than %d numbers", DRAWN_MAX);
        if (!vm_parse_count(item, "--draws", &s->drawn[s->request.ndrawn++], e))
            return false;
    }
    s->request.drawn = s->drawn;
    return true;
}

static bool parse_machine(const struct args *a, struct schedule *s, struct vm_error *e)
{
    struct vm_jobs_request *r = &s->request;
    if (!job_flags_processors(a, r, e) || !job_flags_number(a, "cache", "0", &r->warmth.size, e) ||
        !job_flags_number(a, "warmup", WARMUP, &r->warmth.warmup, e) ||
        !job_flags_number(a, "warm-rate", RATE, &r->warmth.rate, e))
        return false;
    if (r->warmth.rate == 0)
        return vm_fail(e, VM_EUSAGE, "--warm-rate 0: expected 1 or more");
    r->record = args_has(a, "trace") ? VM_RECORD_EVENTS : VM_RECORD_SPANS;
    return true;
}

static bool find_jobs(const struct args *a, struct schedule *s, struct vm_error *e)
{
    static const char example[] = "pagoda sched --jobs 0:8,2:4,4:1 --policy fifo,sjf,rr";
    if (!job_flags_read(a, example, &s->jobs, e))
        return false;
    s->request.job = s->jobs.job;
    s->request.njobs = s->jobs.n;
    return true;
}

/* ---- running and showing ---- */

static bool run_all(struct schedule *s, struct vm_error *e)
{
    for (size_t i = 0; i < s->nspecs; i++) {
        s->request.scheduler = s->spec[i];
        if (!vm_jobs_run(&s->request, &s->result[i], e))
            return false;
        s->nresults++;
    }
    return true;
}

static bool write_charts(const struct args *a, const struct vm_schedules *shown, struct vm_error *e)
{
    struct vm_charts charts;
    if (!charts_asked(a))
        return true;
    if (!vm_report_sched_charts(shown, &charts, e))
        return false;
    bool done = charts_write(a, "Schedules", charts.chart, charts.n, e);
    vm_charts_free(&charts);
    return done;
}

static bool show(const struct args *a, const struct schedule *s, struct vm_error *e)
{
    struct vm_schedules shown = {&s->request, s->nresults, s->result};
    unsigned lines, columns;
    if (!write_charts(a, &shown, e))
        return false;
    if (args_has(a, "json"))
        return vm_report_sched_json(stdout, &shown, e) && stdout_finish(e);
    keys_size(&lines, &columns);
    if (args_has(a, "trace"))
        vm_report_sched_events(stdout, &shown, stdout_colour());
    vm_report_sched_text(stdout, &shown, columns, stdout_colour());
    return stdout_finish(e);
}

static bool run_sched(const struct args *a, struct vm_error *e)
{
    struct schedule *s = calloc(1, sizeof *s);
    bool done = s || vm_fail(e, VM_ESYSTEM, "no memory for a schedule");
    done = done && find_schedulers(a, s, e) && parse_machine(a, s, e) && parse_drawn(a, s, e) &&
           find_jobs(a, s, e) && run_all(s, e) && show(a, s, e);
    for (size_t i = 0; s && i < s->nresults; i++)
        vm_jobs_free(&s->result[i]);
    if (s)
        vm_job_list_free(&s->jobs);
    free(s);
    return done;
}

static const struct flag flags[] = {
    {"policy", 'p', "NAME,...", "schedulers to run them under: see `pagoda list schedulers`",
     POLICIES},
    PROCESSOR_FLAGS,
    {"cache", 0, "SIZE", "of each processor: jobs whose `set` is in it are warm; 0: none are", "0"},
    {"warmup", 0, "N", "time on a processor until a job is warm there", WARMUP},
    {"warm-rate", 0, "N", "work done in a unit of time when warm", RATE},
    {"draws", 0, "N,...", "the first numbers that are drawn, for a textbook's lottery", NULL},
    JOB_FLAGS,
    {"trace", 't', NULL, "each decision, with what it turned on", NULL},
    CHART_FLAGS,
    {0}};

const struct command command_sched = {
    .name = "sched",
    .usage = "[FILE ...] [OPTION ...]",
    .summary = "jobs under CPU schedulers: who runs when, and what each job waits for it",
    .about =
        "A job arrives, and needs the processor for some time: --jobs 0:8,2:4 is one of 8 that\n"
        "comes at 0, and one of 4 that comes at 2. Keys of a job: io=EVERY/TIME (after each EVERY\n"
        "of its own time a transfer of TIME), tickets=N, nice=N, cpus=0+2 (where it may run),\n"
        "set=N (what it takes of a cache), name=NAME. A FILE has one job on each line, and\n"
        "comments after #. Time has no unit: read it as milliseconds.\n\n"
        "For each scheduler there is a Gantt chart, and for each job its response (first run -\n"
        "arrival), turnaround (end - arrival) and waiting time; several schedulers are "
        "compared.\n\n"
        "  pagoda sched --jobs 0:100,0:10,0:10 --policy fifo,sjf,rr\n"
        "  pagoda sched --jobs 0:180,100:20 --policy mlfq:boost=50 --trace\n"
        "  pagoda sched --jobs 0:30:tickets=100,0:30:tickets=50 -p lottery,stride --quantum 1\n"
        "  pagoda sched --random 20 --cpus 4 --cache 100 --set 60 -p sqms,mqms:base=mlfq/boost=50",
    .flag = flags,
    .machine = MACHINE_FLAGS_NONE,
    .json = JSON_FLAG_TAKEN,
    .run = run_sched,
};
