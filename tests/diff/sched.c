/* Jobs under each scheduler against the naive simulation, one unit of time after the other, on
 * thousands of small random worlds. */
#include "base/random.h"
#include "oracle/naive_jobs.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/jobs.h>
#include <stdio.h>
#include <string.h>

struct world {
    struct vm_random random;
    struct vm_job job[NAIVE_JOBS];
    struct vm_jobs_request request;
    struct naive_rule rule;
    char spec[160];
    uint64_t drawn[4];
};

static uint64_t below(struct world *w, uint64_t n)
{
    return vm_random_below(&w->random, n);
}

static void make_job(struct world *w, uint32_t i)
{
    struct vm_job *j = &w->job[i];
    uint64_t all = (UINT64_C(1) << w->request.ncpus) - 1;
    *j = (struct vm_job){.arrival = below(w, 2) ? 0 : below(w, 30),
                         .run = 1 + below(w, 25),
                         .tickets = 1 + (uint32_t)below(w, 5),
                         .nice = (int8_t)((int)below(w, 5) - 2),
                         .set = below(w, 60)};
    snprintf(j->name, sizeof j->name, "%u", i);
    if (below(w, 2)) {
        j->io_every = 1 + below(w, 6);
        j->io_time = 1 + below(w, 8);
    }
    j->cpus = below(w, 3) ? all : 1 + below(w, all);
}

static void make_machine(struct world *w)
{
    struct vm_jobs_request *r = &w->request;
    *r = (struct vm_jobs_request){.job = w->job,
                                  .njobs = 1 + (uint32_t)below(w, NAIVE_JOBS),
                                  .scheduler = w->spec,
                                  .ncpus = 1 + (uint32_t)below(w, NAIVE_CPUS),
                                  .timer = below(w, 3) ? 1 : 1 + below(w, 4),
                                  .switch_cost = below(w, 3) ? 0 : below(w, 4),
                                  .seed = below(w, 1000),
                                  .drawn = w->drawn,
                                  .ndrawn = below(w, 5)};
    r->quantum = r->timer * (1 + below(w, 5));
    if (below(w, 3) == 0)
        r->warmth = (struct vm_warmth){50 + below(w, 100), below(w, 8), 1 + below(w, 4)};
    for (size_t i = 0; i < 4; i++)
        w->drawn[i] = below(w, 100);
    for (uint32_t i = 0; i < r->njobs; i++)
        make_job(w, i);
}

/* Adds to the parameters of a base: ":a=1,b=2", or in an arrangement "/a=1/b=2". */
static void add(struct world *w, const char *name, uint64_t value)
{
    size_t n = strlen(w->spec);
    char gap = w->rule.arrangement != NAIVE_ALONE ? '/' : strchr(w->spec, ':') ? ',' : ':';
    snprintf(w->spec + n, sizeof w->spec - n, "%c%s=%llu", gap, name, (unsigned long long)value);
}

static void add_word(struct world *w, const char *name, const char *value)
{
    size_t n = strlen(w->spec);
    char gap = w->rule.arrangement != NAIVE_ALONE ? '/' : strchr(w->spec, ':') ? ',' : ':';
    snprintf(w->spec + n, sizeof w->spec - n, "%c%s=%s", gap, name, value);
}

static void make_quantum(struct world *w)
{
    w->rule.quantum = w->request.quantum;
    if (below(w, 2) == 0) {
        w->rule.quantum = 1 + below(w, 9);
        add(w, "quantum", w->rule.quantum);
    }
}

static void make_rr(struct world *w)
{
    make_quantum(w);
    w->rule.clock = below(w, 2);
    if (w->rule.clock)
        add_word(w, "align", "clock");
}

/* One value for all queues, or one for each: whether one. */
static bool make_list(struct world *w, const char *name, uint64_t *value, uint64_t most)
{
    char text[64];
    size_t n = 0;
    bool same = w->rule.levels == 1 || below(w, 3) == 0;
    for (uint32_t i = 0; i < w->rule.levels; i++) {
        value[i] = same && i ? value[0] : 1 + below(w, most);
        if (i == 0 || !same)
            n += (size_t)snprintf(text + n, sizeof text - n, "%s%llu", i ? "+" : "",
                                  (unsigned long long)value[i]);
    }
    add_word(w, name, text);
    return same;
}

