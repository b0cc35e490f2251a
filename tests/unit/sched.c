/* What single schedulers do that a run of jobs does not show, and what requests are refused. */
#include "unit/test.h"

#include <pagoda/jobs.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 8 };

struct host {
    const struct vm_sched_ops *ops;
    struct vm_params params;
    struct vm_sched_env env;
    uint64_t now;
    struct vm_sched_task task[TASKS];
    void *state;
};

static bool may(void *host, vm_task task, uint32_t cpu)
{
    (void)host, (void)task, (void)cpu;
    return true;
}

static uint64_t draw(void *host, uint64_t n)
{
    (void)host, (void)n;
    return 0;
}

static bool open_spec(struct host *h, const char *spec, struct vm_error *e)
{
    *h = (struct host){0};
    h->ops = vm_sched_parse(spec, &h->params, e);
    if (!h->ops)
        return false;
    h->env = (struct vm_sched_env){.ntasks = TASKS,
                                   .ncpus = 1,
                                   .unit = 1,
                                   .quantum = 10,
                                   .now = &h->now,
                                   .task = h->task,
                                   .params = &h->params,
                                   .host = h,
                                   .may = may,
                                   .draw = draw};
    for (size_t t = 0; t < TASKS; t++)
        h->task[t] = (struct vm_sched_task){VM_LEFT_UNKNOWN, 1, 0};
    size_t bytes = h->ops->size(&h->env, e);
    if (!bytes)
        return false;
    h->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    memset(h->state, 0, bytes);
    h->ops->init(h->state, &h->env);
    return true;
}

static void start(struct host *h, const char *spec)
{
    struct vm_error e = {0};
    if (!open_spec(h, spec, &e))
        fail_msg("%s: %s", spec, e.text);
}

/* The task runs for `time` and blocks. */
static void burst(struct host *h, vm_task task, uint64_t time)
{
    assert_int_equal(h->ops->pick(h->state, 0), task);
    h->now += time;
    h->ops->ran(h->state, task, time);
    h->ops->block(h->state, task);
}

static uint64_t left(struct host *h, vm_task task)
{
    struct vm_sched_fact fact[VM_SCHED_FACTS_MAX];
    size_t n = h->ops->facts(h->state, task, fact);
    for (size_t i = 0; i < n; i++)
        if (!strcmp(fact[i].name, "left"))
            return fact[i].value;
    fail_msg("no fact left");
    return 0;
}

/* Silberschatz, Galvin & Gagne, 10th ed., figure 5.4: bursts 6 4 6 4 13 13 13, alpha 1/2, and a
 * first guess of 10: 8 6 6 5 9 11 12. */
static void sjf_guesses_bursts_as_in_figure_5_4(void **unused)
{
    (void)unused;
    static const uint64_t ran[] = {6, 4, 6, 4, 13, 13, 13}, guess[] = {10, 8, 6, 6, 5, 9, 11, 12};
    struct host h;
    start(&h, "sjf");
    h.ops->ready(h.state, 0, VM_READY_NEW);
    for (size_t i = 0; i < 7; i++) {
        assert_int_equal(left(&h, 0), guess[i]);
        burst(&h, 0, ran[i]);
        h.ops->ready(h.state, 0, VM_READY_WOKEN);
    }
    assert_int_equal(left(&h, 0), guess[7]);
    free(h.state);
}

static void alpha_weighs_the_last_burst(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec;
        uint64_t guess; /* after 10 guessed and 2 ran */
    } rows[] = {{"sjf:alpha=0.25", 8}, {"sjf:alpha=1", 2}, {"stcf:alpha=0", 10}};
    for (size_t i = 0; i < 3; i++) {
        struct host h;
        start(&h, rows[i].spec);
        h.ops->ready(h.state, 0, VM_READY_NEW);
        burst(&h, 0, 2);
        h.ops->ready(h.state, 0, VM_READY_WOKEN);
        assert_int_equal(left(&h, 0), rows[i].guess);
        free(h.state);
    }
}

