/* sched.c - every row of schedulers.def keeps the contract of include/pagoda/sched.h. */
#include "base/random.h"
#include "rounds.h"
#include "unit/test.h"

#include <pagoda/sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TASKS = 12, CPUS_MAX = 4 };
enum state { AWAY, WAITING, RUNNING, BLOCKED };

/* A host that does by chance all that the contract allows. */
struct host {
    const struct vm_sched_ops *ops;
    struct vm_params params;
    struct vm_sched_env env;
    struct vm_random random, draws;
    void *state;
    uint64_t now, seen; /* seen: a hash of all answers */
    struct vm_sched_task task[TASKS];
    enum state at[TASKS];
    uint64_t cpus[TASKS]; /* where it may run */
    uint64_t ran[TASKS];  /* since it came */
    vm_task running[CPUS_MAX];
    uint64_t slice[CPUS_MAX];
};

static bool may(void *host, vm_task task, uint32_t cpu)
{
    const struct host *h = host;
    assert_true(task < TASKS && cpu < h->env.ncpus);
    return h->cpus[task] >> cpu & 1;
}

static uint64_t draw(void *host, uint64_t n)
{
    struct host *h = host;
    assert_true(n > 0);
    return vm_random_below(&h->draws, n);
}

static uint64_t below(struct host *h, uint64_t n)
{
    return vm_random_below(&h->random, n);
}

static void open_row(struct host *h, const struct vm_sched_ops *ops, const char *text,
                     uint64_t seed, uint32_t ncpus)
{
    struct vm_error e = {0};
    *h = (struct host){.ops = ops};
    vm_random_seed(&h->random, seed);
    vm_random_seed(&h->draws, seed + 1);
    assert_true(vm_params_parse(&h->params, ops->name, ops->param, ops->nparams, text, &e));
    h->env = (struct vm_sched_env){.ntasks = TASKS,
                                   .ncpus = ncpus,
                                   .unit = 1 + seed % 3,
                                   .quantum = 1 + seed % 7,
                                   .now = &h->now,
                                   .task = h->task,
                                   .params = &h->params,
                                   .host = h,
                                   .may = may,
                                   .draw = draw};
    size_t bytes = ops->size(&h->env, &e);
    if (!bytes)
        fail_msg("%s: %s", ops->name, e.text);
    h->state = aligned_alloc(64, (bytes + 63) / 64 * 64);
    assert_non_null(h->state);
    memset(h->state, 0, bytes);
    ops->init(h->state, &h->env);
    ops->check(h->state);
    for (uint32_t c = 0; c < CPUS_MAX; c++)
        h->running[c] = VM_NOTASK;
}

static void note(struct host *h, uint64_t answer)
{
    h->seen = vm_mix64(h->seen ^ answer);
}

static void make_ready(struct host *h, vm_task t, enum vm_ready why)
{
    h->at[t] = WAITING;
    h->ops->ready(h->state, t, why);
    h->ops->check(h->state);
}

static void ask_slice(struct host *h, uint32_t c)
{
    h->slice[c] = h->ops->slice(h->state, h->running[c]);
    note(h, h->slice[c]);
}

static void pick(struct host *h, uint32_t c)
{
    struct vm_sched_fact fact[VM_SCHED_FACTS_MAX];
    vm_task t = h->ops->pick(h->state, c);
    h->ops->check(h->state);
    note(h, t);
    h->running[c] = t;
    if (t == VM_NOTASK)
        return;
    assert_true(t < TASKS && h->at[t] == WAITING && may(h, t, c));
    h->at[t] = RUNNING;
    size_t n = h->ops->facts(h->state, t, fact);
    assert_in_range(n, 1, VM_SCHED_FACTS_MAX);
    for (size_t i = 0; i < n; i++)
        note(h, fact[i].value);
    ask_slice(h, c);
    assert_true(h->slice[c] > 0);
}

static void fill_idle(struct host *h)
{
    for (uint32_t c = 0; c < h->env.ncpus; c++)
        if (h->running[c] == VM_NOTASK)
            pick(h, c);
}

/* ---- steps, by chance ---- */

static void run_for(struct host *h, uint64_t time)
{
    h->now += time;
    for (uint32_t c = 0; c < h->env.ncpus; c++) {
        vm_task t = h->running[c];
        if (t == VM_NOTASK)
            continue;
        if (h->task[t].left != VM_LEFT_UNKNOWN)
            h->task[t].left -= time < h->task[t].left ? time : h->task[t].left;
        h->ops->ran(h->state, t, time);
        h->slice[c] -= h->slice[c] == VM_SLICE_ALL ? 0 : time < h->slice[c] ? time : h->slice[c];
    }
}

static void leave(struct host *h, vm_task t)
{
    h->at[t] = AWAY;
    h->ops->leave(h->state, t);
    h->ops->check(h->state);
}