static void make_mlfq(struct world *w)
{
    w->rule.levels = 1 + (uint32_t)below(w, NAIVE_LEVELS);
    bool one_quantum = make_list(w, "quantum", w->rule.quanta, 8);
    bool one_allot = make_list(w, "allot", w->rule.allot, 3);
    if (one_quantum && one_allot)
        add(w, "queues", w->rule.levels);
    w->rule.boost = below(w, 2) ? 1 + below(w, 40) : 0;
    if (w->rule.boost)
        add(w, "boost", w->rule.boost);
    w->rule.stay = below(w, 2);
    if (w->rule.stay)
        add_word(w, "io", "stay");
    w->rule.first = below(w, 2);
    if (w->rule.first)
        add_word(w, "woken", "first");
}

static void make_new(struct world *w)
{
    w->rule.floor = below(w, 2);
    if (w->rule.floor)
        add_word(w, "new", "floor");
}

static void make_stride(struct world *w)
{
    make_quantum(w);
    make_new(w);
}

static void make_cfs(struct world *w)
{
    w->rule.latency = 1 + below(w, 48);
    w->rule.min = 1 + below(w, 6);
    w->rule.wakeup = below(w, 4);
    add(w, "latency", w->rule.latency);
    add(w, "min", w->rule.min);
    add(w, "wakeup", w->rule.wakeup);
    make_new(w);
}

static void make_nothing(struct world *w)
{
    (void)w;
}

static const struct {
    const char *name;
    void (*make)(struct world *w);
} rules[] = {
    [NAIVE_FIFO] = {"fifo", make_nothing},    [NAIVE_SJF] = {"sjf", make_nothing},
    [NAIVE_STCF] = {"stcf", make_nothing},    [NAIVE_RR] = {"rr", make_rr},
    [NAIVE_MLFQ] = {"mlfq", make_mlfq},       [NAIVE_LOTTERY] = {"lottery", make_quantum},
    [NAIVE_STRIDE] = {"stride", make_stride}, [NAIVE_CFS] = {"cfs", make_cfs},
};

/* A scheduler as a spec and as the oracle has it. */
static void make_rule(struct world *w, unsigned rule, unsigned arrangement)
{
    static const char *const begins[] = {"", "sqms:base=", "mqms:base="};
    w->rule = (struct naive_rule){.rule = rule, .arrangement = arrangement};
    snprintf(w->spec, sizeof w->spec, "%s%s", begins[arrangement], rules[rule].name);
    rules[rule].make(w);
    size_t n = strlen(w->spec);
    if (arrangement == NAIVE_SQMS) {
        w->rule.patience = (uint32_t)below(w, 6);
        snprintf(w->spec + n, sizeof w->spec - n, ",patience=%u", w->rule.patience);
    }
    if (arrangement == NAIVE_MQMS) {
        w->rule.peek = below(w, 4) ? 1 + below(w, 20) : 0;
        w->rule.longest = below(w, 2);
        snprintf(w->spec + n, sizeof w->spec - n, ",peek=%llu,from=%s",
                 (unsigned long long)w->rule.peek, w->rule.longest ? "longest" : "drawn");
    }
}

/* What a processor did in a unit of time, as naive_jobs.h writes it. */
static uint16_t did(const struct vm_jobs_result *r, uint64_t t, uint32_t c)
{
    static const uint16_t more[] = {
        [VM_SPAN_RUN] = 0, [VM_SPAN_WARM] = 100, [VM_SPAN_SWITCH] = 200};
    uint16_t found = 0;
    for (size_t i = 0; i < r->nspans; i++) {
        const struct vm_job_span *s = &r->span[i];
        if (s->cpu == c && s->start <= t && t < s->end) {
            assert_int_equal(found, 0);
            found = (uint16_t)(s->job + 1 + more[s->kind]);
        }
    }
    return found;
}