static void stcf_counts_down_what_it_has_guessed(void **unused)
{
    (void)unused;
    struct host h;
    start(&h, "stcf");
    h.ops->ready(h.state, 0, VM_READY_NEW);
    assert_int_equal(h.ops->pick(h.state, 0), 0);
    h.ops->ran(h.state, 0, 6);
    assert_int_equal(left(&h, 0), 4);
    h.task[1].left = 5;
    h.ops->ready(h.state, 1, VM_READY_NEW);
    assert_int_equal(h.ops->preempt(h.state), VM_NOCPU);
    h.task[2].left = 3;
    h.ops->ready(h.state, 2, VM_READY_NEW);
    assert_int_equal(h.ops->preempt(h.state), 0);
    free(h.state);
}

static void a_task_that_yields_goes_behind_the_others(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"fifo", "rr", "mlfq"};
    for (size_t i = 0; i < 3; i++) {
        struct host h;
        start(&h, specs[i]);
        h.ops->ready(h.state, 0, VM_READY_NEW);
        h.ops->ready(h.state, 1, VM_READY_NEW);
        assert_int_equal(h.ops->pick(h.state, 0), 0);
        h.ops->ready(h.state, 0, VM_READY_YIELDED);
        assert_int_equal(h.ops->pick(h.state, 0), 1);
        free(h.state);
    }
}

/* A host whose timer is late may preempt a task that has used its slice up. */
static void mlfq_sinks_a_task_that_is_preempted_too_late(void **unused)
{
    (void)unused;
    struct host h;
    start(&h, "mlfq:quantum=5");
    h.ops->ready(h.state, 0, VM_READY_NEW);
    h.ops->pick(h.state, 0);
    h.ops->ran(h.state, 0, 7);
    assert_int_equal(h.ops->slice(h.state, 0), 0);
    h.ops->ready(h.state, 0, VM_READY_PREEMPTED);
    h.ops->check(h.state);
    h.ops->ready(h.state, 1, VM_READY_NEW);
    assert_int_equal(h.ops->pick(h.state, 0), 1); /* in the highest queue */
    free(h.state);
}

static void a_unit_makes_parameters_times_of_the_host(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"rr:quantum=3", "mlfq:quantum=3", "cfs:latency=3,min=1"};
    for (size_t i = 0; i < 3; i++) {
        struct host h;
        struct vm_error e;
        start(&h, specs[i]);
        free(h.state);
        h.env.unit = 1000000;
        size_t bytes = h.ops->size(&h.env, &e);
        h.state = aligned_alloc(64, (bytes + 63) / 64 * 64);
        memset(h.state, 0, bytes);
        h.ops->init(h.state, &h.env);
        h.ops->ready(h.state, 0, VM_READY_NEW);
        h.ops->pick(h.state, 0);
        assert_int_equal(h.ops->slice(h.state, 0), 3000000);
        free(h.state);
    }
}

/* A nanosecond at a time, with the least weight: nothing is lost to rounding. */
static void cfs_counts_the_smallest_times(void **unused)
{
    (void)unused;
    struct host h;
    struct vm_sched_fact fact[VM_SCHED_FACTS_MAX];
    start(&h, "cfs:new=floor");
    h.task[0].nice = VM_NICE_MIN;
    h.ops->ready(h.state, 0, VM_READY_NEW);
    h.ops->pick(h.state, 0);
    for (int i = 0; i < 88761; i++)
        h.ops->ran(h.state, 0, 1);
    h.ops->facts(h.state, 0, fact);
    assert_string_equal(fact[1].name, "vruntime");
    assert_int_equal(fact[1].value, 1024);
    free(h.state);
}

static void clocks_that_have_come_too_far_stand_still(void **unused)
{
    (void)unused;
    static const char *const specs[] = {"stride:quantum=1,new=floor", "cfs:new=floor"};
    for (size_t i = 0; i < 2; i++) {
        struct host h;
        start(&h, specs[i]);
        h.task[0].nice = h.task[1].nice = VM_NICE_MAX;
        h.ops->ready(h.state, 0, VM_READY_NEW);
        h.ops->ready(h.state, 1, VM_READY_NEW);
        for (int k = 0; k < 40; k++) {
            vm_task t = h.ops->pick(h.state, 0);
            assert_int_equal(t, k % 2);
            h.ops->ran(h.state, t, VM_TIME_MAX);
            h.ops->ready(h.state, t, VM_READY_QUANTUM);
            h.ops->check(h.state);
        }
        free(h.state);
    }
}