static void block(struct host *h, vm_task t)
{
    h->at[t] = BLOCKED;
    h->ops->block(h->state, t);
    h->ops->check(h->state);
}

static void stop(struct host *h, uint32_t c)
{
    vm_task t = h->running[c];
    switch (below(h, 12)) {
    case 0:
        leave(h, t);
        break;
    case 1:
    case 2:
        block(h, t);
        break;
    case 3:
        if (h->slice[c]) {
            make_ready(h, t, VM_READY_YIELDED);
            break;
        }
        /* fall through */
    default:
        if (h->slice[c] || below(h, 4) == 0)
            return; /* it has some left, or the host is late */
        make_ready(h, t, VM_READY_QUANTUM);
    }
    h->running[c] = VM_NOTASK;
}

static void come(struct host *h, vm_task t)
{
    if (h->at[t] == AWAY || below(h, 4) == 0)
        h->cpus[t] = below(h, 2) ? UINT64_MAX : 1 + below(h, (UINT64_C(1) << h->env.ncpus) - 1);
    if (h->at[t] == AWAY) {
        h->task[t].tickets = 1 + (uint32_t)below(h, 1000);
        h->task[t].nice = (int8_t)(VM_NICE_MIN + (int)below(h, 40));
    }
    h->task[t].left = below(h, 3) ? 1 + below(h, 100) : VM_LEFT_UNKNOWN;
    make_ready(h, t, h->at[t] == AWAY ? VM_READY_NEW : VM_READY_WOKEN);
}

/* What happens to a task that does not run. */
static void happen(struct host *h, vm_task t)
{
    if (below(h, 10) == 0)
        h->task[t].nice = (int8_t)(VM_NICE_MIN + (int)below(h, 40));
    if (h->at[t] == WAITING && below(h, 40) == 0)
        block(h, t); /* it is stopped */
    else if (h->at[t] != AWAY && h->at[t] != RUNNING && below(h, 40) == 0)
        leave(h, t);
    else if ((h->at[t] == AWAY || h->at[t] == BLOCKED) && below(h, 5) == 0)
        come(h, t);
}

static void preempt(struct host *h)
{
    uint32_t c;
    unsigned n = 0;
    while ((c = h->ops->preempt(h->state)) != VM_NOCPU) {
        assert_true(c < h->env.ncpus && h->running[c] != VM_NOTASK && n++ < 1000);
        note(h, c);
        make_ready(h, h->running[c], VM_READY_PREEMPTED);
        pick(h, c);
        assert_true(h->running[c] != VM_NOTASK);
        fill_idle(h);
    }
}

static void moment(struct host *h)
{
    run_for(h, below(h, 8));
    for (uint32_t c = 0; c < h->env.ncpus; c++)
        if (h->running[c] != VM_NOTASK)
            stop(h, c);
    if (h->ops->ticks_at(h->state) <= h->now) {
        h->ops->tick(h->state);
        h->ops->check(h->state);
        assert_true(h->ops->ticks_at(h->state) > h->now);
        for (uint32_t c = 0; c < h->env.ncpus; c++)
            if (h->running[c] != VM_NOTASK)
                ask_slice(h, c);
    }
    for (vm_task t = 0; t < TASKS; t++)
        happen(h, t);
    fill_idle(h);
    preempt(h);
}

/* No processor is idle that a waiting task may run on. */
static void assert_no_task_is_lost(struct host *h)
{
    for (uint32_t c = 0; c < h->env.ncpus; c++)
        for (vm_task t = 0; h->running[c] == VM_NOTASK && t < TASKS; t++)
            assert_false(h->at[t] == WAITING && may(h, t, c));
}

/* Whatever the queue that it is in, it runs when all others have left. */
static void assert_one_left_alone_runs(struct host *h)
{
    vm_task alone = VM_NOTASK, picked = VM_NOTASK;
    for (vm_task t = 0; t < TASKS; t++)
        if (alone == VM_NOTASK && h->at[t] == WAITING)
            alone = t;
        else
            leave(h, t);
    for (uint32_t c = 0; alone != VM_NOTASK && c < h->env.ncpus && picked == VM_NOTASK; c++)
        picked = h->ops->pick(h->state, c);
    assert_int_equal(picked, alone);
}

static void drain(struct host *h)
{
    for (vm_task t = 0; t < TASKS; t++) {
        h->ops->leave(h->state, t);
        h->ops->check(h->state);
    }
    for (uint32_t c = 0; c < h->env.ncpus; c++)
        assert_int_equal(h->ops->pick(h->state, c), VM_NOTASK);
}

