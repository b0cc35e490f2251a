/* bench_sched.c - jobs under each CPU scheduler: sched.jobs.NAME.
 *
 * 200 jobs, half of them with transfers, on 4 processors: what is counted is picks, each with all
 * that goes with it, from the clock of the run to the spans that it leaves. `picks` are those of
 * the scheduler itself, so that rows differ in how many there are, too.
 */
#include "bench.h"

#include <pagoda/jobs.h>
#include <stdio.h>
#include <stdlib.h>

struct bench {
    struct vm_job_list jobs;
};

static size_t nrows(const struct bench_host *host)
{
    (void)host;
    size_t n = 0;
    while (vm_sched_at(n))
        n++;
    return n;
}

static void row(const struct bench_host *host, size_t i, struct bench_row *out)
{
    (void)host;
    *out = (struct bench_row){.unit = "M picks/s", .scale = 1e6};
    snprintf(out->name, sizeof out->name, "sched.jobs.%s", vm_sched_at(i)->name);
}

static void *open_bench(const struct bench_host *host, struct vm_error *e)
{
    (void)host;
    static const struct vm_job_recipe recipe = {.n = 200,
                                                .seed = 1,
                                                .run_max = 5000,
                                                .gap_max = 20,
                                                .io_percent = 50,
                                                .io_every_max = 30,
                                                .io_time = 20,
                                                .tickets_max = 100};
    struct bench *b = calloc(1, sizeof *b);
    if (!b) {
        vm_fail(e, VM_ESYSTEM, "no memory for the schedulers' bench");
        return NULL;
    }
    if (!vm_job_list_draw(&b->jobs, &recipe, e)) {
        free(b);
        return NULL;
    }
    return b;
}

static void prepare(void *group, size_t i)
{
    (void)group, (void)i;
}

static double run(void *group, size_t i)
{
    struct bench *b = group;
    struct vm_jobs_result r;
    struct vm_error e;
    double picks = 0;
    struct vm_jobs_request request = {.job = b->jobs.job,
                                      .njobs = b->jobs.n,
                                      .scheduler = vm_sched_at(i)->name,
                                      .ncpus = 4,
                                      .quantum = 10,
                                      .timer = 1,
                                      .seed = 1};
    if (!vm_jobs_run(&request, &r, &e))
        bench_fail(&e);
    for (uint32_t j = 0; j < r.njobs; j++)
        picks += (double)r.job[j].picks;
    vm_jobs_free(&r);
    return picks;
}

static void close_bench(void *group)
{
    struct bench *b = group;
    vm_job_list_free(&b->jobs);
    free(b);
}

const struct bench_group bench_sched = {
    .nrows = nrows,
    .row = row,
    .open = open_bench,
    .prepare = prepare,
    .run = run,
    .close = close_bench,
};