static void bad_parameters_are_refused(void **unused)
{
    (void)unused;
    static const struct {
        const char *spec, *said;
    } rows[] = {
        {"mlfq:quantum=10+x", "quantum=10+x: bad number \"x\""},
        {"mlfq:quantum=10++20", "bad number \"\""},
        {"mlfq:quantum=1+2,allot=1+2+3",
         "quantum has 2 values: expected one, or one for each of 3"},
        {"mlfq:queues=2,quantum=1+2+3", "quantum has 3 values"},
        {"mlfq:allot=0", "allotment of 0"},
        {"mlfq:allot=1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1+1", "more than 16 queues"},
        {"mqms:base=mqms", "base=mqms: it arranges queues itself"},
        {"sqms:base=rrr", "unknown scheduler \"rrr\""},
        {"sqms:base=rr/quantums=1", "quantums"},
        {"mqms:base=mlfq/allot=0", "allotment of 0"},
        {"stride:scale=0", "scale"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct host h;
        struct vm_error e = {0};
        assert_false(open_spec(&h, rows[i].spec, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        if (!strstr(e.text, rows[i].said))
            fail_msg("%s: %s", rows[i].spec, e.text);
    }
}

/* ---- requests ---- */

static void bad_requests_are_refused(void **unused)
{
    (void)unused;
    struct vm_job job = {.name = "A", .run = 5, .cpus = 2, .tickets = 1};
    const struct vm_jobs_request good = {
        .job = &job, .njobs = 1, .scheduler = "rr", .ncpus = 2, .quantum = 10, .timer = 5};
    struct vm_jobs_request bad[] = {good, good, good, good, good, good, good, good};
    static const char *const said[] = {"0 jobs",
                                       "0 processors: expected 1 to 64",
                                       "65 processors",
                                       "a multiple of the timer",
                                       "a multiple of the timer",
                                       "none of the processors: expected one of 0 to 0",
                                       "unknown scheduler",
                                       "out of range"};
    struct vm_jobs_result r;
    struct vm_error e = {0};
    assert_true(vm_jobs_run(&good, &r, &e));
    assert_int_equal(r.end, 5);
    vm_jobs_free(&r);
    bad[0].njobs = 0;
    bad[1].ncpus = 0;
    bad[2].ncpus = 65;
    bad[3].timer = 0;
    bad[4].timer = 3;
    bad[5].ncpus = 1;
    bad[6].scheduler = "r";
    bad[7].switch_cost = UINT64_MAX;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_false(vm_jobs_run(&bad[i], &r, &e));
        assert_int_equal(e.code, VM_EUSAGE);
        if (!strstr(e.text, said[i]))
            fail_msg("%s", e.text);
    }
}

static void a_run_without_end_is_refused(void **unused)
{
    (void)unused;
    struct vm_job job[] = {{.name = "A", .run = VM_TIME_MAX, .cpus = 1, .tickets = 1},
                           {.name = "B", .run = VM_TIME_MAX, .cpus = 1, .tickets = 1}};
    struct vm_jobs_request q = {
        .job = job, .njobs = 2, .scheduler = "fifo", .ncpus = 1, .quantum = 1, .timer = 1};
    struct vm_jobs_result r;
    struct vm_error e = {0};
    assert_true(vm_jobs_run(&q, &r, &e)); /* long, but of two steps */
    assert_true(r.end == 2 * VM_TIME_MAX);
    vm_jobs_free(&r);
    job[0].run = job[1].run = UINT64_C(1) << 30;
    q.scheduler = "rr";
    assert_false(vm_jobs_run(&q, &r, &e));
    assert_non_null(strstr(e.text, "moments at which something happens"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sjf_guesses_bursts_as_in_figure_5_4),
        cmocka_unit_test(alpha_weighs_the_last_burst),
        cmocka_unit_test(stcf_counts_down_what_it_has_guessed),
        cmocka_unit_test(a_task_that_yields_goes_behind_the_others),
        cmocka_unit_test(mlfq_sinks_a_task_that_is_preempted_too_late),
        cmocka_unit_test(a_unit_makes_parameters_times_of_the_host),
        cmocka_unit_test(cfs_counts_the_smallest_times),
        cmocka_unit_test(clocks_that_have_come_too_far_stand_still),
        cmocka_unit_test(bad_parameters_are_refused),
        cmocka_unit_test(bad_requests_are_refused),
        cmocka_unit_test(a_run_without_end_is_refused),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