static uint64_t run_world(const struct vm_sched_ops *ops, const char *text, uint64_t seed)
{
    struct host h;
    open_row(&h, ops, text, seed, 1 + (uint32_t)(seed % CPUS_MAX));
    for (unsigned i = 0; i < 300; i++) {
        moment(&h);
        if (ops->kind == VM_SCHED_RULE)
            assert_no_task_is_lost(&h);
    }
    assert_one_left_alone_runs(&h);
    drain(&h);
    free(h.state);
    return h.seen;
}

/* Each row as it is without parameters; arrangements with each rule, too. */
static void each_scheduler(void (*look)(const struct vm_sched_ops *ops, const char *text))
{
    const struct vm_sched_ops *ops, *base;
    char text[64];
    for (size_t i = 0; (ops = vm_sched_at(i)); i++) {
        look(ops, "");
        for (size_t k = 0; ops->kind == VM_SCHED_ARRANGEMENT && (base = vm_sched_at(k)); k++) {
            snprintf(text, sizeof text, "base=%s", base->name);
            if (base->kind == VM_SCHED_RULE)
                look(ops, text);
        }
    }
}

static void look_at_contract(const struct vm_sched_ops *ops, const char *text)
{
    for (unsigned seed = 0; seed < test_rounds(60); seed++)
        run_world(ops, text, seed);
}

static void schedulers_keep_the_contract_whatever_the_host_does(void **unused)
{
    (void)unused;
    each_scheduler(look_at_contract);
}

static void look_at_equality(const struct vm_sched_ops *ops, const char *text)
{
    uint64_t other = 0;
    for (uint64_t seed = 0; seed < 8; seed++) {
        uint64_t seen = run_world(ops, text, seed);
        assert_int_equal(seen, run_world(ops, text, seed));
        assert_true(seen != other);
        other = seen;
    }
}

static void equal_calls_and_draws_give_equal_answers(void **unused)
{
    (void)unused;
    each_scheduler(look_at_equality);
}

static void rows_have_names_of_their_own_by_which_they_are_found(void **unused)
{
    (void)unused;
    struct vm_error e;
    struct vm_listed listed;
    size_t n = 0;
    for (const struct vm_sched_ops *ops; (ops = vm_sched_at(n)); n++) {
        assert_ptr_equal(vm_sched_find(ops->name, &e), ops);
        assert_true(vm_sched_list(n, &listed));
        assert_string_equal(listed.name, ops->name);
        assert_true(strlen(listed.summary) > 0 && strlen(ops->reason) > 0);
        assert_true(ops->size && ops->init && ops->ready && ops->block && ops->leave && ops->pick &&
                    ops->slice && ops->ran && ops->preempt && ops->ticks_at && ops->tick &&
                    ops->move && ops->facts && ops->check);
    }
    assert_true(n > 0);
    assert_false(vm_sched_list(n, &listed));
    assert_null(vm_sched_find("lotery", &e));
    assert_int_equal(e.code, VM_EUSAGE);
    assert_non_null(strstr(e.hint, "lottery"));
}

/* Tasks 0 to 3 never block; a new one of short life comes whenever there is none. All are on one
 * processor. */
static void assert_nobody_starves(const struct vm_sched_ops *ops)
{
    struct host h;
    uint64_t waited[TASKS] = {0};
    open_row(&h, ops, "", 5, 1);
    for (vm_task t = 0; t < TASKS; t++) {
        h.cpus[t] = UINT64_MAX;
        h.task[t] = (struct vm_sched_task){VM_LEFT_UNKNOWN, 1 + t, (int8_t)t};
        make_ready(&h, t, VM_READY_NEW);
    }
    for (unsigned i = 0; i < 20000; i++) {
        fill_idle(&h);
        preempt(&h);
        vm_task t = h.running[0];
        assert_true(t != VM_NOTASK);
        waited[t] = 0;
        run_for(&h, h.slice[0] < 1000 ? h.slice[0] : 1000);
        h.running[0] = VM_NOTASK;
        if (t < 4) {
            make_ready(&h, t, VM_READY_QUANTUM);
        } else {
            leave(&h, t);
            make_ready(&h, t, VM_READY_NEW);
        }
        for (vm_task k = 0; k < 4; k++)
            assert_true(++waited[k] < 3000);
    }
    free(h.state);
}

static void nobody_starves_where_that_is_promised(void **unused)
{
    (void)unused;
    const struct vm_sched_ops *ops;
    unsigned n = 0;
    for (size_t i = 0; (ops = vm_sched_at(i)); i++)
        if (ops->starves == VM_STARVES_NEVER) {
            assert_nobody_starves(ops);
            n++;
        }
    assert_true(n > 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_have_names_of_their_own_by_which_they_are_found),
        cmocka_unit_test(schedulers_keep_the_contract_whatever_the_host_does),
        cmocka_unit_test(equal_calls_and_draws_give_equal_answers),
        cmocka_unit_test(nobody_starves_where_that_is_promised),
    };
    return cmocka_run_group_tests_name("sched", tests, NULL, NULL);
}