static void print_world(const struct world *w)
{
    const struct vm_jobs_request *r = &w->request;
    print_error("%s, %u cpus, quantum %llu, timer %llu, switch %llu, warmth %llu/%llu/%llu, seed "
                "%llu, %zu drawn\n",
                w->spec, r->ncpus, (unsigned long long)r->quantum, (unsigned long long)r->timer,
                (unsigned long long)r->switch_cost, (unsigned long long)r->warmth.size,
                (unsigned long long)r->warmth.warmup, (unsigned long long)r->warmth.rate,
                (unsigned long long)r->seed, r->ndrawn);
    for (uint32_t i = 0; i < r->njobs; i++)
        print_error("  %llu:%llu:io=%llu/%llu:tickets=%u:nice=%d:cpus=0x%llx:set=%llu\n",
                    (unsigned long long)r->job[i].arrival, (unsigned long long)r->job[i].run,
                    (unsigned long long)r->job[i].io_every, (unsigned long long)r->job[i].io_time,
                    r->job[i].tickets, r->job[i].nice, (unsigned long long)r->job[i].cpus,
                    (unsigned long long)r->job[i].set);
}

static bool same(const struct vm_jobs_result *r, const struct naive_jobs *n)
{
    for (uint64_t t = 0; t < n->end || t < r->end; t++)
        for (uint32_t c = 0; c < r->ncpus; c++)
            if (did(r, t, c) != n->did[t][c]) {
                print_error("at %llu processor %u does %u, expected %u\n", (unsigned long long)t, c,
                            did(r, t, c), n->did[t][c]);
                return false;
            }
    for (uint32_t i = 0; i < r->njobs; i++)
        if (memcmp(&r->job[i], &n->job[i], sizeof n->job[i]) != 0) {
            print_error("job %u: picks %llu, expected %llu; waited %llu, expected %llu\n", i,
                        (unsigned long long)r->job[i].picks, (unsigned long long)n->job[i].picks,
                        (unsigned long long)r->job[i].waited, (unsigned long long)n->job[i].waited);
            return false;
        }
    return r->end == n->end && !memcmp(r->cpu, n->cpu, r->ncpus * sizeof *n->cpu);
}

static void compare(unsigned rule, unsigned arrangement, unsigned rounds)
{
    static struct naive_jobs naive;
    for (unsigned round = 0; round < rounds; round++) {
        struct world w;
        struct vm_jobs_result result;
        struct vm_error e = {0};
        vm_random_seed(&w.random, round * 64 + rule * 4 + arrangement);
        make_machine(&w);
        make_rule(&w, rule, arrangement);
        if (!vm_jobs_run(&w.request, &result, &e))
            fail_msg("%s", e.text);
        naive_jobs_run(&w.request, &w.rule, &naive);
        if (!same(&result, &naive)) {
            print_world(&w);
            fail_msg("round %u differs", round);
        }
        vm_jobs_free(&result);
    }
}

static void compare_arrangements(unsigned rule)
{
    for (unsigned arrangement = NAIVE_ALONE; arrangement <= NAIVE_MQMS; arrangement++)
        compare(rule, arrangement, test_rounds(1000));
}

#define SAME_AS_NAIVE(name, rule)                                                                  \
    static void name##_runs_jobs_as_the_naive_one_does(void **unused)                              \
    {                                                                                              \
        (void)unused;                                                                              \
        compare_arrangements(rule);                                                                \
    }
SAME_AS_NAIVE(fifo, NAIVE_FIFO)
SAME_AS_NAIVE(sjf, NAIVE_SJF)
SAME_AS_NAIVE(stcf, NAIVE_STCF)
SAME_AS_NAIVE(rr, NAIVE_RR)
SAME_AS_NAIVE(mlfq, NAIVE_MLFQ)
SAME_AS_NAIVE(lottery, NAIVE_LOTTERY)
SAME_AS_NAIVE(stride, NAIVE_STRIDE)
SAME_AS_NAIVE(cfs, NAIVE_CFS)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fifo_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(sjf_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(stcf_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(rr_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(mlfq_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(lottery_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(stride_runs_jobs_as_the_naive_one_does),
        cmocka_unit_test(cfs_runs_jobs_as_the_naive_one_does),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
